"""Files between a store and its caller, which count bytes and time."""

import io
import os
import stat
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from minimalkv._observing.calls import Call
from minimalkv._streams import Readable, Writable, write_all
from minimalkv._writers import AbortableWriter, WriterSink


class _ObservedReader(io.BufferedIOBase):
    """A value that is open for reading, whose call is told when it is closed."""

    def __init__(self, file: BinaryIO, call: Call) -> None:
        self._file = file
        self._call = call
        # A backend's file need not have those.
        self._read1: Callable[[int], bytes] = getattr(file, "read1", file.read)
        self._readinto: Callable[[Any], int | None]
        self._readinto = getattr(file, "readinto", super().readinto)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        ask: Callable[[], bool] = getattr(self._file, "seekable", bool)
        return ask()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def fileno(self) -> int:
        ask: Callable[[], int] = getattr(self._file, "fileno", super().fileno)
        return ask()

    def read(self, size: int | None = -1, /) -> bytes:
        return self._counted(self._file.read, -1 if size is None else size)

    def read1(self, size: int = -1, /) -> bytes:
        return self._counted(self._read1, size)

    def readline(self, size: int | None = -1, /) -> bytes:
        return self._counted(self._file.readline, -1 if size is None else size)

    def _counted(self, read: Callable[[int], bytes], size: int) -> bytes:
        with self._call as call:
            data = read(size)
        call.count(len(data))
        return data

    def readinto(self, buffer: Any, /) -> int:
        with self._call as call:
            size = self._readinto(buffer) or 0
        call.count(size)
        return size

    readinto1 = readinto

    def close(self) -> None:
        if self.closed:
            return
        try:
            with self._call:
                self._file.close()
        finally:
            super().close()
            self._call.tell()


def observed_reader(file: BinaryIO, call: Call) -> BinaryIO:
    """Return a file that reads another, and tells of its call."""
    return cast("BinaryIO", _ObservedReader(file, call))


class _ObservedSink(WriterSink):
    """A sink whose call is told when the value is published or discarded."""

    def __init__(self, writer: AbortableWriter, call: Call) -> None:
        self._call = call
        self._size = 0
        super().__init__(writer)

    def write(self, data: bytes) -> None:
        with self._call:
            super().write(data)
        self._size += len(data)

    def publish(self) -> None:
        with self._call as call:
            super().publish()
        call.bytes = self._size
        call.tell()

    def discard(self) -> None:
        try:
            with self._call:
                super().discard()
        finally:
            self._call.tell()


def observed_writer(writer: AbortableWriter, call: Call) -> AbortableWriter:
    """Return a writer that does what another does, and tells of its call."""
    return AbortableWriter(_ObservedSink(writer, call))


class _Source:
    """What a caller's file gives, counted; everything but ``read`` is that file's."""

    def __init__(self, file: Readable, call: Call) -> None:
        self._file = file
        self._call = call

    def read(self, size: int = -1, /) -> bytes:
        data = self._call.outside(self._file.read, size)
        # What is no bytes, the store refuses.
        if isinstance(data, bytes | bytearray | memoryview):
            self._call.count(memoryview(data).nbytes)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class _Sink:
    """A caller's file that counts what it is given."""

    def __init__(self, file: Writable, call: Call) -> None:
        self._file = file
        self._call = call

    def write(self, data: Any, /) -> int:
        self._call.outside(write_all, self._file.write, data)
        size = memoryview(data).nbytes
        self._call.count(size)
        return size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def source_of(file: Any, call: Call) -> Any:
    """Return the file to store, counted; a filename as it is."""
    if isinstance(file, str | os.PathLike):
        call.bytes = size_of(file)
    elif hasattr(file, "read"):
        return _Source(file, call)
    return file


def sink_of(file: Any, call: Call) -> Any:
    """Return the file to write a value to, counted; a filename as it is."""
    is_name = isinstance(file, str | os.PathLike) or not hasattr(file, "write")
    return file if is_name else _Sink(file, call)


def size_of(filename: str | os.PathLike[str]) -> int | None:
    """Return the size of a file; None if it has none, as a pipe."""
    try:
        status = os.stat(filename)  # noqa: PTH116 - any path, as the store takes it
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
