"""Stores that break their promises, and what is in them that should not be."""

import _thread
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from minimalkv import StoreUnavailable
from minimalkv.checking import check
from minimalkv.decorator import PrefixDecorator, URLEncodeKeysDecorator
from minimalkv.memory import DictStore
from tests.backends.process import HOST
from tests.backends.redis import RedisServer
from tests.backends.s3 import S3Server
from tests.broken import ChecksThenCreates, IgnoresTtl
from tests.checking.looking import ENOUGH_SECS, cause, looked_at, one, statuses
from tests.net import s3_engine
from tests.net.s3_engine import Reply, Seen


class IgnoresAbsent(DictStore):
    """It replaces whatever is there."""

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        options.pop("if_absent", None)
        return super()._put(key, data, *args, **options)


class IgnoresMatch(DictStore):
    """It replaces whatever version is there."""

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        options.pop("if_match", None)
        return super()._put(key, data, *args, **options)


class RefusesMatch(DictStore):
    """It takes every version for another one."""

    def _head(self, key: str) -> Any:
        return super()._head(key)._replace(etag="another")


class Forgets(DictStore):
    """It says that all is well, and stores nothing."""

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        return key


@pytest.mark.parametrize(
    ("store", "words"),
    [
        (ChecksThenCreates(), "each with if_absent, 2 won"),
        (IgnoresAbsent(), "2 won"),
        (IgnoresMatch(), "replaced a value that somebody else had changed"),
        (RefusesMatch(), "though nobody had changed the value"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_store_that_ignores_conditions_is_told(store: DictStore, words: str) -> None:
    report = looked_at(store)

    assert words in cause(report, "conditional")
    assert "does not write on condition" in one(report, "sessions").text
    assert one(report, "uploads").status == "ok"
    assert store.d == {}


def test_a_store_that_forgets_is_told() -> None:
    assert "is not there, or is another value" in one(looked_at(Forgets()), "read").text


def lists_nothing(seen: Seen, _: bytes) -> Reply | None:
    return Reply(200, b"<ListBucketResult/>") if "list-type" in seen.query else None


@pytest.mark.parametrize(
    ("option", "words"),
    [("", "ignores If-Match or If-None-Match"), ("&conditional=true", "2 won")],
)
def test_a_server_that_ignores_conditions_is_told(option: str, words: str) -> None:
    with s3_engine.running() as engine:
        engine.script = lists_nothing
        place = f"{HOST}:{engine.port}/bucket?is_secure=false{option}"
        report = looked_at(f"s3://key:secret@{place}")

    assert words in cause(report, "conditional")
    assert engine.objects == {}


def test_a_store_without_conditions_is_no_place_for_sessions(
    s3_server: S3Server,
) -> None:
    report = looked_at(f"{s3_server.url()}&conditional=false")

    assert report.ok
    assert one(report, "conditional").status == "warning"
    assert "Not fit" in one(report, "sessions").text
    assert "Not fit" in one(report, "cache").text
    assert "Fit" in one(report, "uploads").text


def test_a_store_without_expiry_says_what_that_means(tmp_path: Path) -> None:
    assert "a frame" in one(looked_at(f"hfs://{tmp_path}"), "ttl").text
    assert "by themselves" in one(looked_at("memory://"), "ttl").text
    assert one(looked_at(IgnoresTtl()), "ttl").status == "ok"


class Slow(DictStore):
    def _has_key(self, key: str) -> bool:
        threading.Event().wait(0.21)
        return super()._has_key(key)


def test_a_store_that_is_slow_is_a_warning() -> None:
    found = one(looked_at(Slow()), "latency")

    assert found.status == "warning"
    assert "nearer" in found.cure


# Names.


def test_names_of_others_are_told(s3_server: S3Server) -> None:
    url = s3_server.url()
    with s3_server.client() as client:
        for name in ("fine", "not;fine", "no//key", "ä"):
            client.put_object(Bucket=s3_server.namespace(url), Key=name, Body=b"")

    found = one(looked_at(url), "foreign-names")

    assert found.status == "warning"
    assert "can be no key, so nobody here sees them" in found.text
    assert "'not;fine'" in found.text


def test_a_list_in_redis_is_no_value(redis_server: RedisServer) -> None:
    url = redis_server.url()
    with redis_server.client(url) as client:
        client.rpush("a-queue", "task")
        client.set("a value", b"1")
        client.set(b"\xff", b"2")
        client.set("fine:no", b"3")

    found = one(looked_at(url), "foreign-names")

    assert found.status == "warning"
    assert "Looked at 4 names" in found.text
    for name in ("'a-queue'", "'fine:no'", "'\\\\xff'"):
        assert name in found.text
    assert " 3 can be no key" in found.text


def test_what_is_under_the_reserved_prefix_is_counted() -> None:
    rooms = {f"mkv-session-{number}": b"" for number in range(3)}
    assert (
        "3 of mkv-session-…" in one(looked_at(DictStore(rooms)), "foreign-names").text
    )

    stray = one(looked_at(DictStore({"mkv-mine": b""})), "foreign-names")
    assert stray.status == "warning"
    assert "belong to no session, user or cache" in stray.text

    left = one(looked_at(DictStore({"mkv-check-0": b""})), "foreign-names")
    assert left.status == "warning"
    assert "rm --prefix mkv-check-" in left.cure


# What Redis does when it is full.


@pytest.mark.parametrize(
    ("policy", "maxmemory", "status"),
    [
        ("allkeys-lru", "1gb", "warning"),
        ("volatile-ttl", "1gb", "warning"),
        ("noeviction", "1gb", "ok"),
        ("allkeys-lru", "0", "ok"),
    ],
)
def test_a_redis_that_throws_sessions_away_is_told(
    redis_server: RedisServer, policy: str, maxmemory: str, status: str
) -> None:
    url = redis_server.url()
    with redis_server.client(url) as client:
        client.config_set("maxmemory", maxmemory)
        client.config_set("maxmemory-policy", policy)
        try:
            report = looked_at(url)
        finally:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", "0")

    found = one(report, "eviction")
    assert found.status == status
    assert policy in found.text
    is_warned = status == "warning"
    assert ("maxmemory-policy noeviction" in found.cure) is is_warned
    assert ("see eviction" in one(report, "sessions").text) is is_warned
    assert report.ok


def test_a_redis_that_is_full_is_told(redis_server: RedisServer) -> None:
    url = redis_server.url()
    with redis_server.client(url) as client:
        client.config_set("maxmemory", "1kb")
        try:
            report = looked_at(url)
        finally:
            client.config_set("maxmemory", "0")

    assert one(report, "space").status == "failed"
    assert "is full" in one(report, "write").text
    assert "maxmemory" in one(report, "write").cure


# Whatever happens, nothing stays.


class Interrupts(DictStore):
    """Somebody presses Ctrl-C just when a value was stored."""

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        super()._put(key, data, *args, **options)
        _thread.interrupt_main()
        return key


def test_what_was_written_is_removed_after_an_interrupt() -> None:
    store = Interrupts()

    with pytest.raises(KeyboardInterrupt):
        check(store, timeout=ENOUGH_SECS)

    assert store.d == {}


class LosesAnswers(DictStore):
    """It stores, and nobody hears of it."""

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        super()._put(key, data, *args, **options)
        raise StoreUnavailable("The answer was lost. It may have happened.")


def test_what_may_have_been_written_is_removed() -> None:
    store = LosesAnswers()

    assert "The answer was lost" in cause(looked_at(store), "write")
    assert store.d == {}


class KeepsAll(DictStore):
    """It deletes only what is not there."""

    def _delete(self, key: str, **options: Any) -> None:
        if key in self.d:
            raise StoreUnavailable("It did not answer.")


def test_what_could_not_be_removed_is_named() -> None:
    store = KeepsAll()

    report = looked_at(store)

    (left,) = store.d
    assert left.startswith("mkv-check-")
    assert any(left in finding.text for finding in report.findings)
    assert any(f"rm URL {left}" in finding.cure for finding in report.findings)


class Hangs(DictStore):
    """It waits for something that does not come in time, in one of its verbs."""

    def __init__(self, verb: str) -> None:
        super().__init__()
        self.verb = verb
        self.goes_on = threading.Event()
        self.deleted = threading.Event()

    def _wait_in(self, verb: str) -> None:
        if verb == self.verb:
            self.goes_on.wait(ENOUGH_SECS)

    def _get(self, key: str) -> bytes:
        self._wait_in("read")
        return super()._get(key)

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        self._wait_in("write")
        return super()._put(key, data, *args, **options)

    def _delete(self, key: str, **options: Any) -> None:
        was_there = key in self.d
        super()._delete(key, **options)
        if was_there:
            self.deleted.set()


@pytest.mark.parametrize("verb", ["read", "write"])
def test_a_store_that_never_answers_is_told_in_time(verb: str) -> None:
    store = Hangs(verb)

    began = time.monotonic()
    report = check(store, timeout=0.8)
    took = time.monotonic() - began
    store.goes_on.set()

    found = one(report, verb)
    assert (found.status, found.text) == ("failed", "It did not end in time.")
    assert "--timeout 2.4" in found.cure
    assert one(report, "sessions").status == "skipped"
    assert took < 2
    # What comes too late is taken away again if this process lives on, and else named.
    assert store.deleted.wait(ENOUGH_SECS)
    assert any("rm URL mkv-check-" in one.cure for one in report.findings)


class Confused(DictStore):
    """It raises what no store should, with a secret in it."""

    def iter_keys(self, prefix: str = "") -> Iterator[str]:
        raise RuntimeError("the password is hunter2")


def test_an_error_of_another_kind_is_told_without_its_text() -> None:
    report = looked_at(Confused())

    assert "The store raised RuntimeError" in one(report, "list").text
    assert one(report, "write").status == "ok"
    assert "hunter2" not in report.to_json()


class TakesFewKeys(DictStore):
    def _check_valid_key(self, key: str) -> None:
        super()._check_valid_key(key)
        if len(key) > 8:
            self._refuse_key(key, 8, 8)


def test_a_store_that_takes_no_key_of_ours_is_looked_at_without() -> None:
    report = looked_at(TakesFewKeys())

    assert report.ok
    found = statuses(report)
    assert {found[name] for name in ("write", "conditional", "latency")} == {"skipped"}


def test_wrappers_are_looked_at_with_what_they_wrap() -> None:
    inner = DictStore()
    store = PrefixDecorator("p", URLEncodeKeysDecorator(inner))

    report = looked_at(store)

    assert set(statuses(report).values()) == {"ok"}
    assert inner.d == {}
