"""Requests to a WSGI application, sent as a server does it and by nothing else."""

from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.test import EnvironBuilder

from benchmarks.measure import Call

Application = Callable[..., Iterable[bytes]]


def asks(application: Application, path: str) -> Call:
    """Return a call that asks for a page, of somebody who has a session.

    Parameters
    ----------
    application : callable
        A WSGI application, where ``/begin`` begins a session.
    path : str
        The page, which answers 200.
    """
    begun = _answer(application, environ_of("/begin"))
    cookie = begun.get("Set-Cookie", "none=set").partition(";")[0]
    environ = environ_of(path, [("Cookie", cookie)])
    return lambda: _answer(application, environ.copy())


def environ_of(path: str, headers: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    """Return what a server tells an application about a request for a page."""
    builder = EnvironBuilder(path, headers=list(headers))
    try:
        return builder.get_environ()
    finally:
        builder.close()


def _answer(application: Application, environ: dict[str, Any]) -> dict[str, str]:
    headers: dict[str, str] = {}

    def start(status: str, found: list[tuple[str, str]], *_: object) -> None:
        if not status.startswith("200"):
            raise RuntimeError(f"{environ['PATH_INFO']} answers {status}.")
        headers.update(dict(found))

    body = application(environ, start)
    b"".join(body)
    close = getattr(body, "close", None)
    if close is not None:
        close()
    return headers
