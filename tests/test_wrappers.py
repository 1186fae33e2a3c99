"""What is particular to wrappers of keys and rights; the contract has the rest."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minimalkv import InvalidKey, KeyNotFound, ReadOnlyStore, StoreError
from minimalkv._hstores import HDictStore, HFilesystemStore
from minimalkv.decorator import (
    PrefixDecorator,
    ReadOnlyDecorator,
    URLEncodeKeysDecorator,
)
from minimalkv.fs import FilesystemStore
from minimalkv.idgen import HashDecorator, UUIDDecorator
from minimalkv.memory import DictStore

# Prefix.


def test_prefix_keeps_tenants_apart() -> None:
    inner = HDictStore()
    a, ab = PrefixDecorator("a/", inner), PrefixDecorator("ab/", inner)
    a.put("x", b"1")
    ab.put("x", b"2")
    inner.put("x", b"3")
    assert (a.get("x"), ab.get("x")) == (b"1", b"2")
    assert a.keys() == ab.keys() == ["x"]
    assert a.delete_prefix("") == 1
    assert inner.keys() == ["ab/x", "x"]


def test_prefix_moves_only_its_own_keys() -> None:
    inner = DictStore({"a": b"theirs"})
    ours = PrefixDecorator("p-", inner)
    with pytest.raises(KeyNotFound):
        ours.move("a", "b")
    ours.put("a", b"ours")
    ours.move("a", "b")
    assert inner.d == {"a": b"theirs", "p-b": b"ours"}


@pytest.mark.parametrize(
    "prefix", ["/", "../", "a/../", "ä", "a//", "./", "a;b", b"a", None]
)
def test_prefix_that_no_key_begins_with_is_refused(prefix: Any) -> None:
    with pytest.raises(InvalidKey):
        PrefixDecorator(prefix, HDictStore())


def test_prefix_with_a_slash_needs_a_store_with_slashes() -> None:
    with pytest.raises(InvalidKey, match="'h' stores"):
        PrefixDecorator("uploads/", DictStore())


def test_prefix_uses_the_room_that_the_backend_has(tmp_path: Path) -> None:
    prefix = "p" * 65
    in_memory = PrefixDecorator(prefix, DictStore())
    assert in_memory.max_key == 250
    in_memory.put("k" * 250, b"1")
    in_file = PrefixDecorator(prefix, FilesystemStore(tmp_path, fsync=False))
    assert in_file.max_key == 190
    in_file.put("k" * 190, b"1")
    with pytest.raises(InvalidKey, match="190"):
        in_file.put("k" * 191, b"1")
    with pytest.raises(InvalidKey):
        PrefixDecorator("p" * 255, FilesystemStore(tmp_path))


def test_prefix_of_a_path_shortens_only_the_part_it_stands_in(tmp_path: Path) -> None:
    store = HFilesystemStore(tmp_path, fsync=False)
    nested = PrefixDecorator("tenants/one/", PrefixDecorator("deep/er/", store))
    key = "/".join(["k" * 250] * 4)
    nested.put(key, b"1")
    assert nested.keys() == [key]
    assert PrefixDecorator("tenants/on", store).max_segment == 250
    assert PrefixDecorator("tenants/one-", store).max_segment == 250
    assert PrefixDecorator("tenants/one-two-", store).max_segment == 247


def test_listing_under_a_prefix_yields_only_keys_it_takes() -> None:
    inner = HDictStore({"a/b": b"", "a": b"", "ab": b"", "a/": b""})
    store = PrefixDecorator("a", inner)
    assert store.keys() == ["b"]
    assert [meta.key for meta in store.iter_meta()] == ["b"]
    assert list(store.iter_prefixes("/")) == ["b"]


def test_folders_under_a_prefix_are_asked_of_the_backend() -> None:
    inner = HDictStore({"a/x/1": b"", "a/x/2": b"", "a/y": b"", "b/z": b""})
    assert sorted(PrefixDecorator("a/", inner).iter_prefixes("/")) == ["x/", "y"]


def test_failed_keys_are_named_as_the_caller_knows_them(tmp_path: Path) -> None:
    inner = HFilesystemStore(tmp_path, fsync=False)
    store = PrefixDecorator("p/", inner)
    store.put("a", b"1")
    with pytest.raises(StoreError) as caught:
        store.put_many({"a/b": b"2", "c": b"3"})
    assert caught.value.failed_keys == ("a/b",)
    assert store.get("c") == b"3"


# URL encoding.


def test_urlencode_takes_any_text() -> None:
    inner = DictStore()
    store = URLEncodeKeysDecorator(inner)
    for key in ("ä/ö ü", "\0", "日本", "a+b", "%2F", "x;y*z", "e\u0301"):
        store.put(key, key.encode())
    assert sorted(store.keys()) == sorted(
        ["ä/ö ü", "\0", "日本", "a+b", "%2F", "x;y*z", "e\u0301"]
    )
    assert all(store.get(key) == key.encode() for key in store)
    assert store.keys("ä/") == ["ä/ö ü"]
    assert "%C3%A4%2F%C3%B6+%C3%BC" in inner


def test_urlencode_passes_over_foreign_keys() -> None:
    inner = DictStore({"a b": b"", "%zz": b"", "%41": b"", "ok": b""})
    assert URLEncodeKeysDecorator(inner).keys() == ["ok"]


def test_urlencode_refuses_half_a_character() -> None:
    with pytest.raises(InvalidKey, match="half a character"):
        URLEncodeKeysDecorator(DictStore()).put("\ud800", b"")


# Read only.


def test_read_only_refuses_every_way_to_write() -> None:
    inner = DictStore({"a": b"1"})
    store = ReadOnlyDecorator(inner)
    writes: list[Callable[[], object]] = [
        lambda: store.put("a", b"2"),
        lambda: store.put_file("a", io.BytesIO()),
        lambda: store.put_file("a", __file__),
        lambda: store.open_writer("a"),
        lambda: store.put_many({"a": b"2"}),
        lambda: store.add("b", b"2"),
        lambda: store.update("a", lambda _: b"2"),
        lambda: store.increment("a"),
        lambda: store.delete("a"),
        lambda: store.delete_many(["a"]),
        lambda: store.delete_prefix(""),
        lambda: store.copy("a", "b"),
        lambda: store.move("a", "b"),
        lambda: store.touch("a", 1),
        lambda: store.purge_expired(),
    ]
    for write in writes:
        with pytest.raises(ReadOnlyStore) as caught:
            write()
        assert isinstance(caught.value, AttributeError)
    assert inner.d == {"a": b"1"}
    assert inner.ttl("a") is None
    assert Path(__file__).exists()


def test_read_only_gives_no_url_to_put() -> None:
    class Signing(DictStore):
        url_support = True

        def _url_for(self, key: str, **options: object) -> str:
            return f"{key} {options}"

    store = ReadOnlyDecorator(Signing())
    assert store.url_for("a") == "a {}"
    with pytest.raises(ReadOnlyStore):
        store.url_for("a", method="PUT")


# Keys that the store makes.


def test_hash_of_upstream(tmp_path: Path) -> None:
    store = HashDecorator(DictStore())
    assert store.put(None, b"my_data") == "ab0c15b6029fdffce16b393f2d27ca839a76249e"
    named = HashDecorator(DictStore(), hashlib.sha256, "{}.bin")
    expected = f"{hashlib.sha256(b'x').hexdigest()}.bin"
    assert named.put_file(None, io.BytesIO(b"x")) == expected
    (tmp_path / "file").write_bytes(b"x")
    assert named.put_file(None, tmp_path / "file") == expected
    assert named.put("given", b"x") == "given"


def test_uuid_of_upstream(tmp_path: Path) -> None:
    store = UUIDDecorator(DictStore(), "{}.jpg")
    first, second = store.put(None, b"1"), store.put_file(None, io.BytesIO(b"2"))
    assert first != second
    assert first.endswith(".jpg")
    assert store.put("given", b"3") == "given.jpg"
    (tmp_path / "file").write_bytes(b"4")
    assert store.get(store.put_file(None, tmp_path / "file")) == b"4"


@pytest.mark.parametrize("wrapper", [HashDecorator, UUIDDecorator])
@pytest.mark.parametrize("key", [b"bytes", 1, "", "ä"])
def test_generated_keys_do_not_hide_bad_ones(wrapper: Any, key: Any) -> None:
    with pytest.raises(InvalidKey):
        wrapper(DictStore()).put(key, b"")
