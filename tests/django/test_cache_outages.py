"""What a cache does while its store does not answer."""

import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.sessions.backends.cache import SessionStore
from pytest_django import Settings

from minimalkv import KeyValueStore, ObjectMeta, StoreUnavailable
from minimalkv._hooks import each
from minimalkv.decorator import PrefixDecorator
from minimalkv.fs import FilesystemStore
from minimalkv.memory import DictStore
from minimalkv_django._cache_outages import PAUSE_SECS
from minimalkv_django.cache import KVCache
from tests.backends.redis import RedisServer
from tests.clocks import FakeClock
from tests.django.caches import new_cache
from tests.proxy import Drop, Proxy, Refuse, Stall
from tests.watched import WatchedStore

MISSES: dict[str, tuple[Callable[[KVCache], Any], Any]] = {
    "get": (lambda cache: cache.get("key", "default"), "default"),
    "set": (lambda cache: cache.set("key", 1), None),
    "add": (lambda cache: cache.add("key", 1), False),
    "touch": (lambda cache: cache.touch("key"), False),
    "delete": (lambda cache: cache.delete("key"), False),
    "has_key": (lambda cache: cache.has_key("key"), False),
    "get_many": (lambda cache: cache.get_many(["key"]), {}),
    "set_many": (lambda cache: cache.set_many({"a": 1, "b": 2}), ["a", "b"]),
    "delete_many": (lambda cache: cache.delete_many(["key"]), None),
    "get_or_set": (lambda cache: cache.get_or_set("key", lambda: 7), 7),
    "clear": (lambda cache: cache.clear(), None),
    "ttl": (lambda cache: cache.ttl("key"), 0),
    "expire": (lambda cache: cache.expire("key", 5), False),
    "persist": (lambda cache: cache.persist("key"), False),
    "keys": (lambda cache: cache.keys(), []),
    "delete_pattern": (lambda cache: cache.delete_pattern("*"), 0),
    "aget": (lambda cache: async_to_sync(cache.aget)("key", 3), 3),
    "aset_many": (lambda cache: async_to_sync(cache.aset_many)({"a": 1}), ["a"]),
}
REFUSED: dict[str, Callable[[KVCache], Any]] = {
    "incr": lambda cache: cache.incr("key"),
    "decr": lambda cache: cache.decr("key"),
    "incr_version": lambda cache: cache.incr_version("key"),
}
USES: dict[str, Callable[[KVCache], Any]] = {
    **{name: use for name, (use, _) in MISSES.items()},
    **REFUSED,
}


class Dying(WatchedStore):
    """What the backend does by itself fails, too."""

    def _increment(self, key: str, delta: int) -> int:
        self._note("increment")
        return super()._increment(key, delta)

    def _ttl(self, key: str) -> float | None:
        self._note("ttl")
        return super()._ttl(key)

    def _touch(self, key: str, ttl_secs: float | str) -> None:
        self._note("touch")
        super()._touch(key, ttl_secs)

    def _put_many(self, items: Any, *args: Any, **options: Any) -> None:
        self._note("put_many")
        super()._put_many(items, *args, **options)

    def _delete_many(self, keys: list[str]) -> None:
        self._note("delete_many")
        super()._delete_many(keys)


@pytest.fixture
def store() -> Dying:
    return Dying(DictStore())


def forgiving(store: object, **options: Any) -> KVCache:
    return new_cache(store, OPTIONS={"ignore_exceptions": True, **options})


@pytest.fixture(autouse=True)
def time_stands_still(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    fake = FakeClock()
    monkeypatch.setattr("minimalkv_django._cache_outages.clock.elapsed", fake)
    return fake


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_an_outage_is_an_error(store: Dying, use: Callable[[KVCache], Any]) -> None:
    cache = new_cache(store)
    store.fail()

    with pytest.raises(StoreUnavailable):
        use(cache)

    assert len(store.calls) == 1


@pytest.mark.parametrize(("use", "miss"), MISSES.values(), ids=MISSES)
def test_an_ignored_outage_is_a_miss(
    store: Dying,
    caplog: pytest.LogCaptureFixture,
    use: Callable[[KVCache], Any],
    miss: object,
) -> None:
    cache = forgiving(store)
    store.fail()

    assert use(cache) == miss

    (record,) = caplog.records
    assert (record.name, record.levelno) == ("minimalkv_django", logging.ERROR)
    assert "does not answer" in record.getMessage()
    assert len(store.calls) == 1


@pytest.mark.parametrize("use", REFUSED.values(), ids=REFUSED)
def test_what_is_not_known_is_not_counted(
    store: Dying, use: Callable[[KVCache], Any]
) -> None:
    cache = forgiving(store)
    store.fail()

    with pytest.raises(ValueError, match="'key'"):
        use(cache)


def test_a_store_that_failed_is_left_alone_for_a_while(
    store: Dying, time_stands_still: FakeClock
) -> None:
    cache, twin = forgiving(store), forgiving(store)
    cache.set("key", 1)
    store.fail()
    for _ in range(20):
        assert cache.get("key") is None
    store.recover()
    store.take_calls()

    assert [twin.get("key"), cache.add("key", 2), cache.keys()] == [None, False, []]
    assert store.take_calls() == []
    time_stands_still.advance(PAUSE_SECS)
    assert cache.get("key") == 1


def test_the_end_of_an_outage_is_told_once(
    store: Dying, time_stands_still: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "minimalkv_django")
    cache = forgiving(store)
    store.fail()
    cache.get("key")
    store.recover()
    caplog.clear()
    cache.get("key")
    assert caplog.messages == []
    time_stands_still.advance(PAUSE_SECS)
    cache.get("key")
    cache.get("key")
    assert caplog.messages == ["The cache is used again."]


def test_a_session_in_a_dead_cache_is_given_up_soon(
    store: Dying, settings: Settings
) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "minimalkv_django.cache.KVCache",
            "LOCATION": store,
            "OPTIONS": {"ignore_exceptions": True},
        }
    }
    settings.SESSION_CACHE_ALIAS = "default"
    store.fail()

    with pytest.raises(RuntimeError, match="cache is unavailable"):
        SessionStore().create()

    assert 1 <= len(store.calls) <= 3


def test_a_session_in_a_cache_is_kept(settings: Settings) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "minimalkv_django.cache.KVCache",
            "LOCATION": DictStore(),
        }
    }
    settings.SESSION_CACHE_ALIAS = "default"
    session = SessionStore()
    session["name"] = "Ada"
    session.create()

    assert SessionStore(session.session_key)["name"] == "Ada"
    session.delete()
    assert "name" not in SessionStore(session.session_key)


def test_some_keys_that_fail_are_told(
    store: Dying, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = new_cache(store)
    put = store._put

    def fails_for_b(key: str, data: bytes, *args: Any, **options: Any) -> Any:
        if key.endswith("b"):
            raise StoreUnavailable("no")
        return put(key, data, *args, **options)

    def put_many(items: Any, *args: Any, **options: Any) -> None:
        each(items, lambda key: fails_for_b(key, items[key], *args, **options))

    monkeypatch.setattr(store, "_put_many", put_many)

    assert cache.set_many({"a": 1, "b": 2, "c": 3}) == ["b"]
    assert cache.get_many("abc") == {"a": 1, "c": 3}


# A real server.


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[Proxy]:
    with Proxy(redis_server.port, settle_secs=0) as proxy:
        yield proxy


def through(server: RedisServer, proxy: Proxy, **options: Any) -> KVCache:
    url = server.through(server.url(), proxy.port)
    return new_cache(url, OPTIONS=options)


@pytest.mark.parametrize("name", ["get", "add", "set_many", "incr", "keys", "aget"])
def test_a_stalled_server_costs_the_timeout_once(
    redis_server: RedisServer, proxy: Proxy, name: str
) -> None:
    cache = through(redis_server, proxy, timeout=0.5, ignore_exceptions=True)
    assert cache.set_many({"key": 1}) == []
    proxy.reset_counts()
    proxy.fault = Stall()
    began = time.monotonic()

    with suppress(ValueError):
        USES[name](cache)

    assert 0.5 <= time.monotonic() - began < 2  # the usual timeout
    assert len({request.connection for request in proxy.requests}) == 1


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_dead_server_is_asked_three_times_at_most(
    redis_server: RedisServer, proxy: Proxy, use: Callable[[KVCache], Any]
) -> None:
    cache = through(redis_server, proxy, timeout=5)
    cache.set("key", 1)
    proxy.reset_counts()
    proxy.fault = Drop()
    with pytest.raises(StoreUnavailable):
        use(cache)
    # Once by the connection that there was, and by those that were new.
    assert 1 + proxy.connections <= 3
    proxy.fault = Refuse()
    with pytest.raises(StoreUnavailable):
        use(cache)
    proxy.fault = None
    assert cache.get("key") == 1


def test_the_timeout_of_the_url_counts() -> None:
    url = "redis://localhost:1/0?timeout=7"
    cache = new_cache(url, OPTIONS={"timeout": 3})

    assert cache.store._calls._timeout == 7  # type: ignore[attr-defined]  # of Redis
    usual = new_cache("redis://localhost:1/0").store
    assert usual._calls._timeout == 2  # type: ignore[attr-defined]  # of Redis


def test_many_keys_of_a_stalled_bucket_cost_the_timeout_once() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(100)
        place = f"hs3://k:s@127.0.0.1:{server.getsockname()[1]}/b"
        options = "is_secure=false&conditional=true&create_if_missing=false"
        cache = forgiving(f"{place}?{options}", timeout=0.5)
        began = time.monotonic()
        failed = cache.set_many(dict.fromkeys(map(str, range(200)), 1))
    assert len(failed) == 200
    # It would be 12.5 seconds if each of them waited.
    assert time.monotonic() - began < 6


def test_a_dead_store_is_not_asked_for_each_of_many_keys() -> None:
    class Dead(DictStore):
        calls = 0
        _put_many = KeyValueStore._put_many

        def _put(self, *_: Any, **__: Any) -> Any:
            self.calls += 1
            raise StoreUnavailable("no")

    store = Dead()
    with pytest.raises(StoreUnavailable):
        new_cache(store).set_many(dict.fromkeys("abcdefghij", 1))
    assert store.calls == 3


@pytest.mark.filterwarnings("ignore::django.core.cache.backends.base.CacheKeyWarning")
@pytest.mark.parametrize("key", ["a", "k" * 300])
def test_keys_that_cannot_be_looked_at_are_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    store = FilesystemStore(tmp_path, fsync=False)
    cache = forgiving(store)
    cache.set(key, ["x"])

    def dead(*_: Any, **__: Any) -> Any:
        raise StoreUnavailable("no")

    monkeypatch.setattr(store, "_get", dead)
    monkeypatch.setattr(store, "_stream", dead)
    assert cache.keys() == []
    assert cache.get(key) is None


def test_a_value_without_an_etag_is_deleted() -> None:
    class Large(DictStore):
        def _head(self, key: str) -> ObjectMeta:
            return super()._head(key)._replace(etag=None)

    cache = new_cache(PrefixDecorator("p-", Large()))
    cache.set("key", [1])
    assert [cache.delete("key"), cache.delete("key")] == [True, False]
