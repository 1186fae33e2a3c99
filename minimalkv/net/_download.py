"""The rest of a large value, got in parts, several at a time, and written in order."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from minimalkv._streams import write_all

PART_BYTES: Final = 4 * 1024 * 1024
"""Size of a part: the largest of which Azure tells a checksum."""

WORKERS: Final = 4
"""Parts that are on their way at once; as many and one more are in memory."""

LARGEST_ALONE_BYTES: Final = 16 * 1024 * 1024
"""The largest value that is got by one request."""


def download(
    read_part: Callable[[int, int], bytes],
    start: int,
    size: int,
    write: Callable[[Any], int | None],
    workers: int = WORKERS,
) -> None:
    """Write a value from a byte on.

    Parameters
    ----------
    read_part : callable
        Gets the first byte of a part and the one behind its last, and returns the part;
        called by several threads at once.
    start : int
        The first byte to write.
    size : int
        How many bytes the whole value has.
    write : callable
        Takes the parts in their order.
    workers : int
        How many parts to ask for at once.
    """
    pool = ThreadPoolExecutor(workers, "minimalkv-part")
    coming: deque[Future[bytes]] = deque()
    try:
        for begin in range(start, size, PART_BYTES):
            if len(coming) == workers:
                write_all(write, coming.popleft().result())
            coming.append(pool.submit(read_part, begin, min(begin + PART_BYTES, size)))
        while coming:
            write_all(write, coming.popleft().result())
    finally:
        pool.shutdown(cancel_futures=True)
