"""Wrappers that were written for upstream, with public verbs."""

import io
import pickle
from typing import Any, BinaryIO

import pytest

from minimalkv import InvalidKey, Unsupported
from minimalkv._hstores import HDictStore
from minimalkv.decorator import PrefixDecorator, StoreDecorator
from minimalkv.memory import DictStore


class Reversing(StoreDecorator):
    """As upstream's users wrote wrappers: with public verbs."""

    def get(self, key: str) -> bytes:
        return self._dstore.get(key)[::-1]

    def open(self, key: str) -> BinaryIO:
        return io.BytesIO(self.get(key))

    def put(self, key: str, data: bytes, *args: Any, **kwargs: Any) -> str:
        return self._dstore.put(key, data[::-1], *args, **kwargs)

    def put_file(self, key: str, file: Any, *args: Any, **kwargs: Any) -> str:
        return self.put(key, file.read(), *args, **kwargs)


def test_a_wrapper_of_upstream_keeps_its_meaning() -> None:
    inner = DictStore()
    store = Reversing(inner)
    store.put("a", b"abc")
    assert inner.d == {"a": b"cba"}
    assert store.get("a") == b"abc"
    assert store.get_with_meta("a")[0] == b"abc"
    assert store.get_many(["a"]) == {"a": b"abc"}
    assert store.stream("a", 1)[1].read() == b"bc"
    store.put_many({"b": b"xy"})
    store.copy("a", "c")
    store.move("c", "d")
    with store.open_writer("e") as writer:
        writer.write(b"123")
    assert inner.d == {"a": b"cba", "b": b"yx", "d": b"cba", "e": b"321"}
    assert store.ttl_support
    store.put("t", b"12", 100)
    store.copy("t", "u")
    assert store.ttl("u") is not None


def test_a_wrapper_of_upstream_keeps_its_meaning_inside_of_ours() -> None:
    inner = DictStore()
    store = PrefixDecorator("p-", Reversing(inner))
    store.put("a", b"abc")
    assert inner.d == {"p-a": b"cba"}
    assert store.get("a") == b"abc"
    assert store.get_with_meta("a")[0] == b"abc"
    assert store.keys() == ["a"]
    store.delete("a")
    assert inner.d == {}


def test_a_wrapper_of_upstream_does_not_write_on_condition() -> None:
    for store in (Reversing(DictStore()), PrefixDecorator("p", Reversing(DictStore()))):
        with pytest.raises(Unsupported):
            store.add("a", b"1")


def test_wrappers_survive_pickle_with_their_meaning() -> None:
    store = PrefixDecorator("p-", Reversing(DictStore()))
    store.put("a", b"abc")
    loaded = pickle.loads(pickle.dumps(store))
    assert loaded.get("a") == b"abc"
    assert loaded._dstore._dstore.d == {"p-a": b"cba"}


class Shouting(PrefixDecorator):
    """A subclass of a wrapper that maps keys, with verbs of its own."""

    def put(self, key: str, data: bytes, *args: Any, **kwargs: Any) -> str:
        return super().put(key, data.upper(), *args, **kwargs)


def test_a_mapping_wrapper_with_its_own_verbs_maps_once() -> None:
    inner = DictStore()
    store = Shouting("p-", inner)
    store.put("a", b"x")
    store.put_many({"b": b"y"})
    store.copy("a", "c")
    assert sorted(inner.d) == ["p-a", "p-b", "p-c"]
    assert store.head("a").key == "a"
    assert store.get_many(["a", "b"]) == {"a": b"X", "b": b"Y"}
    assert sorted(meta.key for meta in store.iter_meta()) == ["a", "b", "c"]
    assert sorted(store) == ["a", "b", "c"]
    store.move("c", "d")
    store.delete_many(["a", "b"])
    assert sorted(inner.d) == ["p-d"]


def test_a_foreign_store_keeps_its_alphabet_inside_of_ours() -> None:
    class Colons(DictStore):
        def _check_valid_key(self, key: str) -> None:
            if not key.replace(":", "").isalnum():
                raise InvalidKey(key)

    store = StoreDecorator(Reversing(Colons()))
    store.put("a:b", b"12")
    assert store.get("a:b") == b"12"
    with pytest.raises(InvalidKey):
        store.put("a-b", b"")
    nested = PrefixDecorator("a/", Reversing(HDictStore()))
    nested.put("b/c", b"12")
    assert nested.keys() == ["b/c"]
