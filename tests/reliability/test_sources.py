"""Sources that give little, nothing, text, or break: all of it is stored, or nothing.

What a small source does is in the contract of every store; here it has begun to be
sent, in parts, by the time.
"""

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from minimalkv import InvalidData, KeyValueStore, StoreError, get_store_from_url
from minimalkv._contract.base import check_bytes
from minimalkv._contract.tools import Slices, SourceError, sample
from tests.broken import EndsAtAShortRead
from tests.net.uses import LARGE_BYTES
from tests.sync.tools import KINDS, url_of

SMALL_BYTES = 300_000
SERVERS = [
    pytest.param(kind, marks=pytest.mark.stress) for kind in KINDS if kind != "fs"
]


@pytest.fixture(params=["memory", "fs", *SERVERS])
def store(request: pytest.FixtureRequest) -> Iterator[KeyValueStore]:
    kind = request.param
    url = "hmemory://" if kind == "memory" else url_of(request, kind)
    with get_store_from_url(url) as opened:
        yield opened


class Breaks(Slices):
    """Gives most of a value, and then something else."""

    def __init__(self, data: bytes, answer: object) -> None:
        super().__init__(data[: len(data) * 9 // 10], 99_991)
        self._answer = answer

    def read(self, size: int = -1, /) -> bytes:
        found = super().read(size)
        if found:
            return found
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer  # type: ignore[return-value]  # a wrong type is what it is for


class Seekable(io.BytesIO):
    """Can seek, and gives less than it is asked for."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(60_013, size if size and size > 0 else 60_013))


class Shrinks(Seekable):
    """Is shorter than its end says, as a file that somebody cuts off."""

    def read(self, size: int | None = -1, /) -> bytes:
        left = len(self.getbuffer()) // 2 - self.tell()
        return super().read(min(size or 0, left)) if left > 0 and size else b""


class Grows(Seekable):
    """Is longer than its end said, as a log that somebody writes to."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if whence == 2:
            return super().seek(len(self.getbuffer()) // 2 + offset)
        return super().seek(offset, whence)


@pytest.mark.parametrize("size", [SMALL_BYTES, LARGE_BYTES])
@pytest.mark.parametrize("answer", [None, "text", 5, SourceError("midway")], ids=repr)
def test_a_source_that_breaks_changes_nothing(
    answer: object, size: int, store: KeyValueStore
) -> None:
    store.put("key", b"old")
    for key in ("key", "new"):
        with pytest.raises((InvalidData, SourceError)) as caught:
            store.put_file(key, Breaks(sample(size), answer))
        assert isinstance(caught.value, SourceError) == isinstance(answer, SourceError)
    assert {key: store.get(key) for key in store} == {"key": b"old"}


@pytest.mark.parametrize("size", [SMALL_BYTES, LARGE_BYTES])
@pytest.mark.parametrize("kind", [lambda data: Slices(data, 65_521), Seekable])
def test_a_source_that_gives_little_is_stored_whole(
    kind: Callable[[bytes], Any], size: int, store: KeyValueStore
) -> None:
    check_complete(store, kind, sample(size))


def check_complete(
    store: KeyValueStore, kind: Callable[[bytes], Any], value: bytes
) -> None:
    store.put_file("key", kind(value))
    check_bytes(store.get("key"), value)


@pytest.mark.parametrize("size", [SMALL_BYTES, LARGE_BYTES])
@pytest.mark.parametrize("kind", [Shrinks, Grows])
def test_a_source_whose_end_moves_is_stored_as_it_was_read_or_refused(
    kind: Callable[[bytes], Any], size: int, store: KeyValueStore
) -> None:
    value = sample(size)
    store.put("key", b"old")
    try:
        store.put_file("key", kind(value))
    except (InvalidData, StoreError):
        assert store.get("key") == b"old"
    else:
        assert store.get("key") in (value[: size // 2], value)
    assert store.keys() == ["key"]


def test_a_store_that_ends_at_a_short_read_is_noticed() -> None:
    with pytest.raises(AssertionError):
        check_complete(EndsAtAShortRead(), Seekable, sample(SMALL_BYTES))
