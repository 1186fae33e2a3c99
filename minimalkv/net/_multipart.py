"""A value that is sent in parts, several at a time, and published at its end."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Protocol

PART_BYTES: Final = 8 * 1024 * 1024
"""Size of the first parts; one such value is sent whole, by a single request."""

PARTS_BEFORE_GROWTH: Final = 1000
"""After as many parts their size doubles: S3 takes 10 000 of them, Azure 50 000."""

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
        self._waiting = bytearray()
        self._parts = 0
        self._sending: deque[Future[None]] = deque()
        self._pool: ThreadPoolExecutor | None = None

    def write(self, data: bytes) -> None:
        """Take all of *data*; waits while too much is on its way."""
        view = memoryview(data)
        while view:
            room = self._part_size() - len(self._waiting)
            self._waiting += view[:room]
            view = view[room:]
            if view:
                self._send()

    def _part_size(self) -> int:
        return self._part_bytes << (self._parts // PARTS_BEFORE_GROWTH)

    def _send(self) -> None:
        if self._pool is None:
            self._target.begin()
            self._pool = ThreadPoolExecutor(self._workers, "minimalkv-part")
        if len(self._sending) >= self._workers:
            self._sending.popleft().result()
        self._parts += 1
        part, self._waiting = bytes(self._waiting), bytearray()
        put_part = self._target.put_part
        self._sending.append(self._pool.submit(put_part, self._parts, part))

    def publish(self) -> None:
        """Store what was written: whole if it is small, else as parts."""
        if self._pool is None:
            self._target.put_whole(bytes(self._waiting))
            return
        if self._waiting:
            self._send()
        while self._sending:
            self._sending.popleft().result()
        self._target.complete(self._parts)
        self._shut_down()

    def discard(self) -> None:
        """Forget what was written, and remove the parts that were sent."""
        if self._pool is not None:
            self._shut_down()
            self._target.abort()

    def _shut_down(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
        self._sending.clear()
