"""A value far away as a seekable file: a request a window, not a download."""

import io
from collections.abc import Callable
from typing import Any, BinaryIO, Final, cast

from minimalkv._errors import StoreUnavailable
from minimalkv._meta import ObjectMeta
from minimalkv._streams import checked_position, read_all

FIRST_WINDOW_BYTES: Final = 256 * 1024
"""What the first request, and the first after a seek, asks for."""

LARGEST_WINDOW_BYTES: Final = 4 * 1024 * 1024
"""What a request asks for at most, so what a reader holds in memory."""

Fetch = Callable[[int, int, str | None], tuple[ObjectMeta, BinaryIO]]
"""Gets ``start``, ``stop`` and ``if_match``, as the hook ``_stream`` does."""


def open_ranged(fetch: Fetch) -> BinaryIO:
    """Open a value as a seekable, buffered, read-only file.

    Parameters
    ----------
    fetch : callable
        Opens a range of the value, with one request.

    Returns
    -------
    BinaryIO
        The first request has been made: it tells whether there is a value, its size
        and its version, and all further ones ask for this version.
    """
    return cast("BinaryIO", io.BufferedReader(_RangedReader(fetch)))


class _RangedReader(io.RawIOBase):
    """Reads ahead while it is read forwards, and little where it is jumped about in."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._position = 0
        self._window_start = 0
        self._window_bytes = FIRST_WINDOW_BYTES
        meta, source = fetch(0, FIRST_WINDOW_BYTES, None)
        self._size = meta.size
        self._etag = meta.etag
        self._window = self._read(source, 0, FIRST_WINDOW_BYTES)

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
        if self._position >= self._size:
            return 0
        begin = self._position - self._window_start
        if not 0 <= begin < len(self._window):
            self._move_window()
            begin = self._position - self._window_start
        data = self._window[begin : begin + len(buffer)]
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _move_window(self) -> None:
        forwards = self._position == self._window_start + len(self._window)
        grown = min(self._window_bytes * 2, LARGEST_WINDOW_BYTES)
        self._window_bytes = grown if forwards else FIRST_WINDOW_BYTES
        stop = min(self._position + self._window_bytes, self._size)
        start = self._position
        if stop == self._size and not forwards:
            # Who jumps to the end reads next what is before it, such as the directory
            # of a ZIP archive: in 64 MiB two requests instead of five.
            start = max(stop - FIRST_WINDOW_BYTES, 0)
        _, source = self._fetch(start, stop, self._etag)
        self._window = self._read(source, start, stop)
        self._window_start = start

    def _read(self, source: BinaryIO, start: int, stop: int) -> bytes:
        with source:
            data = read_all(source)
        expected = max(min(stop, self._size) - start, 0)
        if len(data) != expected:
            raise StoreUnavailable(
                f"The answer ended after {len(data)} of {expected} bytes."
            )
        return data
