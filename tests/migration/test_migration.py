"""What is particular to `MigrationDecorator`."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from minimalkv import (
    InvalidArgument,
    InvalidURL,
    KeyExists,
    KeyNotFound,
    KeyValueStore,
    PreconditionFailed,
    Unsupported,
    _clock,
    get_store_from_url,
)
from minimalkv._hstores import HDictStore, HFilesystemStore
from minimalkv._old_store import Seen
from minimalkv.decorator import ReadOnlyDecorator
from minimalkv.fs import FilesystemStore
from minimalkv.memory import DictStore
from minimalkv.migration import MigrationDecorator
from minimalkv.ttl import with_ttl
from tests.clocks import FakeClock
from tests.counting import CountingDecorator
from tests.thirdparty import FourMethods

SESSION = "mkv-session-1"


@pytest.fixture
def old() -> CountingDecorator:
    return CountingDecorator(DictStore({"a": b"old a", "b": b"old b"}))


@pytest.fixture
def new() -> CountingDecorator:
    return CountingDecorator(DictStore({"b": b"new b", "c": b"new c"}))


@pytest.fixture
def store(old: KeyValueStore, new: KeyValueStore) -> MigrationDecorator:
    return MigrationDecorator(old, new)


# What each verb does.


def test_the_new_store_is_read_first_and_alone_if_it_has_the_value(
    store: Any, old: Any, new: Any
) -> None:
    assert (store.get("b"), store.get("c")) == (b"new b", b"new c")
    assert store.head("b") == new.head("b")
    assert old.take_calls() == []


def test_the_old_store_is_read_next_and_nothing_is_written(
    store: Any, old: Any, new: Any
) -> None:
    assert store.get("a") == b"old a"
    assert (old.take_calls(), new.take_calls()) == (["get"], ["get"])
    assert store.get_with_meta("a")[0] == store.open("a").read() == b"old a"
    assert "a" in store
    assert store.get_many(["c", "missing", "a"]) == {"c": b"new c", "a": b"old a"}
    assert new.keys() == ["b", "c"]


def test_what_is_in_neither_store_is_missing(store: Any) -> None:
    for read in (store.get, store.head, store.open, store.stream, store.ttl):
        with pytest.raises(KeyNotFound, match="'missing'"):
            read("missing")
    assert "missing" not in store


def test_a_put_writes_the_new_store_and_leaves_no_old_copy(
    store: Any, old: Any, new: Any
) -> None:
    store.put("a", b"new a")
    assert (store.get("a"), new.get("a")) == (b"new a", b"new a")
    assert old.take_calls() == ["head", "delete"]
    assert "a" not in old
    store.delete("a")
    assert "a" not in store


@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.put("a", b"new", 5),
        lambda store: store.put_file("a", io.BytesIO(b"new"), 5),
        lambda store: store.put_many({"a": b"new", "x": b"new"}, 5),
        lambda store: store.open_writer("a", 5).close(),
        lambda store: store.put("a", b"new", 5, if_match=store.head("a").etag),
        lambda store: store.update("a", lambda _: b"new", 5),
        lambda store: store.touch("a", 5),
        lambda store: [store.put("x", b"new", 5), store.copy("x", "a")],
        lambda store: [store.put("x", b"new", 5), store.move("x", "a")],
    ],
)
def test_an_old_value_does_not_come_back_when_the_new_one_ends(
    write: Callable[[KeyValueStore], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    new, clock = DictStore(), FakeClock(_clock.elapsed())
    monkeypatch.setattr(new, "_clock", clock)
    store = MigrationDecorator(DictStore({"a": b"old"}), new)
    write(store)
    assert 4 < (store.ttl("a") or 0) <= 5
    clock.advance(6)
    assert "a" not in store
    assert store.keys() == []


def test_an_end_that_is_kept_ends_the_old_value_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, new, clock = DictStore(), DictStore(), FakeClock(_clock.elapsed())
    monkeypatch.setattr(new, "_clock", clock)
    old.put("a", b"5", 1000)
    store = MigrationDecorator(old, new)
    assert store.increment("a") == 6
    assert 999 < (store.ttl("a") or 0) <= 1000
    assert old.keys() == []


def test_a_session_is_carried_with_its_end_and_without_its_frame(
    tmp_path: Path,
) -> None:
    old, new = FilesystemStore(tmp_path / "old", fsync=False), DictStore()
    with_ttl(old).put(SESSION, b"data", 100)
    store = MigrationDecorator(old, new)
    data, meta = store.get_with_meta(SESSION)
    assert (data, meta.size) == (b"data", 4)
    assert 99 < (store.ttl(SESSION) or 0) <= 100
    assert store._get_with_etag(SESSION) == (b"data", meta.etag)
    store.put(SESSION, b"more", 200, if_match=meta.etag)
    assert new.get(SESSION) == b"more"
    assert 199 < (new.ttl(SESSION) or 0) <= 200
    assert old.keys() == []


def test_add_does_not_replace_an_old_value(store: Any, new: Any) -> None:
    assert not store.add("a", b"mine")
    with pytest.raises(KeyExists):
        store.put_many({"a": b"mine", "d": b"mine"}, if_absent=True)
    assert store.get("a") == b"old a"
    assert new.get("d") == b"mine"
    assert "a" not in new


def test_a_version_of_the_old_store_is_one_of_the_new_store_afterwards(
    store: Any, new: Any
) -> None:
    etag = store.head("a").etag
    assert etag == next(m.etag for m in store.iter_meta() if m.key == "a")
    new.put("a", b"old a")  # as somebody may have copied it up
    assert store.stream("a", if_match=etag)[1].read() == b"old a"
    store.put("a", b"mine", if_match=etag)
    assert store.get("a") == b"mine"
    for stale in (etag, "mkv-old0-x", "x"):
        with pytest.raises(PreconditionFailed):
            store.put("a", b"theirs", if_match=stale)
        with pytest.raises(PreconditionFailed):
            store.delete("a", if_match=stale)
        with pytest.raises(PreconditionFailed):
            store.stream("a", if_match=stale)
    assert store.get("a") == b"mine"


@pytest.mark.parametrize("wrong", ["x", "mkv-old0-x"])
def test_a_wrong_version_deletes_nothing(store: Any, wrong: str) -> None:
    with pytest.raises(PreconditionFailed):
        store.delete("a", if_match=wrong)
    assert store.get("a") == b"old a"


def test_a_listing_has_the_keys_of_both_once(store: Any, old: Any, new: Any) -> None:
    assert sorted(store.keys()) == ["a", "b", "c"]
    found = {meta.key: meta for meta in store.iter_meta()}
    assert sorted(found) == ["a", "b", "c"]
    assert found["b"] == new.head("b")
    assert sorted(store.iter_prefixes("x")) == ["a", "b", "c"]
    assert store.delete_prefix("") == 3
    assert (old.keys(), new.keys()) == ([], [])


def test_a_key_that_the_new_store_cannot_have_is_not_seen() -> None:
    old = HDictStore({"a/b": b"", "a": b""})
    store = MigrationDecorator(old, DictStore())
    assert store.keys() == ["a"]
    assert [meta.key for meta in store.iter_meta()] == ["a"]
    assert list(store.iter_prefixes("/")) == ["a"]


def test_a_key_that_the_old_store_cannot_have_is_only_in_the_new() -> None:
    store = MigrationDecorator(DictStore(), HDictStore())
    store.put("a/b", b"value", 100)
    store.put("a/b", b"more", if_match=store.head("a/b").etag)
    assert (store.get("a/b"), store.ttl("a/b")) == (b"more", None)
    assert "x/y" not in store
    assert store.get_many(["x/y", "a/b"]) == {"a/b": b"more"}
    with pytest.raises(PreconditionFailed):
        store.put("x/y", b"", if_match="mkv-old0-1")
    store.delete_many(["a/b", "x/y"])
    assert store.keys() == []


def test_a_link_to_an_old_value_shows_it(tmp_path: Path) -> None:
    old = DictStore({"a": b"old a"})
    new = FilesystemStore(tmp_path / "new", fsync=False)
    store = MigrationDecorator(old, new)
    assert Path(store.url_for("a").removeprefix("file://")).read_bytes() == b"old a"
    store.url_for("b")
    assert new.keys() == ["a"]


def test_expired_sessions_are_purged_from_both(tmp_path: Path) -> None:
    old = FilesystemStore(tmp_path / "old", fsync=False)
    for key in ("mkv-session-1", "mkv-session-2", "mkv-user-1"):
        with_ttl(old).put(key, b"", 0)
    old.put("cat", b"")
    store = MigrationDecorator(old, DictStore())
    assert store.purge_expired("x") == 0
    assert store.purge_expired("mkv-session") == 2
    assert store.purge_expired() == 1
    assert old.keys() == ["cat"]


def test_an_expired_session_of_the_old_store_is_in_nobodys_way(tmp_path: Path) -> None:
    old = FilesystemStore(tmp_path / "old", fsync=False)
    with_ttl(old).put(SESSION, b"ended", 0)
    new = FilesystemStore(tmp_path / "new", fsync=False)
    store = with_ttl(MigrationDecorator(old, new))
    assert store.add(SESSION, b"begun", 100)
    assert store.get(SESSION) == b"begun"
    with_ttl(old).put("mkv-session-2", b"ended", 0)
    assert store.purge_expired() == 1
    assert old.keys() == []


# What a moved site costs, until the wrapper is taken away.


def test_a_moved_session_costs_one_call_more_where_it_is_written(
    store: Any, old: Any, new: Any
) -> None:
    store.put("c", b"first", 100)
    old.take_calls(), new.take_calls()
    _, meta = store.get_with_meta("c")
    store.put("c", b"second", 100, if_match=meta.etag)
    assert new.take_calls() == ["get_with_meta", "put"]
    assert old.take_calls() == ["head"]


def test_an_old_session_is_moved_by_its_first_write(
    store: Any, old: Any, new: Any
) -> None:
    _, meta = store.get_with_meta("a")
    store.put("a", b"second", 100, if_match=meta.etag)
    asked_old, asked_new = old.take_calls(), new.take_calls()
    assert asked_old == ["get_with_meta", "head", "stream", "has_key", "delete"]
    assert asked_new == ["get_with_meta", "put_file", "stream", "put"]


def test_a_listing_remembers_eight_bytes_a_key() -> None:
    seen = Seen()
    for number in range(10_000):
        seen.add(f"key-{number}")
    assert all(f"key-{number}" in seen for number in range(10_000))
    assert not any(f"other-{number}" in seen for number in range(10_000))
    assert seen._hashes.itemsize * len(seen._hashes) == 80_000


# The rest.


def test_a_store_that_writes_on_no_condition_cannot_be_moved_into() -> None:
    with pytest.raises(Unsupported, match="on condition"):
        MigrationDecorator(DictStore(), FourMethods())


def test_what_may_not_be_deleted_from_cannot_be_moved_from() -> None:
    with pytest.raises(InvalidArgument, match="would come back"):
        MigrationDecorator(ReadOnlyDecorator(DictStore()), DictStore())


def test_an_old_store_without_versions_is_moved_from() -> None:
    old = FourMethods()
    old.put_many({"a": b"old a", "b": b"5"})
    store = MigrationDecorator(old, DictStore())
    assert store.get("a") == b"old a"
    store.put("a", b"mine", if_match=store.head("a").etag)
    assert store.increment("b") == 6
    assert (store.get("a"), store.get("b")) == (b"mine", b"6")
    assert sorted(store.keys()) == ["a", "b"]


def test_a_move_upon_a_move_reads_all_three() -> None:
    first = MigrationDecorator(DictStore({"a": b"1"}), DictStore({"b": b"2"}))
    store = MigrationDecorator(DictStore({"c": b"3"}), first)
    assert store.get_many("abc") == {"a": b"1", "b": b"2", "c": b"3"}
    for key in "abc":
        store.put(key, b"mine", if_match=store.head(key).etag)
    assert set(first._dstore.keys()) == set("abc")


def test_it_is_pickled_with_both_stores(tmp_path: Path) -> None:
    store = MigrationDecorator(
        HFilesystemStore(tmp_path / "old"), FilesystemStore(tmp_path / "new")
    )
    store.old.put("a", b"old")
    store.put("b", b"new")
    again = pickle.loads(pickle.dumps(store))
    assert sorted(again.keys()) == ["a", "b"]
    assert (again.get("a"), again.get("b")) == (b"old", b"new")


def test_both_stores_are_pinged_and_closed() -> None:
    closed: list[str] = []

    class Closing(CountingDecorator):
        def close(self) -> None:
            closed.append(repr(self))

    old, new = Closing(DictStore()), Closing(HDictStore())
    with MigrationDecorator(old, new) as store:
        store.ping()
    assert (old.take_calls(), new.take_calls()) == (["ping"], ["ping"])
    assert closed == [repr(old), repr(new)]


# As a URL.


def test_a_url_names_the_old_store_percent_encoded(tmp_path: Path) -> None:
    old = f"hfs://{tmp_path}/a,(b)?fsync=false#wrap:prefix(x)"
    store: Any = get_store_from_url(f"memory://#wrap:migrate({quote(old, safe='')})")
    store.old.put("key", b"value")
    assert store.get("key") == b"value"
    assert (tmp_path / "a,(b)" / "xkey").read_bytes() == b"value"
    assert repr(store) == (
        "<MigrationDecorator of <DictStore> before <PrefixDecorator of "
        f"<HFilesystemStore '{tmp_path}/a,(b)'>>>"
    )


@pytest.mark.parametrize(
    "old",
    [
        "redis://:hush@localhost#wrap:readonly",
        "redis://:hush@localhost?timeot=1",
        "s3://hush:hush@localhost",
        "nothing://:hush@localhost",
        "redis:hush@localhost",
        "redis://:hush%ZZ@localhost",
    ],
)
def test_no_secret_of_the_old_url_is_in_an_error(old: str) -> None:
    url = f"memory://#wrap:migrate({quote(old, safe='')})"
    with pytest.raises(InvalidURL) as caught:
        get_store_from_url(url)
    error: BaseException | None = caught.value
    while error is not None:
        assert "hush" not in str(error)
        error = error.__cause__


def test_the_url_of_a_store_that_cannot_be_moved_into_is_wrong() -> None:
    with pytest.raises(InvalidURL, match="would come back"):
        get_store_from_url("memory://#wrap:migrate(memory%3A%2F%2F%23wrap%3Areadonly)")
