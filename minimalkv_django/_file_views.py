"""The views behind signed links, and behind uploads to the store itself."""

from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIRequest
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    UnreadablePostError,
)
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from minimalkv import InvalidToken, StoreUnavailable, UploadRefused, _clock
from minimalkv._direct import receive_direct_upload
from minimalkv._links import read_link
from minimalkv.files import drain
from minimalkv_django._direct import link_seals, upload_seals
from minimalkv_django._upload_handler import require_length, tell_refused
from minimalkv_django.middleware import refuse_for_now
from minimalkv_django.stores import stores
from minimalkv_django.views import serve


def signed(request: HttpRequest, token: str, name: str) -> HttpResponseBase:
    """Send the file of a link, as long as it is valid."""
    try:
        link = read_link(token, link_seals())
    except InvalidToken as error:
        return _answer(error)
    try:
        store = stores[link.store]
    except ImproperlyConfigured as error:
        raise Http404("There is no such store.") from error
    return serve(
        request,
        link.key,
        store=store,
        download_name=link.name or name,
        as_attachment=link.as_attachment,
        cache_control=f"private, max-age={max(int(link.until - _clock.now()), 0)}",
    )


# The token allows the upload, which no other site's page can have.
@csrf_exempt
def receive(request: HttpRequest, store: str, token: str) -> HttpResponseBase:
    """Take the file of a direct upload."""
    if request.method != "PUT":
        return HttpResponseNotAllowed(["PUT"])
    try:
        _receive(request, store, token)
    except UploadRefused as error:
        drain(request.read)
        tell_refused(error)
        return _answer(error)
    except UnreadablePostError:
        return HttpResponse(status=400)
    except StoreUnavailable as error:
        return refuse_for_now(request, error)
    except ImproperlyConfigured as error:
        raise Http404("There is no such store.") from error
    return HttpResponse(status=204)


def _receive(request: HttpRequest, store: str, token: str) -> None:
    length = request.META.get("CONTENT_LENGTH") or ""
    if isinstance(request, WSGIRequest):
        require_length(request)
    receive_direct_upload(
        stores[store],
        upload_seals(store),
        token,
        request,
        content_type=request.content_type or "",
        content_length=int(length) if length.isascii() and length.isdigit() else None,
    )


def _answer(error: UploadRefused) -> HttpResponse:
    return HttpResponse(
        f"{error}\n", status=error.status, content_type="text/plain; charset=utf-8"
    )
