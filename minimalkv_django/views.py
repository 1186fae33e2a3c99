"""A view that sends a file of a store.

::

    urlpatterns = [path("files/<path:key>", serve, {"store": "uploads"})]

Whoever has the URL gets the file. To look at who it is first, call `serve` from a view
of your own; `minimalkv_django.uploads.signed_url` makes links that end.
"""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from minimalkv import KeyNotFound, KeyValueStore, StoreUnavailable
from minimalkv._constants import CHUNK_BYTES
from minimalkv.http import Answer, answer
from minimalkv_django.middleware import refuse_for_now
from minimalkv_django.stores import stores

__all__ = ["serve"]

_TYPE: Final = "Content-Type"


def serve(
    request: HttpRequest,
    key: str,
    *,
    store: str | KeyValueStore = "uploads",
    download_name: str | None = None,
    as_attachment: bool | None = None,
    content_type: str | None = None,
    cache_control: str | None = None,
    mode: str = "proxy",
    accel_prefix: str | None = None,
    expires: float | None = None,
) -> HttpResponseBase:
    """Send a file of a store, or the part of it that the request asks for.

    Only images, audio, video, PDF and plain text are shown by the browser, and the
    rest is saved. One request to the store is made for a response; the file is sent
    while it is read, in pieces of 256 KiB.

    Parameters
    ----------
    request : HttpRequest
        A GET or HEAD; anything else is a 405.
    key : str
        The key, as it stands in the URL.
    store : str or KeyValueStore
        An alias, a URL or a store.
    download_name, as_attachment, content_type, cache_control
        As for `minimalkv.http.answer`.
    mode, accel_prefix, expires
        As for `minimalkv.http.answer`, too.

    Returns
    -------
    HttpResponseBase
        200, 206, 302, 304, 405, 412 or 416; 503 while the store cannot be reached.

    Raises
    ------
    Http404
        If there is no such file, the key is none, or begins with ``mkv-``.
    ImproperlyConfigured
        If there is no such alias.
    InvalidArgument, Unsupported
        If an argument is unusable, or the store cannot do what *mode* says.
    StoreError
        If the store failed otherwise.
    """
    try:
        told = answer(
            stores.get(store),
            key,
            method=request.method or "",
            headers=request.headers,
            download_name=download_name,
            as_attachment=as_attachment,
            content_type=content_type,
            cache_control=cache_control,
            mode=mode,
            accel_prefix=accel_prefix,
            expires=expires,
        )
    except KeyNotFound as error:
        raise Http404("There is no such file.") from error
    except StoreUnavailable as error:
        return refuse_for_now(request, error)
    # Compressed by GZipMiddleware, a part would be none of the file, and all would have
    # lost its length.
    request.META.pop("HTTP_ACCEPT_ENCODING", None)
    return _response(told)


def _response(told: Answer) -> HttpResponseBase:
    response: HttpResponseBase
    if told.body is None:
        response = HttpResponse(status=told.status)
    else:
        response = _StoredFile(told.body, status=told.status)
    # Django's own would be remembered for a file that a 304 is about.
    del response[_TYPE]
    for name, value in told.headers:
        response[name] = value
    return response


class _StoredFile(FileResponse):
    """A file with the headers of the core, from a server of either kind."""

    block_size = CHUNK_BYTES

    def set_headers(self, filelike: Any) -> None:
        """Leave them: Django would guess them from the name of a file."""

    def __iter__(self) -> Iterator[bytes]:
        if self.file_to_stream is None:  # a middleware put something in its place
            return super().__iter__()
        # Without a line of Python for each piece.
        return iter(partial(self.file_to_stream.read, self.block_size), b"")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self.is_async:
            async for part in super().__aiter__():
                yield part
            return
        # Django would read all of it into memory first.
        pieces = iter(self)
        read = sync_to_async(lambda: next(pieces, None), thread_sensitive=False)
        while (piece := await read()) is not None:
            yield piece
