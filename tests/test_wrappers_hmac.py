"""What is particular to `HMACDecorator`."""

import hashlib
import hmac
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minimalkv import InvalidArgument, VerificationException
from minimalkv.crypt import HMACDecorator
from minimalkv.fs import FilesystemStore
from minimalkv.memory import DictStore

SECRET = b"0123456789abcdef"


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
