"""How large the parts of a value are, and who removes them."""

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from minimalkv._streams import CheckedSource
from minimalkv.net import _multipart
from minimalkv.net._multipart import MultipartSink, size_left

_TIB = 2**40
_MIB = 2**20


class _Target:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}
        self.aborted = threading.Event()
        self.most = 0
        self._current = 0
        self._lock = threading.Lock()

    def put_whole(self, data: bytes) -> None:
        self.sizes[0] = len(data)

    def begin(self) -> None:
        pass

    def put_part(self, number: int, data: bytes) -> None:
        with self._lock:
            self._current += 1
            self.most = max(self.most, self._current)
        self.sizes[number] = len(data)
        threading.Event().wait(0.005)
        with self._lock:
            self._current -= 1

    def complete(self, parts: int) -> None:
        assert sorted(self.sizes) == list(range(1, parts + 1))

    def abort(self) -> None:
        self.aborted.set()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_multipart, "PARTS_BEFORE_GROWTH", 3)


def _sizes(total: int, *, expected: int | None = None) -> list[int]:
    target = _Target()
    sink = MultipartSink(target, 10)
    if expected is not None:
        sink.expect(expected)
    sink.write(bytes(total))
    sink.publish()
    return [target.sizes[number] for number in sorted(target.sizes)]


@pytest.mark.usefixtures("small")
def test_parts_grow_only_where_the_size_is_unknown() -> None:
    assert _sizes(100) == [10, 10, 10, 20, 20, 20, 10]
    assert _sizes(100, expected=100) == [10] * 10
    # It was told wrong, as by a file that is decompressed.
    assert _sizes(90, expected=50) == [10] * 5 + [20, 20]
    assert _sizes(5, expected=100) == [5]


@pytest.mark.parametrize("size", [1, 5 * 2**30, 100 * 2**30, 5 * _TIB, 40 * _TIB])
def test_largest_value_has_no_more_parts_than_s3_takes(size: int) -> None:
    sink = MultipartSink(_Target(), 5 * _MIB)
    sink.expect(size)
    assert -(-size // sink._part_size()) <= 10_000
    assert sink._part_size() % _MIB == 0
    assert sink._part_size() <= 5 * 2**30


def test_large_parts_are_sent_by_fewer_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for bound, most in ((1000, 3), (30, 2), (5, 1)):
        monkeypatch.setattr(_multipart, "_MOST_WAITING_BYTES", bound)
        target = _Target()
        sink = MultipartSink(target, 10)
        sink.write(bytes(300))
        sink.publish()
        assert target.most <= most
        assert sum(target.sizes.values()) == 300


def _pipe() -> Iterator[bytes]:
    yield b""


def test_size_is_asked_of_what_can_tell(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(1000))
    with path.open("rb") as file:
        file.seek(100)
        found: Any = CheckedSource(file)
        assert size_left(found) == 900
    memory: Any = CheckedSource(io.BytesIO(bytes(50)))
    memory.seek(20)
    assert size_left(memory) == 30
    assert size_left(_pipe()) is None
    assert size_left(io.BufferedReader(io.BytesIO(b""))) is None


def test_writer_that_is_garbage_in_a_thread_of_parts_is_discarded() -> None:
    target = _Target()
    sink = MultipartSink(target, 10)
    sink.write(bytes(25))
    assert sink._pool is not None
    sink._pool.submit(sink.discard).result(10)
    assert target.aborted.wait(10)
