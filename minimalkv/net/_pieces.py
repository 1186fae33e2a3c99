"""A large body, sent piece by piece."""

from collections.abc import Iterator
from typing import Final

SEND_BYTES: Final = 64 * 1024
"""What is read of a file, and sent, at a time."""


class Pieces:
    """A body as pieces, so that a timeout is about each of them and not about all.

    Nothing is copied, and it can be sent again, as an SDK does that is asked to prove
    once more who it is: a file would be at its end then.

    Parameters
    ----------
    *parts : bytes
        What the body consists of.
    """

    def __init__(self, *parts: bytes) -> None:
        self._parts = parts

    # requests announces the length if it finds one, and sends chunks of HTTP if not.
    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __iter__(self) -> Iterator[memoryview]:
        for part in self._parts:
            view = memoryview(part)
            for start in range(0, len(view), SEND_BYTES):
                yield view[start : start + SEND_BYTES]
