"""A value that is sent in parts, several at a time, and published at its end."""

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from stat import S_ISREG
from threading import Thread, current_thread
from typing import Any, Final, Protocol

PART_BYTES: Final = 8 * 1024 * 1024
"""Size of the first parts; one such value is sent whole, by a single request."""

PARTS_BEFORE_GROWTH: Final = 1000
"""After as many parts their size doubles, where the size of the whole is unknown."""

_MOST_EQUAL_PARTS: Final = 9000
"""How many there are of a value of known size: S3 takes 10 000, Azure 50 000."""

_MOST_WAITING_BYTES: Final = 256 * 1024 * 1024
_MIB: Final = 1024 * 1024
_THREADS: Final = "minimalkv-part"

WORKERS: Final = 3
"""Parts that are on their way at once; as many and one more are in memory."""


class PartTarget(Protocol):
    """What a backend does with the parts; every call raises errors of ours."""

    def put_whole(self, data: bytes) -> None:
        """Store a value that is not larger than a part, in one step."""

    def begin(self) -> None:
        """Get ready for parts."""

    def put_part(self, number: int, data: bytes) -> None:
        """Send a part, counted from 1; called by several threads at once."""

    def complete(self, parts: int) -> None:
        """Publish what was sent, in one step and in the order of the numbers."""

    def abort(self) -> None:
        """Remove what was sent and not published, as far as that can be."""


class MultipartSink:
    """Collects what is written into parts and sends them in the background.

    Parameters
    ----------
    target : PartTarget
        Where the parts go.
    part_bytes : int
        Size of the first parts.
    workers : int
        Parts that are sent at once.
    """

    def __init__(
        self,
        target: PartTarget,
        part_bytes: int = PART_BYTES,
        workers: int = WORKERS,
    ) -> None:
        self._target = target
        self._part_bytes = part_bytes
        self._workers = workers
        self._buffer = bytearray()
        self._waiting_bytes = 0
        self._parts = 0
        self._equal_parts = PARTS_BEFORE_GROWTH
        self._sending: deque[Future[None]] = deque()
        self._pool: ThreadPoolExecutor | None = None

    def expect(self, size: int) -> None:
        """Make all parts equal, as many as go with a value of *size* bytes.

        To be called before anything is written. There may be more bytes or less.
        """
        least = -(-size // _MOST_EQUAL_PARTS)
        if least > self._part_bytes:
            self._part_bytes = -(-least // _MIB) * _MIB
        self._equal_parts = max(-(-size // self._part_bytes), PARTS_BEFORE_GROWTH)

    def write(self, data: bytes) -> None:
        """Take all of *data*; waits while too much is on its way."""
        view = memoryview(data)
        while view:
            begin = self._waiting_bytes
            end = min(begin + len(view), self._part_size())
            # It is used again for each part: one that grows anew each time leaves
            # holes in the heap, which took 10 MiB more.
            self._buffer[begin:end] = view[: end - begin]
            view = view[end - begin :]
            self._waiting_bytes = end
            if view:
                self._send()

    def _part_size(self) -> int:
        more = max(self._parts - self._equal_parts, -1)
        return self._part_bytes << (more // PARTS_BEFORE_GROWTH + 1)

    def _send(self) -> None:
        if self._pool is None:
            self._target.begin()
            self._pool = ThreadPoolExecutor(self._workers, _THREADS)
        # One of them is the buffer.
        most = min(self._workers, _MOST_WAITING_BYTES // self._waiting_bytes - 1)
        while len(self._sending) >= max(most, 1):
            self._sending.popleft().result()
        self._parts += 1
        put_part = self._target.put_part
        self._sending.append(self._pool.submit(put_part, self._parts, self._taken()))

    def _taken(self) -> bytes:
        with memoryview(self._buffer) as view:
            part = view[: self._waiting_bytes].tobytes()
        self._waiting_bytes = 0
        return part

    def publish(self) -> None:
        """Store what was written: whole if it is small, else as parts."""
        if self._pool is None:
            self._target.put_whole(self._taken())
            return
        if self._waiting_bytes:
            self._send()
        while self._sending:
            self._sending.popleft().result()
        self._target.complete(self._parts)
        self._shut_down()

    def discard(self) -> None:
        """Forget what was written, and remove the parts that were sent."""
        if current_thread().name.startswith(_THREADS):
            # Garbage was collected there; the thread may be one of those waited for.
            Thread(target=self._discard, name="minimalkv-discard").start()
        else:
            self._discard()

    def _discard(self) -> None:
        if self._pool is not None:
            self._shut_down()
            self._target.abort()

    def _shut_down(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
        self._sending.clear()


def size_left(file: Any) -> int | None:
    """Return about how many bytes a file has left to read, or None if it cannot tell.

    It may be wrong, as for a file that is read through a decompressor.
    """
    with suppress(AttributeError):
        return int(file.getbuffer().nbytes - file.tell())
    with suppress(AttributeError, OSError, TypeError, ValueError):
        status = os.fstat(file.fileno())
        return status.st_size - int(file.tell()) if S_ISREG(status.st_mode) else None
    return None
