"""What is particular to `CacheDecorator`."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from minimalkv import InvalidArgument, KeyNotFound, StoreUnavailable
from minimalkv._hstores import HDictStore, HFilesystemStore
from minimalkv.cache import CacheDecorator
from minimalkv.decorator import URLEncodeKeysDecorator
from minimalkv.fs import FilesystemStore
from minimalkv.memory import DictStore
from tests.counting import CountingDecorator


class Failing(DictStore):
    """A cache whose server is away."""

    def _get(self, key: str) -> bytes:
        raise StoreUnavailable(key)

    def _open(self, key: str) -> BinaryIO:
        raise StoreUnavailable(key)

    def _put(self, key: str, *_args: Any, **_options: Any) -> str:
        raise StoreUnavailable(key)

    _put_file = _put


def test_cache_is_asked_first_and_filled() -> None:
    inner = CountingDecorator(DictStore())
    store = CacheDecorator(DictStore(), inner)
    store.put("a", b"1")
    inner.calls.clear()
    assert [store.get("a") for _ in range(3)] == [b"1"] * 3
    assert store.open("a").read() == b"1"
    assert inner.calls == ["get_with_meta"]


def test_open_fills_the_cache_too() -> None:
    inner = CountingDecorator(DictStore({"a": b"1"}))
    store = CacheDecorator(DictStore(), inner)
    assert store.open("a").read() == b"1"
    sink = io.BytesIO()
    store.get_file("a", sink)
    assert sink.getvalue() == b"1"
    assert inner.calls == ["stream"]


def test_every_write_drops_the_cached_value() -> None:
    cache, inner = DictStore(), DictStore()
    store = CacheDecorator(cache, inner)
    writes: list[Callable[[], object]] = [
        lambda: store.put("a", b"2"),
        lambda: store.put_file("a", io.BytesIO(b"2")),
        lambda: store.put_many({"a": b"2"}),
        lambda: store.update("a", lambda _: b"2"),
        lambda: store.increment("a"),
        lambda: store.copy("b", "a"),
        lambda: store.move("b", "a"),
        lambda: store.delete("a"),
        lambda: store.delete_many(["a"]),
        lambda: store.delete_prefix(""),
        lambda: store.touch("a", 0),
        lambda: store.open_writer("a").close(),
    ]
    for write in writes:
        inner.put("a", b"1")
        inner.put("b", b"2")
        assert store.get("a") == b"1"
        write()
        assert "a" not in cache
        assert store.get_many(["a"]) == inner.get_many(["a"])


def test_a_broken_cache_is_passed_over() -> None:
    store = CacheDecorator(Failing(), DictStore({"a": b"1"}))
    assert store.get("a") == b"1"
    assert store.open("a").read() == b"1"


def test_a_value_read_while_it_is_replaced_is_not_cached() -> None:
    class Slow(DictStore):
        def _get_with_meta(self, key: str) -> Any:
            found = super()._get_with_meta(key)
            store.put("a", b"new")
            return found

    cache, inner = DictStore(), Slow({"a": b"old"})
    store = CacheDecorator(cache, inner)
    assert store.get("a") == b"old"
    assert cache.d == {}
    assert inner.d["a"] == b"new"


def test_an_expiring_value_does_not_live_longer_in_the_cache() -> None:
    cache, inner = DictStore(), DictStore()
    store = CacheDecorator(cache, inner)
    store.put("a", b"1", 100)
    assert store.get("a") == b"1"
    left = cache.ttl("a")
    assert left is not None
    assert left <= 100


def test_an_expiring_value_is_not_cached_where_nothing_expires(tmp_path: Path) -> None:
    cache = FilesystemStore(tmp_path, fsync=False)
    store = CacheDecorator(cache, DictStore())
    store.put("a", b"1", 100)
    assert store.get("a") == b"1"
    assert cache.keys() == []


def test_cache_must_take_the_keys() -> None:
    with pytest.raises(InvalidArgument, match="'h' store"):
        CacheDecorator(DictStore(), HDictStore())


def test_cache_closes_both() -> None:
    closed = []

    class Noting(DictStore):
        def close(self) -> None:
            closed.append(self)

    cache, inner = Noting(), Noting()
    CacheDecorator(cache, inner).close()
    assert closed == [cache, inner]


def test_cache_survives_pickle() -> None:
    store = pickle.loads(pickle.dumps(CacheDecorator(DictStore(), DictStore())))
    store.put("a", b"1")
    assert store.get("a") == b"1"


def test_a_cache_is_not_asked_for_keys_it_does_not_take(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    cache = HFilesystemStore(tmp_path / "cache", fsync=False)
    store = CacheDecorator(cache, URLEncodeKeysDecorator(DictStore()))
    with pytest.raises(KeyNotFound):
        store.get("../secret")
    store.put("../secret", b"ours")
    assert store.get("../secret") == store.open("../secret").read() == b"ours"
    store.delete("../secret")
    assert (tmp_path / "secret").read_bytes() == b"secret"
    assert cache.keys() == []
