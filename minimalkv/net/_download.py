"""A large value, got by one answer as long as that is fast, and then in parts."""

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from minimalkv._errors import StoreUnavailable
from minimalkv._streams import write_all
from minimalkv.net._bodies import BodyReader

PART_BYTES: Final = 4 * 1024 * 1024
"""Size of a part: the largest of which Azure tells a checksum."""

WORKERS: Final = 4
"""Parts that are on their way at once; as many and one more are in memory."""

LARGEST_ALONE_BYTES: Final = 16 * 1024 * 1024
"""The largest value that is got by one request."""

FAST_BYTES_PER_SEC: Final = 128 * 1024 * 1024
"""What a network of 1 Gbit/s does not bring.

An answer that is faster keeps this process busy, so that others beside it would only
cost more: of 256 MiB from a server on the same machine, they took 1.3 times the time.
"""

Write = Callable[[Any], int | None]


def begin(body: BodyReader, size: int, write: Write) -> int:
    """Write what an answer brings, as long as it is fast.

    Parameters
    ----------
    body : BodyReader
        The answer, of the whole value.
    size : int
        How many bytes the value has.
    write : callable
        Takes the bytes.

    Returns
    -------
    int
        How many bytes were written: all of them, unless the answer is slow or broke
        off.
    """
    done, secs = 0, 0.0
    while not done or done >= secs * FAST_BYTES_PER_SEC:
        begun = time.monotonic()
        try:
            data = body.read_chunk(PART_BYTES)
        except StoreUnavailable:
            if not 0 < done < size:
                raise
            return done
        if not data:
            break
        secs += time.monotonic() - begun
        write_all(write, data)
        done += len(data)
    return done


def go_on(
    body: BodyReader,
    read_part: Callable[[int, int], bytes],
    start: int,
    size: int,
    write: Write,
    workers: int = WORKERS,
) -> None:
    """Write a value from a byte on, several parts of it on their way at once.

    Parameters
    ----------
    body : BodyReader
        The answer with which it began; it knows the checksum of the whole.
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

    Raises
    ------
    StoreUnavailable
        If a part can't be had, or the whole is not what it should be.
    """
    pool = ThreadPoolExecutor(workers, "minimalkv-part")
    coming: deque[Future[bytes]] = deque()

    def write_next() -> None:
        write_all(write, body.check(coming.popleft().result()))

    try:
        for first in range(start, size, PART_BYTES):
            if len(coming) == workers:
                write_next()
            coming.append(pool.submit(read_part, first, min(first + PART_BYTES, size)))
        while coming:
            write_next()
        body.check(b"")
    finally:
        pool.shutdown(cancel_futures=True)
