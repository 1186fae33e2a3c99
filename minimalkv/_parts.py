"""The parts of a form that is being sent, each read as it arrives."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Final

from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from minimalkv._errors import UploadIncomplete, UploadRefused, UploadTooLarge

# Of each MiB that has arrived, gunicorn 27 copies all that is left at each read: with
# 64 KiB at a time that took three times as long as all the rest.
READ_BYTES: Final = 1024 * 1024
MAX_PARTS: Final = 1000
"""As many as Flask and Django take (``MAX_FORM_PARTS``)."""
MAX_FIELD_BYTES: Final = 500_000
"""Bytes of all fields that are no files, as in Werkzeug (``MAX_FORM_MEMORY_SIZE``)."""
DRAIN_BYTES: Final = 64 * 2**20
"""As many bytes of a refused request are read on."""

Read = Callable[[int], bytes]
Event = Any  # a MultipartSegment, then bytes, then None at the end of each part

# Those that browsers send. Python has others that take quadratic time, or raise.
_CHARSETS: Final = frozenset(
    {"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252"}
)
_BROKEN: Final = b""  # no event of the parser is empty


class Part:
    """One part of a form: a file, or a field.

    It can be read once, and only until the next part is asked for.

    Attributes
    ----------
    name : str
        The name of the field.
    filename : str or None
        What the browser calls the file, as it was sent; None for a field.
    content_type : str
        What the browser says that it is, lower case; empty if it does not say.
    headers : mapping of str to str
        All headers of the part.
    """

    def __init__(self, segment: MultipartSegment, events: Iterator[Event]) -> None:
        self.name = segment.name or ""
        self.filename: str | None = segment.filename
        self.content_type = segment.content_type or ""
        self.headers: Mapping[str, str] = MappingProxyType(dict(segment.headerlist))
        self._charset = segment.charset or "utf-8"
        self._events = events
        self._rest = memoryview(b"")
        self._is_over = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self.filename!r}>"

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, ``b""`` at the end.

        Parameters
        ----------
        size : int
            The most that is wanted; fewer are no sign of the end. Negative: all.

        Raises
        ------
        UploadRefused
            If the form ends early, is no form, or is larger than it may be.
        """
        if size < 0:
            return b"".join(iter(lambda: self.read(READ_BYTES), b""))
        if not self._rest and size:
            self._rest = memoryview(self._next())
        taken, self._rest = self._rest[:size], self._rest[size:]
        return bytes(taken)

    def text(self) -> str:
        """Return all of a field as text; what is no text becomes U+FFFD."""
        charset = self._charset.lower()
        known = charset if charset in _CHARSETS else "utf-8"
        return self.read().decode(known, "replace")

    def skip(self) -> None:
        """Read to the end without keeping anything."""
        while self.read(READ_BYTES):
            self._rest = memoryview(b"")

    def _next(self) -> bytes:
        if self._is_over:
            return b""
        event = next(self._events, _BROKEN)
        if event is _BROKEN:  # an error was raised before, and is no end of a file
            raise UploadIncomplete("The form cannot be read on: it was refused before.")
        self._is_over = event is None
        return bytes(event or b"")  # at no cost for what is bytes


def iter_parts(
    read: Read,
    content_type: str,
    *,
    content_length: int | None = None,
    max_bytes: int | None = None,
    max_parts: int | None = MAX_PARTS,
    max_field_bytes: int | None = MAX_FIELD_BYTES,
    part_class: type[Part] = Part,
) -> Iterator[Part]:
    """Yield the parts of a ``multipart/form-data`` body while it arrives.

    Nothing is kept but the bytes that were read last, 1 MiB. A part that was not read
    to its end is skipped when the next one is asked for.

    Parameters
    ----------
    read : callable
        Returns up to so many bytes of the body, ``b""`` at its end.
    content_type : str
        The header ``Content-Type`` of the request.
    content_length : int or None
        Bytes of the body, where the request says so.
    max_bytes : int or None
        The most that the whole body may have. None means no limit.
    max_parts : int or None
        The most parts that it may have. None means no limit.
    max_field_bytes : int or None
        The most bytes that all parts without a filename may have together.
    part_class : type
        What the parts are, for a framework whose errors are others.

    Raises
    ------
    UploadTooLarge
        If one of the limits is passed.
    UploadIncomplete
        If the body ends before the form does.
    UploadRefused
        If the body is no form.
    """
    if max_bytes is not None and (content_length or 0) > max_bytes:
        raise _too_large(max_bytes)
    parser = _parser(content_type, content_length, max_parts)
    source = _Limited(read, max_bytes, max_field_bytes)
    events = _checked(parser.parse_blocking(source.read, READ_BYTES), parser)
    for event in events:
        if isinstance(event, MultipartSegment):
            part = part_class(event, source.watched(event, events))
            _check_encoding(part)
            yield part
            part.skip()


class _Limited:
    """Counts what is read of a body, and what of it belongs to fields."""

    def __init__(
        self, read: Read, max_bytes: int | None, max_field_bytes: int | None
    ) -> None:
        self._read = read
        self._max_bytes = max_bytes
        self._max_field_bytes = max_field_bytes
        self._bytes = 0
        self._field_bytes = 0

    def read(self, size: int) -> bytes:
        data = self._read(size)
        self._bytes += len(data)
        if self._max_bytes is not None and self._bytes > self._max_bytes:
            raise _too_large(self._max_bytes)
        return data

    def watched(
        self, segment: MultipartSegment, events: Iterator[Event]
    ) -> Iterator[Event]:
        """Yield what belongs to one part, counted if it is a field."""
        for event in events:
            if segment.filename is None and event is not None:
                self._count(len(event))
            yield event
            if event is None:
                return

    def _count(self, size: int) -> None:
        self._field_bytes += size
        limit = self._max_field_bytes
        if limit is not None and self._field_bytes > limit:
            raise UploadTooLarge(
                f"The fields of the form have more than {limit:,} bytes, which is the "
                "most that they may have together."
            )


def _parser(
    content_type: str, content_length: int | None, max_parts: int | None
) -> PushMultipartParser:
    kind, options = parse_options_header(content_type)
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not 0 < len(boundary) <= 200:
        raise UploadRefused(
            f"The request has the type {content_type[:80]!r}, not multipart/form-data "
            "with a boundary. Send it with enctype='multipart/form-data'."
        )
    limits = {} if max_parts is None else {"max_segment_count": max_parts}
    length = -1 if content_length is None else content_length
    try:
        return PushMultipartParser(boundary, length, **limits)
    except (MultipartError, UnicodeError) as error:
        raise UploadRefused(f"The request has no usable boundary: {error}.") from error


def _checked(events: Iterator[Event], parser: PushMultipartParser) -> Iterator[Event]:
    try:
        yield from events
    except ParserLimitReached as error:
        raise UploadTooLarge(f"The form passes a limit: {error}.") from error
    except MultipartError as error:
        if "end of multipart stream" in str(error):
            raise UploadIncomplete("The form ended before its last boundary.") from None
        raise UploadRefused(f"The form cannot be read: {error}.") from error


def _check_encoding(part: Part) -> None:
    encoding = part.headers.get("Content-Transfer-Encoding", "binary").strip().lower()
    if encoding not in ("7bit", "8bit", "binary"):  # RFC 7578, section 4.7
        raise UploadRefused(
            f"The part {part.name!r} is sent as {encoding[:40]!r}. Send its bytes."
        )


def drain(read: Read, max_bytes: int = DRAIN_BYTES) -> None:
    """Read on where a body is refused, so that the answer reaches who sends it.

    A connection that is closed with bytes unread is reset, and the browser shows that
    instead of the answer.

    Parameters
    ----------
    read : callable
        Returns up to so many bytes of the body.
    max_bytes : int
        Where to stop: who sends more sees a broken connection.
    """
    with suppress(Exception):  # it is gone, or sends nonsense: so be it
        while max_bytes > 0 and (data := read(min(READ_BYTES, max_bytes))):
            max_bytes -= len(data)


def _too_large(max_bytes: int) -> UploadTooLarge:
    return UploadTooLarge(
        f"The request is larger than {max_bytes:,} bytes, which is the most it may be."
    )
