"""What is not taken of an upload, as errors that Flask turns into responses."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    HTTPException,
    RequestEntityTooLarge,
    ServiceUnavailable,
    UnsupportedMediaType,
)

from minimalkv import _errors

_log: Final = logging.getLogger("minimalkv_flask")


class _Answered(HTTPException):
    """An error of the core that is a response as well; its page shows the message."""

    def __init__(self, message: str | None = None) -> None:
        HTTPException.__init__(self, message)  # ValueError, which is first, calls none
        self.args = (self.description,)

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.args


class MalformedUpload(_Answered, _errors.UploadRefused, BadRequest):
    """It is no form, or a part of it is encoded: a 400."""


class UploadTooLarge(_Answered, _errors.UploadTooLarge, RequestEntityTooLarge):
    """It has more bytes or parts than it may have: a 413."""


class UploadIncomplete(_Answered, _errors.UploadIncomplete, BadRequest):
    """It ended before it was complete: a 400."""


class InvalidToken(_Answered, _errors.InvalidToken, Forbidden):
    """What allows it was not signed here, was altered, or is too old: a 403."""


class UploadNotAllowed(_Answered, _errors.WrongContentType, UnsupportedMediaType):
    """It is of a type that is not wanted: a 415. The name is that of Flask-Uploads."""


class UploadUnavailable(_Answered, _errors.StoreUnavailable, ServiceUnavailable):
    """The store did not answer: a 503, whose page tells nothing of it."""

    def __init__(self, message: str) -> None:
        ServiceUnavailable.__init__(self)
        self.args = (message,)


_KINDS: Final[dict[type[_errors.UploadRefused], type[_Answered]]] = {
    _errors.UploadTooLarge: UploadTooLarge,
    _errors.UploadIncomplete: UploadIncomplete,
    _errors.InvalidToken: InvalidToken,
    _errors.WrongContentType: UploadNotAllowed,
}


def refused(error: _Answered) -> _Answered:
    """Return an error that is about to be raised, and tell the log of it."""
    _log.info("An upload was refused: %s", error)
    return error


@contextmanager
def answered() -> Iterator[None]:
    """Turn what the core refuses into errors that are responses."""
    try:
        yield
    except _errors.UploadRefused as error:
        if isinstance(error, HTTPException):
            raise
        kind = _KINDS.get(type(error), MalformedUpload)
        raise refused(kind(str(error))) from error
    except _errors.StoreUnavailable as error:
        # Flask itself logs no error that is a response.
        _log.error("An upload was not stored: %s", error)
        raise UploadUnavailable(str(error)) from error
