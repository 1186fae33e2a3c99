"""What requests ask of the store, as an observer of it is told."""

from collections import deque
from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, NamedTuple

from minimalkv.observing import StoreCall

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LATEST: Final = 8
_LONGEST: Final = 40

_mine: ContextVar[list[StoreCall]] = ContextVar("calls of this request")


class Asked(NamedTuple):
    """A request, and what it has asked of the store so far.

    Attributes
    ----------
    what : str
        Its method and path, without what may be a secret there.
    calls : list of StoreCall
        What was asked.
    """

    what: str
    calls: list[StoreCall]


latest: Final[deque[Asked]] = deque(maxlen=LATEST)
"""The last requests of this process, the newest first."""


def note(call: StoreCall) -> None:
    """Take down a call; this is the callback of an `ObservedDecorator`."""
    if call.operation != "url_for":  # is signed here, and nobody is asked
        # An error would keep alive all that was at hand where it was raised.
        _mine.get([]).append(call._replace(error=None))


def of_this_request() -> list[StoreCall]:
    """Return what was asked of the store since the request began."""
    return _mine.get([])


class Counted:
    """A WSGI application, of which each request has calls of its own."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request; see WSGI."""
        calls: list[StoreCall] = []
        _mine.set(calls)
        if not _is_repeated(environ):
            latest.appendleft(Asked(_what(environ), calls))
        return self._app(environ, start_response)


def _is_repeated(environ: "WSGIEnvironment") -> bool:
    # Pages that refresh themselves, and styles, would drive out all others.
    by_script = environ.get("HTTP_SEC_FETCH_DEST") == "empty"
    is_read = environ["REQUEST_METHOD"] == "GET"
    return (by_script and is_read) or "/static/" in environ["PATH_INFO"]


def _what(environ: "WSGIEnvironment") -> str:
    """Return a method and path, of which the end may be the token of a link."""
    path = environ["PATH_INFO"]
    begin = "/".join(path.split("/")[:2])[:_LONGEST]
    rest = "" if begin == path else "/…"
    return f"{environ['REQUEST_METHOD']} {environ.get('SCRIPT_NAME', '')}{begin}{rest}"
