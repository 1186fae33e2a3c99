"""The sixteen bytes before a value that tell when it ends."""

import io
from itertools import chain
from struct import Struct
from typing import BinaryIO, Final, NamedTuple

from minimalkv._conditions import changed
from minimalkv._streams import ChunkReader, Readable, chunks, window

# The first byte is no text in any encoding, so no file begins like that by chance.
_MAGIC: Final = b"\x89mkv-ttl"
_FRAME: Final = Struct(">8sQ")
FRAME_BYTES: Final = _FRAME.size
"""Bytes before every value: 8 of magic, 8 of expiry (milliseconds since 1970, or 0)."""

_MOST_DIGITS: Final = 20

NEVER: Final = 0
"""The expiry of a value that does not expire."""


class Frame(NamedTuple):
    """What a value begins with: the length of its frame, and when it ends."""

    size: int
    expires_ms: int

    @classmethod
    def parse(cls, begin: bytes) -> "Frame":
        """Read the frame at the beginning of a value, which may have none."""
        if len(begin) < FRAME_BYTES or not begin.startswith(_MAGIC):
            return cls(0, NEVER)
        return cls(FRAME_BYTES, _FRAME.unpack_from(begin)[1])


class Version(NamedTuple):
    """What an etag of ours stands for: the inner version, and when it ends."""

    inner: str
    expires_ms: int

    @classmethod
    def parse(cls, etag: str, key: str) -> "Version":
        """Read an etag; PreconditionFailed for one that is not ours."""
        inner, _, expires = etag.rpartition("@")
        # Python raises over thousands of digits; ours are a number of 64 bits.
        if not inner or not expires.isdecimal() or len(expires) > _MOST_DIGITS:
            raise changed(key)
        return cls(inner, int(expires))

    def __str__(self) -> str:
        return f"{self.inner}@{self.expires_ms}"


def framed(begin: bytes, source: Readable) -> ChunkReader:
    """Show a source with some bytes before it as a file."""
    return ChunkReader(chain((begin,), chunks(source)))


def pack(expires_ms: int) -> bytes:
    """Make the frame of a value that ends then, or `NEVER`."""
    return _FRAME.pack(_MAGIC, expires_ms)


def rest_of(source: BinaryIO) -> BinaryIO:
    """Show what follows the frame: who seeks to the beginning must not come upon it."""
    if not source.seekable():
        return source
    return window(source, FRAME_BYTES, source.seek(0, io.SEEK_END))
