"""What is particular to a wrapper; what every store promises is in the contract."""

import hashlib
import hmac
import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from minimalkv import (
    InvalidArgument,
    InvalidKey,
    KeyNotFound,
    ReadOnlyStore,
    StoreError,
    StoreUnavailable,
    Unsupported,
    VerificationException,
)
from minimalkv._hstores import HDictStore, HFilesystemStore
from minimalkv.cache import CacheDecorator
from minimalkv.crypt import HMACDecorator
from minimalkv.decorator import (
    PrefixDecorator,
    ReadOnlyDecorator,
    StoreDecorator,
    URLEncodeKeysDecorator,
)
from minimalkv.fs import FilesystemStore
from minimalkv.idgen import HashDecorator, UUIDDecorator
from minimalkv.memory import DictStore
from tests.counting import CountingDecorator

SECRET = b"0123456789abcdef"


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


# HMAC.


def legacy(key: str, value: bytes) -> bytes:
    return value + hmac.new(key.encode() + SECRET, value, "sha256").digest()


def readers(store: HMACDecorator, key: str) -> list[Callable[[], object]]:
    """Every way to read a value."""
    return [
        lambda: store.get(key),
        lambda: store.get_with_meta(key),
        lambda: store.get_many([key]),
        lambda: store.open(key).read(),
        lambda: store.stream(key),
        lambda: store.stream(key, -2),
        lambda: store.get_file(key, io.BytesIO()),
        lambda: store.update(key, lambda old: old),
        lambda: store.copy(key, "other"),
    ]


def test_every_altered_byte_is_noticed() -> None:
    inner = DictStore()
    store = HMACDecorator(SECRET, inner)
    store.put("a", b"value")
    signed = inner.d["a"]
    for position in range(len(signed)):
        altered = bytearray(signed)
        altered[position] ^= 1
        inner.d["a"] = bytes(altered)
        for read in readers(store, "a"):
            with pytest.raises(VerificationException, match="'a'"):
                read()
    assert "other" not in inner


@pytest.mark.parametrize("cut", [0, 1, 31, 32, 36])
def test_a_cut_value_is_noticed(cut: int) -> None:
    inner = DictStore()
    store = HMACDecorator(SECRET, inner)
    store.put("a", b"value")
    inner.d["a"] = inner.d["a"][:cut]
    for read in readers(store, "a"):
        with pytest.raises(VerificationException):
            read()


def test_a_value_moved_to_another_key_is_noticed() -> None:
    inner = DictStore()
    store = HMACDecorator(SECRET, inner)
    store.put("a", b"value")
    inner.d["b"] = inner.d["a"]
    with pytest.raises(VerificationException):
        store.get("b")


def test_key_and_value_are_bound_unambiguously() -> None:
    inner = DictStore()
    store = HMACDecorator(SECRET, inner)
    store.put("a", b"bc")
    digest = inner.d["a"][2:]
    for key, value in (("ab", b"c"), ("abc", b""), ("a", b"b"), ("", b"abc")):
        inner.d[key or "x"] = value + digest
        with pytest.raises(VerificationException):
            store.get(key or "x")


def test_the_signature_is_the_documented_one() -> None:
    inner = DictStore()
    HMACDecorator(SECRET, inner).put("key", b"value")
    message = b"minimalkv.hmac.2\0" + (3).to_bytes(8, "big") + b"key" + b"value"
    digest = hmac.new(SECRET, message, hashlib.sha256).digest()
    assert inner.d["key"] == b"value" + digest


def test_values_of_upstream_are_read_when_they_are_accepted() -> None:
    inner = DictStore({"a": legacy("a", b"old")})
    with pytest.raises(VerificationException):
        HMACDecorator(SECRET, inner).get("a")
    store = HMACDecorator(SECRET, inner, accept_legacy=True)
    assert store.get("a") == store.open("a").read() == b"old"
    store.put("a", b"new")
    assert HMACDecorator(SECRET, inner).get("a") == b"new"


def test_large_values_are_checked_before_a_seek_gives_anything() -> None:
    inner = DictStore()
    store = HMACDecorator(SECRET, inner)
    store.put("a", bytes(2_000_000))
    file = store.open("a")
    assert file.seek(-10, 2) == 1_999_990
    assert file.read() == bytes(10)
    inner.d["a"] = b"\1" + inner.d["a"][1:]
    file = store.open("a")
    file.seek(-10, 2)
    with pytest.raises(VerificationException):
        file.read(1)


def test_an_altered_value_leaves_no_file(tmp_path: Path) -> None:
    inner = DictStore()
    store = HMACDecorator(SECRET, inner)
    store.put("a", b"value")
    inner.d["a"] += b"!"
    with pytest.raises(VerificationException):
        store.get_file("a", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_callers_file_is_not_written_to(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"value")
    store = HMACDecorator(SECRET, FilesystemStore(tmp_path / "root", fsync=False))
    store.put_file("a", source)
    assert source.read_bytes() == b"value"
    assert store.get("a") == b"value"


@pytest.mark.parametrize("secret", [b"", "text", None])
def test_a_secret_is_bytes(secret: Any) -> None:
    with pytest.raises(InvalidArgument, match="secret_key"):
        HMACDecorator(secret, DictStore())


def test_the_secret_is_in_no_text() -> None:
    store = HMACDecorator(SECRET, DictStore())
    assert "0123456789" not in repr(store) + str(store)


# Cache.


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


# Wrappers that were written for upstream.


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


def test_a_source_may_use_its_buffer_again() -> None:
    class Reusing:
        def __init__(self) -> None:
            self.buffer = bytearray(4)
            self.left = [b"abcd", b"efgh", b"ij"]

        def read(self, _size: int = -1) -> Any:
            part = self.left.pop(0) if self.left else b""
            self.buffer[: len(part)] = part
            return memoryview(self.buffer)[: len(part)]

    for store in (DictStore(), HMACDecorator(SECRET, DictStore())):
        store.put_file("a", Reusing())
        assert store.get("a") == b"abcdefghij"
