"""A stored file that is open, for reading or for writing."""

import io
import logging
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, BinaryIO, Final, Protocol, Self

from django.core.files import File

from minimalkv._writers import AbortableWriter

_log: Final = logging.getLogger("minimalkv_django")

_ENCODING: Final = "utf-8"
_KINDS: Final = ("r", "w", "x")


class Opener(Protocol):
    """What a file needs of its storage."""

    def open_reader(self, name: str) -> BinaryIO:
        """Open a file to read bytes from."""

    def open_writer(self, name: str, *, is_new: bool) -> AbortableWriter:
        """Open a file to write bytes into, which *is_new* if there must be none yet."""

    def publishing(self, name: str) -> AbstractContextManager[object]:
        """Return the block in which such a file is closed."""


class KVFile(File):  # type: ignore[type-arg]  # generic in the stubs only
    """A file of a storage.

    What is written is stored when it is closed, as a whole; it is discarded if it is
    closed because of an exception, or never. Text is UTF-8.

    Parameters
    ----------
    opener : Opener
        The storage.
    name : str
        Its name there.
    mode : str
        ``r`` to read, ``w`` to write, ``x`` to write if there is no such file; with
        ``b`` bytes, else text.
    """

    def __init__(self, opener: Opener, name: str, mode: str) -> None:
        super().__init__(None, name)
        self._opener = opener
        self._begin(mode)

    def _begin(self, mode: str) -> None:
        kind, is_text = _parse(mode)
        self._writer: AbortableWriter | None = None
        self._handled = sys.exception()
        name = str(self.name)
        if kind == "r":
            source = self._opener.open_reader(name)
            file: Any = io.TextIOWrapper(source, _ENCODING) if is_text else source
        else:
            self._writer = self._opener.open_writer(name, is_new=kind == "x")
            file = _TextWriter(self._writer) if is_text else self._writer
        self.file = file
        self.mode = mode
        # What was known of the size may be of another version.
        self.__dict__.pop("size", None)

    def open(self, mode: str | None = None, *args: Any, **kwargs: Any) -> Self:
        """Go back to the beginning, or open the file again, with another mode, too."""
        del args, kwargs
        is_reading = not self.closed and self._writer is None
        if is_reading and mode in (None, self.mode):
            self.seek(0)
            return self
        self.close()
        self._begin(mode or self.mode)
        return self

    def close(self) -> None:
        """Close the file; one that was written is stored now.

        It is not stored if an exception is on its way, or handled, that came after the
        opening: the ``with`` block of a model's file closes, whatever happened in it.
        The log tells.

        Raises
        ------
        FileExistsError
            If the mode is ``x`` and there is such a file now.
        StoreError
            If the store failed.
        """
        if self.closed:
            return
        failure = sys.exception()
        if self._writer is None:
            super().close()
        elif failure is not None and failure is not self._handled:
            kind = type(failure).__name__
            _log.warning(
                "A file was not stored, %s: closed during %s.", self.name, kind
            )
            self._writer.abort()
        else:
            with self._opener.publishing(str(self.name)):
                self._writer.close()

    def abort(self) -> None:
        """Close the file, and store nothing of what was written."""
        if self._writer is None:
            self.close()
        else:
            self._writer.abort()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()


def _parse(mode: str) -> tuple[str, bool]:
    """Return the letter of a mode, and whether it is about text."""
    kind = mode.replace("b", "", 1).replace("t", "", 1)
    if kind not in _KINDS or ("b" in mode and "t" in mode):
        raise ValueError(
            f"A stored file is opened with 'r', 'w' or 'x', and 'b' for bytes, not "
            f"{mode!r}: it is read, or replaced as a whole. To append, read it, and "
            "save it with what comes after."
        )
    return kind, "b" not in mode


class _TextWriter:
    """Writes text into a writer of bytes.

    Not one of `io`: those close themselves when they are forgotten, and closing stores.
    """

    encoding = _ENCODING
    newlines = None

    def __init__(self, writer: AbortableWriter) -> None:
        self._writer = writer
        self.close = writer.close
        self.flush = writer.flush
        self.isatty = writer.isatty
        self.readable = writer.readable
        self.seekable = writer.seekable
        self.tell = writer.tell
        self.writable = writer.writable

    @property
    def closed(self) -> bool:
        return self._writer.closed

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            kind = type(text).__name__
            raise TypeError(f"A file that was opened for text takes no {kind}.")
        self._writer.write(text.encode(_ENCODING))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)
