"""What a visitor sees while the store of the sessions does not answer."""

import sys
from typing import Any, Final

from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse
from django.template import TemplateDoesNotExist, loader
from django.utils.deprecation import MiddlewareMixin

from minimalkv.sessions import SessionUnavailable

__all__ = ["SessionOutageMiddleware"]

TEMPLATE: Final = "503.html"
_TEXT: Final = "The service is unavailable for the moment. Please try again soon."
_RETRY_SECS: Final = 5
_ERROR: Final = 500
_UNAVAILABLE: Final = 503
_MARK: Final = "_minimalkv_outage"


class SessionOutageMiddleware(MiddlewareMixin):
    """Answer 503 where a request fails because the sessions cannot be reached.

    Without it, that is a 500 as for any other exception. It stands in ``MIDDLEWARE``
    before ``django.contrib.sessions.middleware.SessionMiddleware``. The answer is the
    template ``503.html`` if the project has one, or else a line of text. Nobody loses a
    cookie, so everybody is signed in again once the store is back.
    """

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """Answer instead of a view that could not use the session; see Django."""
        if isinstance(exception, SessionUnavailable):
            return unavailable(request)
        return None

    def process_response(
        self, request: HttpRequest, response: HttpResponse
    ) -> HttpResponse:
        """Answer where the session could not be saved after the view; see Django."""
        if response.status_code == _ERROR and hasattr(request, _MARK):
            return unavailable(request)
        return response


def unavailable(request: HttpRequest) -> HttpResponse:
    """Return the answer that is given during an outage: nobody should cache it."""
    headers = {"Retry-After": str(_RETRY_SECS), "Cache-Control": "no-store"}
    text: str
    try:
        text = loader.render_to_string(TEMPLATE, {"request": request})
    except TemplateDoesNotExist:
        headers["Content-Type"] = "text/plain; charset=utf-8"
        text = _TEXT
    return HttpResponse(text, status=_UNAVAILABLE, headers=headers)


def _note_outage(*, request: HttpRequest | None = None, **_: Any) -> None:
    # Django turns what a middleware raises into a response, before others see it.
    if request is not None and isinstance(sys.exc_info()[1], SessionUnavailable):
        setattr(request, _MARK, True)


got_request_exception.connect(_note_outage)
