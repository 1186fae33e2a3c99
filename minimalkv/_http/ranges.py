"""The part of a value that a request asks for."""

import re
from typing import Final

_SPAN: Final = re.compile(
    r"bytes[ \t]*=[ \t]*([0-9]*)[ \t]*-[ \t]*([0-9]*)[ \t]*", re.I
)
# The longest that is looked at: two numbers of 64 bits, and room for leading zeros.
_LONGEST: Final = 100
_LARGEST_BYTES: Final = 2**63 - 1

Span = tuple[int, int | None]

NOTHING: Final[Span] = (0, 0)
"""The last 0 bytes: no value has them."""


def parse_range(header: str | None) -> Span | None:
    """Read a ``Range`` header as the start and stop of a `stream` call.

    Returns
    -------
    tuple of int and int or None, or None
        None stands for the whole value: there is no range, or there are several, or it
        is none of bytes. RFC 9110 lets a server ignore any of these, and answering
        several would let a request cost more than a value has bytes.
    """
    if not header or len(header) > _LONGEST:
        return None
    found = _SPAN.fullmatch(header.strip())
    if found is None:
        return None
    first, last = (min(int(n), _LARGEST_BYTES) if n else None for n in found.groups())
    if first is None:
        return None if last is None else _suffix(last)
    if last is None:
        return first, None
    return (first, last + 1) if first <= last else None


def _suffix(length: int) -> Span:
    return (-length, None) if length else NOTHING
