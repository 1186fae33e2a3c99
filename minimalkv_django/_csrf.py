"""Django's check against forged requests, before a form is read to its end."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.datastructures import MultiValueDict


class CsrfRefused(Exception):
    """The request was not made by a page of this site.

    Attributes
    ----------
    response : HttpResponse
        What ``CSRF_FAILURE_VIEW`` says.
    """

    def __init__(self, response: HttpResponse) -> None:
        super().__init__("The request has no valid CSRF token.")
        self.response = response


def has_header(request: HttpRequest) -> bool:
    """Tell whether the token is in the header, so that no field is needed."""
    return settings.CSRF_HEADER_NAME in request.META


def check(request: HttpRequest, fields: QueryDict) -> None:
    """Do the check with the header, and the fields that were read by now.

    Raises
    ------
    CsrfRefused
        If the token is missing or wrong.
    """
    # What Django looks at is the form; asking it for that would read it.
    vars(request).update(_post=fields, _files=MultiValueDict())
    try:
        middleware = CsrfViewMiddleware(_no_answer)
        response = middleware.process_view(request, _no_answer, (), {})
    finally:
        del vars(request)["_post"], vars(request)["_files"]
    if response is not None:
        raise CsrfRefused(response)


def _no_answer(_request: HttpRequest) -> HttpResponseBase:
    return HttpResponse()
