"""What the contracts test with: sources, values, and many threads at once."""

import os
import random
import select
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import TypeVar

_T = TypeVar("_T")
_PATIENCE_SECS = 30


class SourceError(Exception):
    """What a source raises in the middle: none of our errors."""


@lru_cache(maxsize=32)
def sample(size: int, seed: int = 0) -> bytes:
    """Make bytes that are the same in every run and nowhere repeat themselves."""
    return random.Random(f"{size}-{seed}").randbytes(size)  # noqa: S311 - no secret


class Dribble:
    """A source that gives 1 to 7 bytes at a time and can do nothing but read."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._step = 0

    def read(self, size: int = -1, /) -> bytes:
        self._step = self._step % 7 + 1
        begin = self._position
        wanted = self._step if size < 0 else min(self._step, size)
        self._position = min(begin + wanted, len(self._data))
        return self._data[begin : self._position]


class Slices:
    """A source that gives pieces of any size, never as many bytes as were asked for."""

    def __init__(self, data: bytes, slice_bytes: int) -> None:
        self._data = memoryview(data)
        self._slice_bytes = slice_bytes

    def read(self, size: int = -1, /) -> bytes:
        wanted = self._slice_bytes if size < 0 else min(size, self._slice_bytes)
        begin, self._data = self._data[:wanted], self._data[wanted:]
        return bytes(begin)


class Answers:
    """A source that gives what it was told to, one after the other; raises errors."""

    def __init__(self, *answers: object) -> None:
        self._answers = iter(answers)

    def read(self, _size: int = -1, /) -> bytes:
        answer = next(self._answers, b"")
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[return-value]  # a wrong type is what it is for


class Untouched:
    """A source that nobody may read, since the call has to be refused before."""

    def read(self, _size: int = -1, /) -> bytes:
        raise AssertionError("The source was read although the call was to be refused.")


class Trickle:
    """A destination that takes at most three bytes at a time, like a full pipe."""

    def __init__(self) -> None:
        self.taken = bytearray()

    def write(self, data: bytes | memoryview, /) -> int:
        self.taken += data[:3]
        return min(len(data), 3)


@contextmanager
def fast_switching() -> Iterator[None]:
    """Switch threads a hundred times as often, so that a race shows itself."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(5e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def together(count: int, action: Callable[[int], _T]) -> list[_T]:
    """Call ``action(number)`` at once in *count* threads; raise what one raises."""
    start = threading.Barrier(count)

    def run(number: int) -> _T:
        start.wait(_PATIENCE_SECS)
        return action(number)

    with fast_switching(), ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@contextmanager
def meanwhile(action: Callable[[], object]) -> Iterator[None]:
    """Repeat an action in a thread as long as the block runs; raise what it raises."""
    done = threading.Event()

    def run() -> None:
        while not done.is_set():
            action()

    with fast_switching(), ThreadPoolExecutor(1) as pool:
        future = pool.submit(run)
        try:
            yield
        finally:
            done.set()
        future.result(_PATIENCE_SECS)


@contextmanager
def in_child(action: Callable[[], object]) -> Iterator[None]:
    """Run an action in a forked child, beside the block; fail if it fails or hangs."""
    result_fd, child_fd = os.pipe()
    with warnings.catch_warnings():
        # From Python 3.12 on: that a child of many threads works is the test.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _live_as_child(action, child_fd)
    os.close(child_fd)
    try:
        yield
        report = _wait_for(result_fd)
    finally:
        os.close(result_fd)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert report == "done", f"In the forked child: {report or 'no answer, it hangs'}"


def _live_as_child(action: Callable[[], object], child_fd: int) -> None:
    report = ""
    try:
        action()
        report = "done"
    except BaseException:  # noqa: BLE001 - it is reported, the process ends
        report = traceback.format_exc()
    finally:
        os.write(child_fd, report.encode())
        os._exit(0)


def _wait_for(result_fd: int) -> str:
    waiting = select.poll()  # not select(), which fails above 1023 open files
    waiting.register(result_fd, select.POLLIN)
    ready = waiting.poll(_PATIENCE_SECS * 1000)
    return os.read(result_fd, 65536).decode() if ready else ""
