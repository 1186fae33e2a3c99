"""The response of a request whose session could not be saved."""

from typing import Final

from flask import Flask, Response, has_request_context
from flask import session as current_session

from minimalkv_flask._errors import SessionUnavailable
from minimalkv_flask._session import KVSession

# What other headers tell is true of any response: those of security, of CORS.
_OF_ONE_BODY: Final = (
    "Accept-Ranges",
    "Cache-Control",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Location",
    "Content-Range",
    "Content-Type",
    "ETag",
    "Expires",
    "Last-Modified",
    "Location",
    "Refresh",
    "Set-Cookie",
)


def answer_outage(
    app: Flask, session: KVSession, response: Response, error: SessionUnavailable
) -> None:
    """Turn a response into that of an error, as if the view had raised it.

    Raises
    ------
    SessionUnavailable
        If there is no request to answer, as with `session_transaction` of Flask.
    """
    if not _is_current(session):
        raise error
    answer = app.make_response(app.handle_user_exception(error))
    _replace(response, answer)


def _is_current(session: KVSession) -> bool:
    if not has_request_context():
        return False
    return getattr(current_session, "visit", None) is session.visit


def _replace(response: Response, answer: Response) -> None:
    vary = [*response.vary]
    for name in (*_OF_ONE_BODY, *answer.headers.keys()):
        response.headers.remove(name)
    response.headers.extend(answer.headers)
    response.vary.update(vary)
    close = getattr(response.response, "close", None)
    if close is not None:
        close()
    response.status = answer.status
    response.response = answer.response
    response.direct_passthrough = answer.direct_passthrough
    response.call_on_close(answer.close)
