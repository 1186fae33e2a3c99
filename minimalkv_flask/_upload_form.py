"""The form of a request, read part by part instead of into temporary files."""

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import IO, Any, Final

from flask import Request, current_app
from werkzeug.exceptions import ClientDisconnected, LengthRequired
from werkzeug.exceptions import RequestEntityTooLarge as _TooLarge
from werkzeug.wsgi import get_input_stream

from minimalkv import _parts
from minimalkv.files import DRAIN_BYTES, MAX_FIELD_BYTES, Part, drain
from minimalkv_flask._upload_errors import (
    UploadIncomplete,
    UploadTooLarge,
    answered,
    refused,
)

_MEMORY: Final = "MAX_FORM_MEMORY_SIZE"
_TERMINATED: Final = "wsgi.input_terminated"


class RequestPart(Part):
    """A part of a form whose errors are responses."""

    def read(self, size: int = -1, /) -> bytes:
        with answered():
            return super().read(size)


def parts_of(request: Request, max_bytes: int | None = None) -> Iterator[Part]:
    """Yield the parts of a form while it arrives, within the limits of Flask."""
    with answered():
        yield from _parts.iter_parts(
            Body(request).read,
            request.content_type or "",
            content_length=request.content_length,
            max_bytes=max_bytes,
            max_parts=request.max_form_parts,
            max_field_bytes=_max_field_bytes(request),
            part_class=RequestPart,
        )


def _max_field_bytes(request: Request) -> int | None:
    # Before Flask 3.1 there is no such setting, and the default is no limit at all.
    if _MEMORY in current_app.config or request.max_form_memory_size is not None:
        return request.max_form_memory_size
    return MAX_FIELD_BYTES


class Body:
    """The body of a request, to be read once.

    Raises
    ------
    UploadTooLarge
        If it has more bytes than ``MAX_CONTENT_LENGTH``; also while it is read.
    LengthRequired
        If nobody says where it ends.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._stream = self._opened()

    def _opened(self) -> IO[bytes]:
        request = self._request
        if "_cached_data" in vars(request):  # by request.get_data()
            return BytesIO(request.get_data())
        if request.content_length is None and not request.environ.get(_TERMINATED):
            raise LengthRequired("The request has to say its Content-Length.")
        try:
            return request.stream
        except _TooLarge:
            raise refused(self._too_large()) from None

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes, ``b""`` at the end.

        Raises
        ------
        UploadIncomplete
            If its sender has gone.
        """
        if not size:  # at its end Werkzeug takes even that for too much
            return b""
        try:
            return self._stream.read(size)
        except _TooLarge:
            raise refused(self._too_large()) from None
        except (ClientDisconnected, OSError, ValueError) as error:
            raise refused(
                UploadIncomplete("The request ended before its end.")
            ) from error

    def _too_large(self) -> UploadTooLarge:
        return UploadTooLarge(
            f"The request is larger than {self._request.max_content_length:,} bytes, "
            "which is the most that it may have."
        )


def was_parsed(request: Request) -> bool:
    """Tell whether somebody has used ``request.form`` or ``request.files`` already."""
    return "form" in vars(request)


def set_form(request: Request, fields: Iterable[tuple[str, str]]) -> None:
    """Give a request the fields that were read, as if it had been parsed by Flask."""
    storage: Any = request.parameter_storage_class
    form, files = storage(fields), storage()
    # As Werkzeug does it: they are properties that are looked up here first.
    vars(request).update(form=form, files=files, stream=BytesIO())


def drain_body(request: Request) -> None:
    """Read on what is left of a refused request, if that is not too much."""
    if (request.content_length or 0) > DRAIN_BYTES:
        return
    environ = request.environ
    if environ.get(_TERMINATED):
        drain(environ["wsgi.input"].read)
    else:
        # What is there already knows how much of the body was read.
        source = vars(request).get("stream") or get_input_stream(environ)
        drain(source.read)
