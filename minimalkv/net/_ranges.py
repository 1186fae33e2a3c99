"""Ranges of bytes, as HTTP asks for them and answers."""

import re
from typing import Final

from minimalkv._streams import resolve_range
from minimalkv.net._asked import Broken

# Azurite answers with a range that ends before it begins where others say 416.
_RANGE: Final = re.compile(r"bytes (\d+)-(-1|\d+)/(\d+)")
# No value is larger, and servers differ in what they make of greater numbers.
_LARGEST_BYTES: Final = 2**53


def range_text(start: int, stop: int | None) -> str:
    """Return how a request says which bytes it wants, as for `stream`; empty for all.

    Parameters
    ----------
    start : int
        The first byte; negative for the last ones, where *stop* means nothing.
    stop : int or None
        The one behind the last, greater than *start*.
    """
    if start < 0:
        return f"bytes=-{min(-start, _LARGEST_BYTES)}"
    if stop is None:
        return f"bytes={min(start, _LARGEST_BYTES)}-" if start else ""
    last = min(stop, _LARGEST_BYTES + 1) - 1
    return f"bytes={min(start, _LARGEST_BYTES)}-{last}"


def has_bytes(size: int, start: int, stop: int | None) -> bool:
    """Tell whether a value has bytes in a range."""
    return start < size and size > 0 and (stop is None or stop > start)


def size_in(told: str | None) -> int | None:
    """Return the size of the whole value that a part tells; None if it is no part."""
    match = _RANGE.fullmatch(told) if told else None
    return int(match[3]) if match else None


def is_whole(told: str | None) -> bool:
    """Tell whether an answer has all of a value, by its ``Content-Range`` if any."""
    match = _RANGE.fullmatch(told) if told else None
    return match is None or (match[1] == "0" and int(match[2]) + 1 == int(match[3]))


def check_range(told: str | None, length: int, start: int, stop: int | None) -> None:
    """Check that an answer has the range that was asked for.

    Parameters
    ----------
    told : str or None
        Its ``Content-Range``.
    length : int
        How many bytes it brings.
    start, stop : int and int or None
        As for `stream`.

    Raises
    ------
    Broken
        If it has another one.
    """
    match = _RANGE.fullmatch(told or "")
    if match is None:
        raise Broken("sent all of a value of which a part was asked for")
    begin, last, size = map(int, match.groups())
    expected = resolve_range(start, stop, size)
    if (begin, last + 1) != expected or last + 1 - begin != length:
        raise Broken("sent another part of a value than was asked for")
