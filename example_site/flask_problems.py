"""What the Flask side says when something goes wrong."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from logging import Logger
from typing import Final, cast

from flask import Blueprint, Response, current_app, flash, render_template, request
from werkzeug.exceptions import HTTPException, ServiceUnavailable
from werkzeug.wrappers import Response as AnyResponse

from example_site.album import Refused
from minimalkv import (
    StoreError,
    StoreUnavailable,
    UploadRefused,
    UploadTooLarge,
    WrongContentType,
)
from minimalkv.sessions import SessionUnavailable

problems = Blueprint("problems", __name__)

_RETRY_AFTER_SECS: Final = 5
_FAILED: Final = "the store failed: %s"
_SILENT: Final = "The store of this site does not answer."
_REFUSED: Final = "The store of this site refuses; the log of the site tells why."
_TRY_AGAIN: Final = " Please try again in a while."
_LOOK_FIRST: Final = (
    " What you sent may not have arrived: look at the photos before you send it again."
)


@contextmanager
def refusals(limit: str, wanted: str = "") -> Iterator[None]:
    """Say on the next page why an upload was refused.

    Parameters
    ----------
    limit : str
        The most that is taken, in words.
    wanted : str
        What is taken, as a sentence.
    """
    try:
        yield
    except Refused as error:
        flash(str(error), "problem")
    except UploadTooLarge:
        flash(f"That is larger than {limit}.", "problem")
    except WrongContentType as error:
        flash(f"{error} {wanted}".strip(), "problem")
    except UploadRefused as error:
        flash(str(error), "problem")


class Pieces:
    """A file on its way to the browser."""

    def __init__(self, pieces: Iterable[bytes], log: Logger) -> None:
        self._file = pieces
        self._pieces = iter(pieces)
        self._log = log

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """Return the next piece.

        Raises
        ------
        ConnectionAbortedError
            If the store fails. The status is sent already, so that only the end of the
            connection can tell the browser that the file is not complete.
        """
        try:
            return next(self._pieces)
        except StoreError as error:
            self._log.error(_FAILED, error)
            raise ConnectionAbortedError("The store failed in a file.") from None

    def close(self) -> None:
        """Let go of the store; see WSGI."""
        self._file.close()  # type: ignore[attr-defined] # what sends a file has it


@problems.after_app_request
def watch(response: Response) -> Response:
    """Let the log have one line, and no traceback, if a file breaks off."""
    if response.direct_passthrough:
        pieces = cast("Iterable[bytes]", response.response)
        response.response = Pieces(pieces, current_app.logger)
    return response


@problems.app_errorhandler(HTTPException)
def explain(error: HTTPException) -> AnyResponse:
    """Say in words what the status code means; the session is not needed for that."""
    response = error.get_response()
    response.data = render_template(
        "problem.html", title=error.name, text=error.description
    )
    return response


@problems.app_errorhandler(ServiceUnavailable)
@problems.app_errorhandler(StoreError)
def explain_outage(error: Exception) -> tuple[str, int, dict[str, str]]:
    """Say that the store is to blame; whoever is signed in stays so."""
    reason = cause_of(error)
    if isinstance(error, StoreError):  # otherwise the library has done so
        current_app.logger.error(_FAILED, reason)
    is_silent = isinstance(reason, StoreUnavailable | ServiceUnavailable)
    text = _SILENT if is_silent else _REFUSED
    text += _LOOK_FIRST if request.method == "POST" else _TRY_AGAIN
    page = render_template("problem.html", title="Just a moment", text=text)
    return page, 503, {"Retry-After": str(_RETRY_AFTER_SECS)}


def cause_of(error: BaseException) -> BaseException:
    """Return what the store said where an error says only that it cannot be used."""
    hides = SessionUnavailable, ServiceUnavailable
    while isinstance(error, hides) and isinstance(error.__cause__, StoreError):
        error = error.__cause__
    return error
