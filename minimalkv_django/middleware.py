"""What a visitor sees while the store of the sessions does not answer."""

import logging
import sys
from typing import Any, Final

from django.conf import settings
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse
from django.template import TemplateDoesNotExist, loader
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin
from django.utils.log import log_response

from minimalkv import StoreUnavailable
from minimalkv.sessions import SessionUnavailable

__all__ = ["SessionOutageMiddleware"]

TEMPLATE: Final = "503.html"
_TEXT: Final = "The service is unavailable for the moment. Please try again soon."
_RETRY_SECS: Final = 5
_ERROR: Final = 500
_UNAVAILABLE: Final = 503
_MARK: Final = "_minimalkv_outage"
# So Django remembers that there is a line in the log for a response.
_IS_LOGGED: Final = "_has_been_logged"


class SessionOutageMiddleware(MiddlewareMixin):
    """Answer 503 where a request fails because the sessions cannot be reached.

    Without it, that is a 500 as for any other exception. It stands in ``MIDDLEWARE``
    before ``django.contrib.sessions.middleware.SessionMiddleware``. The answer is the
    template ``503.html`` if the project has one, with ``request`` and the text of the
    ``exception``, or else a line of text. One line of the logger ``django.request``
    tells the cause. Nobody loses a cookie, so everybody is signed in again once the
    store is back; who got a new key in this very request gets the cookie of that.
    """

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """Answer instead of a view that could not use the session; see Django."""
        if not isinstance(exception, SessionUnavailable):
            return None
        return refuse_for_now(request, exception)

    def process_response(
        self, request: HttpRequest, response: HttpResponse
    ) -> HttpResponse:
        """Answer where the session could not be saved after the view; see Django."""
        cause = getattr(request, _MARK, None)
        if response.status_code != _ERROR or cause is None:
            return response
        answer = unavailable(request, cause)
        setattr(answer, _IS_LOGGED, True)  # with the answer that it takes the place of
        return answer


def refuse_for_now(request: HttpRequest, error: StoreUnavailable) -> HttpResponse:
    """Return the answer for while a store does not answer, and log the cause."""
    cause = _in_one_line(error)
    answer = unavailable(request, cause)
    why = ("Service Unavailable: %s: %s", request.path, cause)
    log_response(*why, response=answer, request=request)
    return answer


def unavailable(request: HttpRequest, cause: str) -> HttpResponse:
    """Return the answer that is given during an outage: nobody should cache it."""
    headers = {"Retry-After": str(_RETRY_SECS), "Cache-Control": "no-store"}
    text: str
    try:
        what = {"request": request, "exception": cause}
        text = loader.render_to_string(TEMPLATE, what)
    except (TemplateDoesNotExist, SessionUnavailable):  # it may greet who is signed in
        headers["Content-Type"] = "text/plain; charset=utf-8"
        text = _TEXT
    answer = HttpResponse(text, status=_UNAVAILABLE, headers=headers)
    _send_kept_key(request, answer)
    return answer


def _send_kept_key(request: HttpRequest, response: HttpResponse) -> None:
    """Send the cookie without which the outage would be a sign-out."""
    session = getattr(request, "session", None)
    kept_key = getattr(session, "kept_key", None)
    if session is None or kept_key is None:
        return
    max_age = None
    if not session.get_expire_at_browser_close():
        max_age = session.get_expiry_age()
    response.set_cookie(
        settings.SESSION_COOKIE_NAME,
        kept_key,
        max_age=max_age,
        domain=settings.SESSION_COOKIE_DOMAIN,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=settings.SESSION_COOKIE_HTTPONLY,
        samesite=settings.SESSION_COOKIE_SAMESITE,
    )
    patch_vary_headers(response, ("Cookie",))


def _note_outage(*, request: HttpRequest | None = None, **_: Any) -> None:
    # Django turns what a middleware raises into a response, before others see it.
    error = sys.exc_info()[1]
    if request is not None and isinstance(error, SessionUnavailable):
        setattr(request, _MARK, _in_one_line(error))


def _shorten(record: logging.LogRecord) -> bool:
    """Tell in one line why the session could not be used: a traceback says no more."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, SessionUnavailable):
        record.msg, record.args = "%s: %s", (record.getMessage(), _in_one_line(error))
        record.exc_info = record.exc_text = None
    return True


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())  # some databases tell more in the next ones


got_request_exception.connect(_note_outage)
logging.getLogger("django.request").addFilter(_shorten)
