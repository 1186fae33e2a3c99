"""The sixteen bytes before a value that tell when it ends."""

import io
from struct import Struct
from typing import BinaryIO, Final, NamedTuple

from minimalkv._conditions import changed
from minimalkv._streams import AbortableWriter, Readable, window

# The first byte is no text in any encoding, so no file begins like that by chance.
_MAGIC: Final = b"\x89mkv-ttl"
_FRAME: Final = Struct(">8sQ")
FRAME_BYTES: Final = _FRAME.size
"""Bytes before every value: 8 of magic, 8 of expiry (milliseconds since 1970, or 0)."""

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
        if not inner or not expires.isdecimal():
            raise changed(key)
        return cls(inner, int(expires))

    def __str__(self) -> str:
        return f"{self.inner}@{self.expires_ms}"


class FramedSource:
    """A source with some bytes before it."""

    def __init__(self, begin: bytes, source: Readable) -> None:
        self._begin = begin
        self._source = source

    def read(self, size: int, /) -> bytes:
        """Give those bytes, then what the source gives."""
        begin, self._begin = self._begin, b""
        return begin or self._source.read(size)


class FramedSink:
    """A sink that begins a value of the inner store with a frame."""

    def __init__(self, frame: bytes, writer: AbortableWriter) -> None:
        self._writer = writer
        self._writer.write(frame)

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    def publish(self) -> None:
        self._writer.close()

    def discard(self) -> None:
        self._writer.abort()


def pack(expires_ms: int) -> bytes:
    """Make the frame of a value that ends then, or `NEVER`."""
    return _FRAME.pack(_MAGIC, expires_ms)


def rest_of(source: BinaryIO) -> BinaryIO:
    """Show what follows the frame: who seeks to the beginning must not come upon it."""
    if not source.seekable():
        return source
    return window(source, FRAME_BYTES, source.seek(0, io.SEEK_END))
