"""Bytes on the move: the one copy loop, and the readers."""

import contextlib
import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Protocol, cast

from minimalkv._constants import CHUNK_BYTES
from minimalkv._errors import InvalidArgument, InvalidData

_IN_MEMORY_BYTES = 1024 * 1024


class Readable(Protocol):
    """What `put_file` takes: anything that gives bytes until it gives ``b""``."""

    def read(self, size: int, /) -> bytes:
        """Give at most *size* bytes, ``b""`` at the end."""


class Writable(Protocol):
    """What `get_file` takes: anything that accepts bytes."""

    def write(self, data: Any, /) -> int | None:
        """Take *data*, or a part of it and tell how much."""


def chunks(source: Readable, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """Read a source to its end; a short read is not the end, only ``b""`` is."""
    while chunk := source.read(chunk_bytes):
        yield _checked(chunk)
    _checked(chunk)


def _checked(chunk: object) -> bytes:
    if isinstance(chunk, bytes | bytearray | memoryview):
        return cast("bytes", chunk)
    if chunk is None:
        raise InvalidData(
            "read() gave None: the source has no data yet. Make it blocking."
        )
    kind = type(chunk).__name__
    raise InvalidData(f"read() gave {kind}, not bytes. Open the file in binary mode.")


def read_all(source: Readable) -> bytes:
    """Read a source to its end into one bytes object."""
    # Each is made bytes at once: a source may use its buffer again.
    parts = [bytes(chunk) for chunk in chunks(source)]
    return parts[0] if len(parts) == 1 else b"".join(parts)


def read_exactly(source: Readable, size: int) -> bytes:
    """Read *size* bytes, or fewer where the source ends before."""
    data = b""
    while len(data) < size and (chunk := source.read(size - len(data))):
        data += _checked(chunk)
    return data


def write_all(write: Callable[[Any], int | None], data: bytes | memoryview) -> None:
    """Write all of *data*: pipes, sockets and full disks take less than they are given.

    A ``write`` that returns None, as those of many file-like objects do, took all;
    but that of a raw file which cannot wait took nothing.

    Raises
    ------
    BlockingIOError
        If such a file has no room; a part was written.
    """
    rest = memoryview(data).cast("B")
    while rest:
        written = write(rest)
        if written is None and isinstance(_owner(write), io.RawIOBase):
            raise BlockingIOError("write() would block. Make the file blocking.")
        rest = rest[len(rest) if written is None else written :]


def _owner(method: object) -> object:
    return getattr(method, "__self__", None)


def copy(source: Readable, dest: Writable) -> None:
    """Copy a source to its end."""
    for chunk in chunks(source):
        write_all(dest.write, chunk)


def resolve_range(start: int, stop: int | None, size: int) -> tuple[int, int]:
    """Turn the range of a `stream` call into offsets within a value of *size* bytes."""
    begin = max(size + start, 0) if start < 0 else min(start, size)
    end = size if stop is None else min(stop, size)
    return begin, max(begin, end)


def check_range(start: int, stop: int | None) -> None:
    """Refuse a range that no value has, before anything is read."""
    if stop is not None and (stop < 0 or start < 0):
        raise InvalidArgument(
            f"A range is start <= stop from the beginning, or only the last bytes "
            f"(start=-1024, stop=None), not start={start}, stop={stop}."
        )


class BytesReader(io.BytesIO):
    """A value in memory as the read-only binary file that `open` promises.

    It shares the bytes; nothing is copied until it is read.
    """

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move, or raise OSError where a file would: before the beginning."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell(), io.SEEK_END: self._size()}
        return super().seek(checked_position(base, offset, whence))

    def _size(self) -> int:
        return len(self.getvalue())

    def writable(self) -> bool:
        return False

    def _refuse(self, *_: object) -> Any:
        raise io.UnsupportedOperation("A stored value is opened for reading only.")

    write = writelines = truncate = _refuse


def checked_position(base: dict[int, int], offset: int, whence: int) -> int:
    """Compute where a seek leads; OSError before the beginning, as files have it."""
    if whence not in base:
        raise InvalidArgument(f"whence is 0, 1 or 2, not {whence}.")
    position = base[whence] + offset
    if position < 0:
        raise OSError(f"Cannot seek to {position}, that is before the beginning.")
    return position


class WindowReader(io.RawIOBase):
    """A part of a seekable file, seen as a file; closing it closes the file."""

    def __init__(self, file: BinaryIO, start: int, stop: int) -> None:
        self._file = file
        self._start = start
        self._size = stop - start
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        self._checkClosed()
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._checkClosed()
        base = {0: 0, 1: self._position, 2: self._size}
        self._position = checked_position(base, offset, whence)
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        self._checkClosed()
        wanted = min(len(buffer), self._size - self._position)
        if wanted <= 0:
            return 0
        self._file.seek(self._start + self._position)
        # Not `readinto`: a backend's file need not have it.
        data = self._file.read(wanted)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def window(file: BinaryIO, start: int, stop: int) -> BinaryIO:
    """Show the bytes from *start* to before *stop* of a seekable file as a file."""
    return io.BufferedReader(WindowReader(file, start, stop))


def make_seekable(file: BinaryIO) -> BinaryIO:
    """Return a file to read and to seek in, not to write to, whatever is given."""
    if not _can(file, "seekable"):
        with contextlib.closing(file):
            file = _spooled(file)
    if _can(file, "writable"):
        return window(file, 0, file.seek(0, io.SEEK_END))
    return file


def _can(file: BinaryIO, ability: str) -> bool:
    ask: Callable[[], bool] | None = getattr(file, ability, None)
    return ask is not None and ask()


def _spooled(source: Readable) -> BinaryIO:
    spool = new_spool()
    try:
        copy(source, spool)
        spool.seek(0)
    except BaseException:
        spool.close()
        raise
    return spool


def new_spool() -> BinaryIO:
    """Open a temporary file that is in memory while it is small."""
    # Imported when it is needed: it takes as long to load as the rest of the core.
    import tempfile

    spool = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - whoever gets it closes it
        max_size=_IN_MEMORY_BYTES
    )
    return cast("BinaryIO", spool)


class ChunkReader(io.RawIOBase):
    """Chunks, one after the other, as a file that is read once and forwards."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = iter(parts)
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            return b"".join([bytes(self._left), *self._parts])
        if not self._left:
            self._left = memoryview(next(self._parts, b"")).cast("B")
        part, self._left = self._left[:size], self._left[size:]
        return bytes(part)

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class CheckedSource:
    """A source that refuses what is no bytes, for hooks that do not look.

    Everything but ``read`` is that of the source.
    """

    def __init__(self, source: Readable) -> None:
        self._source = source

    def read(self, size: int = -1, /) -> bytes:
        return _checked(self._source.read(size))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)
