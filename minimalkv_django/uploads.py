"""Uploads that go into a store while they arrive, without a temporary file.

::

    @stream_uploads(prefix="photos/", types=["image/*"], max_bytes=20 * 2**20)
    def add(request):
        photo = request.FILES["photo"].keep()  # a StoredFile
        return JsonResponse({"key": photo.key})

What a view neither keeps nor gives to a model is deleted when the request ends.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Final, cast

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase

from minimalkv import StoreUnavailable, UploadRefused
from minimalkv._direct import DirectUpload
from minimalkv.files import StoredFile, drain
from minimalkv_django._csrf import CsrfRefused
from minimalkv_django._direct import attach, direct_upload, signed_url
from minimalkv_django._upload_handler import (
    KVUploadedFile,
    KVUploadHandler,
    require_length,
    tell_refused,
)
from minimalkv_django.middleware import refuse_for_now

__all__ = [
    "DirectUpload",
    "KVUploadHandler",
    "KVUploadedFile",
    "StoredFile",
    "attach",
    "direct_upload",
    "signed_url",
    "stream_uploads",
]

View = Callable[..., Any]


def stream_uploads(
    view: View | None = None,
    *,
    store: Any = "uploads",
    prefix: str = "",
    types: Iterable[str] | None = None,
    max_bytes: int | None = None,
    max_file_bytes: int | None = None,
    csrf: bool = True,
) -> View:
    """Let the files that are sent to a view go into a store while they arrive.

    ``request.FILES`` has a `KVUploadedFile` for each of them then. Django's check
    against forged requests happens before anything is stored: the token is in the
    header (``X-CSRFToken``), and the form is read when the view first asks for it; or
    in a field before the first file, and the form is read before the view is called.

    Decorators that check who is asking go above this one. A class-based view takes it
    with ``method_decorator(…, name="dispatch")``.

    Parameters
    ----------
    view : callable
        The view, also an asynchronous one.
    store : str or KeyValueStore
        An alias or URL.
    prefix : str
        What the keys begin with, such as ``photos/``.
    types : iterable of str or None
        What is wanted: endings (``jpg``), types (``image/png``), or groups
        (``image/*``), judged by the first bytes. None means anything.
    max_bytes : int or None
        The most bytes that the request may have. None means no limit.
    max_file_bytes : int or None
        The most bytes that each file may have. None means no limit.
    csrf : bool
        Whether Django's check is done. Without it, the view has to know by itself that
        nobody else made the browser send the request.

    Returns
    -------
    callable
        The view. What it refuses is answered with 400, 403, 411, 413 or 415, and with
        503 while the store cannot be reached; nothing of the request stays in it then.
        ``DATA_UPLOAD_MAX_NUMBER_FIELDS``, ``DATA_UPLOAD_MAX_NUMBER_FILES`` and, for
        what are no files, ``DATA_UPLOAD_MAX_MEMORY_SIZE`` count as without it.
    """
    options = {
        "store": store,
        "prefix": prefix,
        "types": None if types is None else tuple(types),
        "max_bytes": max_bytes,
        "max_file_bytes": max_file_bytes,
        "csrf": csrf,
    }

    def decorate(view: View) -> View:
        wrap = _async_view if _is_async(view) else _sync_view
        wrapper = wrap(view, options)
        # Not by Django's decorator, whose result cannot be awaited before 5.0.
        wrapper.csrf_exempt = True  # type: ignore[attr-defined] # as that one does it
        return wrapper

    return decorate if view is None else decorate(view)


def _is_async(view: View) -> bool:
    # `method_decorator` passes on a partial of `dispatch`, itself no coroutine.
    owner = getattr(getattr(view, "func", None), "__self__", None)
    return iscoroutinefunction(view) or bool(getattr(owner, "view_is_async", False))


def _sync_view(view: View, options: dict[str, Any]) -> View:
    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            _prepare(request, options)
            answer: HttpResponseBase = view(request, *args, **kwargs)
        except _REFUSALS as error:
            return _refuse(request, error)
        return answer

    return wrapper


def _async_view(view: View, options: dict[str, Any]) -> View:
    @wraps(view)
    async def wrapper(
        request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        try:
            # In a thread, and whole: a coroutine must not wait for a store.
            await sync_to_async(_prepare)(request, options, at_once=True)
            answer: HttpResponseBase = await view(request, *args, **kwargs)
        except _REFUSALS as error:
            return await sync_to_async(_refuse)(request, error)
        return answer

    return wrapper


_REFUSALS: Final = (UploadRefused, UnreadablePostError, CsrfRefused, StoreUnavailable)


def _prepare(
    request: HttpRequest, options: dict[str, Any], at_once: bool = False
) -> None:
    if "_files" in vars(request):
        raise ImproperlyConfigured(
            "The form was read before the view was called, into temporary files. No "
            "middleware may use request.POST of a view with stream_uploads."
        )
    handler = KVUploadHandler(request, **options)
    request.upload_handlers = [handler]
    if request.content_type == "multipart/form-data":
        require_length(request)
    if request.method != "POST":
        handler.check_csrf()
    elif at_once or not handler.has_token:
        # A form with files is checked before the first of them; all else is not yet.
        handler.check_csrf(request.POST)
    else:
        handler.check_csrf()


def _refuse(request: HttpRequest, error: Exception) -> HttpResponse:
    if isinstance(error, UnreadablePostError):
        return HttpResponse("The upload was cut off.\n", status=400, **_PLAIN)
    drain(request.read)
    if isinstance(error, CsrfRefused):
        return error.response
    if isinstance(error, StoreUnavailable):
        return refuse_for_now(request, error)
    refused = cast("UploadRefused", error)
    tell_refused(refused)
    return HttpResponse(f"{refused}\n", status=refused.status, **_PLAIN)


_PLAIN: Final[dict[str, Any]] = {"content_type": "text/plain; charset=utf-8"}
