"""The file that becomes a value when it is closed, and where its bytes wait."""

import io
import os
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol, cast

from minimalkv._errors import InvalidData
from minimalkv._streams import new_spool


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
        self._sink: Sink | None = sink
        self._pid = os.getpid()
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        """Tell how many bytes were written."""
        return self._position

    def write(self, data: Any, /) -> int:
        self._checkClosed()
        if os.getpid() != self._pid:
            raise ValueError("The value belongs to the process that began it.")
        if not isinstance(data, bytes | bytearray | memoryview):
            kind = type(data).__name__
            raise InvalidData(f"A value is bytes, not {kind}; encode it first.")
        data = bytes(data)
        try:
            cast("Sink", self._sink).write(data)
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
        sink = self._released()
        if sink is None:
            return
        try:
            sink.publish()
        except BaseException:
            sink.discard()
            raise

    def _released(self) -> Sink | None:
        """Let go of the sink; None in a child, where it is to be left alone."""
        sink, self._sink = self._sink, None
        return sink if os.getpid() == self._pid else None

    def abort(self) -> None:
        """Discard what was written and close; the old value is unchanged."""
        if self.closed:
            return
        super().close()
        sink = self._released()
        if sink is not None:
            sink.discard()

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


class WriterSink:
    """A sink that is a writer of an inner store, with more before or after.

    Parameters
    ----------
    writer : AbortableWriter
        The writer.
    begin : bytes
        What is written first.
    end : callable
        Returns what is written last.
    """

    def __init__(
        self,
        writer: AbortableWriter,
        begin: bytes = b"",
        end: Callable[[], bytes] = bytes,
    ) -> None:
        self._writer = writer
        self._end = end
        self.write(begin)

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    def publish(self) -> None:
        self._writer.write(self._end())
        self._writer.close()

    def discard(self) -> None:
        self._writer.abort()


class SpoolSink:
    """A sink for stores that take a value only as a whole file: it waits on disk."""

    def __init__(self, store: Callable[[BinaryIO], object]) -> None:
        self._store = store
        self._spool = new_spool()

    def write(self, data: bytes) -> None:
        self._spool.write(data)

    def publish(self) -> None:
        with self._spool:
            self._spool.seek(0)
            self._store(self._spool)

    def discard(self) -> None:
        self._spool.close()
