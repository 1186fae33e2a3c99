"""Bytes on the move: the one copy loop, the readers and the abortable writer."""

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Protocol, cast

from minimalkv._constants import CHUNK_BYTES
from minimalkv._errors import InvalidArgument, InvalidData

_IN_MEMORY_BYTES = 1024 * 1024


class Readable(Protocol):
    """What `put_file` takes: anything that gives bytes until it gives ``b""``."""

    def read(self, size: int, /) -> bytes:
        """Give at most *size* bytes, ``b""`` at the end."""


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
    parts = list(chunks(source))
    return bytes(parts[0]) if len(parts) == 1 else b"".join(parts)


def read_exactly(source: Readable, size: int) -> bytes:
    """Read *size* bytes, or fewer where the source ends before."""
    data = b""
    while len(data) < size and (chunk := source.read(size - len(data))):
        data += _checked(chunk)
    return data


def write_all(write: Callable[[Any], int | None], data: bytes | memoryview) -> None:
    """Write all of *data*: pipes, sockets and full disks take less than they are given.

    A ``write`` that returns None, as those of many file-like objects do, took all.
    """
    written = write(data)
    if written is None or written == len(data):
        return
    rest = memoryview(data)[written:]
    while rest:
        rest = rest[write(rest) or 0 :]


def copy(source: Readable, dest: BinaryIO) -> None:
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
        self._check_open()
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._check_open()
        base = {0: 0, 1: self._position, 2: self._size}
        self._position = checked_position(base, offset, whence)
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        self._check_open()
        wanted = min(len(buffer), self._size - self._position)
        if wanted <= 0:
            return 0
        self._file.seek(self._start + self._position)
        # Not `readinto`: a backend's file need not have it.
        data = self._file.read(wanted)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file.")

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
    spool = _new_spool()
    try:
        copy(source, spool)
        spool.seek(0)
    except BaseException:
        spool.close()
        raise
    return spool


def _new_spool() -> BinaryIO:
    # Imported when it is needed: it takes as long to load as the rest of the core.
    import tempfile

    spool = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - whoever gets it closes it
        max_size=_IN_MEMORY_BYTES
    )
    return cast("BinaryIO", spool)


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


class Sink(Protocol):
    """Where an `AbortableWriter` puts its bytes; nobody sees them before `publish`."""

    def write(self, data: bytes) -> None:
        """Take all of *data*."""

    def publish(self) -> None:
        """Make what was written the value, in one step."""

    def discard(self) -> None:
        """Forget what was written, and free what it took."""


class AbortableWriter(io.RawIOBase):
    """A write-only binary file that becomes a value when it is closed, whole or never.

    `close` publishes and `abort` discards. Leaving a ``with`` block by an exception, a
    write that failed, and garbage collection abort. In a forked child it does nothing
    but close: the value belongs to the process that began it.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._pid = os.getpid()
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        """Tell how many bytes were written."""
        return self._position

    def write(self, data: Any, /) -> int:
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        if not isinstance(data, bytes | bytearray | memoryview):
            kind = type(data).__name__
            raise InvalidData(f"A value is bytes, not {kind}; encode it first.")
        data = bytes(data)
        try:
            self._sink.write(data)
        except BaseException:
            self.abort()
            raise
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        """Publish what was written; a second call does nothing.

        Raises
        ------
        PreconditionFailed, StoreError
            If it could not be published: then the old value is unchanged.
        """
        if self.closed:
            return
        super().close()
        if os.getpid() != self._pid:
            return
        try:
            self._sink.publish()
        except BaseException:
            self._sink.discard()
            raise

    def abort(self) -> None:
        """Discard what was written and close; the old value is unchanged."""
        if self.closed:
            return
        super().close()
        if os.getpid() == self._pid:
            self._sink.discard()

    def readinto(self, _buffer: Any, /) -> int:
        raise io.UnsupportedOperation("A value is written here; open() reads one.")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def __del__(self) -> None:
        # IOBase would close, and closing publishes: a forgotten writer may be half
        # written, and an interpreter that goes down must not store it.
        if hasattr(self, "_sink"):
            self.abort()


class SpoolSink:
    """A sink for stores that take a value only as a whole file: it waits on disk."""

    def __init__(self, store: Callable[[BinaryIO], object]) -> None:
        self._store = store
        self._spool = _new_spool()

    def write(self, data: bytes) -> None:
        self._spool.write(data)

    def publish(self) -> None:
        with self._spool:
            self._spool.seek(0)
            self._store(self._spool)

    def discard(self) -> None:
        self._spool.close()
