"""Files of a store as responses."""

import logging
from collections.abc import Iterable, Iterator
from functools import partial
from typing import BinaryIO, Final

from flask import Response, current_app, request
from werkzeug.exceptions import NotFound, ServiceUnavailable

from minimalkv import KeyNotFound, KeyValueStore, StoreUnavailable
from minimalkv._constants import CHUNK_BYTES
from minimalkv.http import Answer, answer
from minimalkv_flask._stores import stores_at

__all__ = ["send_from_store"]

_log: Final = logging.getLogger("minimalkv_flask")

_RETRY_SECS: Final = 5
_TYPE: Final = "Content-Type"


def send_from_store(
    store: str | KeyValueStore,
    key: str,
    *,
    download_name: str | None = None,
    as_attachment: bool | None = None,
    content_type: str | None = None,
    cache_control: str | None = None,
    mode: str = "proxy",
    accel_prefix: str | None = None,
    expires: float | None = None,
) -> Response:
    """Send a file of a store, or the part of it that the request asks for.

    Only images, audio, video, PDF and plain text are shown by the browser, and the
    rest is saved. One request to the store is made for a response; the file is sent
    while it is read, in pieces of 256 KiB.

    Parameters
    ----------
    store : str or KeyValueStore
        An alias such as ``"uploads"``, a URL or a store.
    key : str
        The key, as it stands in the URL.
    download_name, as_attachment, content_type, cache_control
        As for `minimalkv.http.answer`.
    mode, accel_prefix, expires
        As for `minimalkv.http.answer`, too.

    Returns
    -------
    Response
        200, 206, 302, 304, 405, 412 or 416.

    Raises
    ------
    NotFound
        If there is no such file, the key is none, or begins with ``mkv-``.
    ServiceUnavailable
        If the store cannot be reached; the log tells why.
    InvalidArgument, Unsupported
        If an argument is unusable, or the store cannot do what *mode* says.
    StoreError
        If the store failed otherwise.

    Examples
    --------
    >>> from flask import Flask
    >>> app = Flask("shop")
    >>> app.config["MINIMALKV_URL"] = "hfs://./data"
    >>> @app.get("/photos/<path:key>")
    ... def photo(key):
    ...     return send_from_store("uploads", f"photos/{key}")
    """
    try:
        told = answer(
            stores_at(current_app).get(store),
            key,
            method=request.method,
            headers=dict(request.headers),
            download_name=download_name,
            as_attachment=as_attachment,
            content_type=content_type,
            cache_control=cache_control,
            mode=mode,
            accel_prefix=accel_prefix,
            expires=expires,
        )
    except KeyNotFound as error:
        raise NotFound from error
    except StoreUnavailable as error:
        # What is a response is no error to Flask, and not in its log. Without the
        # path: whoever has a signed one may read the file.
        _log.error("A file was not served: %s", error)
        raise ServiceUnavailable(retry_after=_RETRY_SECS) from error
    return _response(told)


def _response(told: Answer) -> Response:
    body = None if told.body is None else _sent(told.body)
    response = current_app.response_class(
        body, told.status, told.headers, direct_passthrough=body is not None
    )
    if not any(name == _TYPE for name, _ in told.headers):
        # Flask's own would be remembered for a file that a 304 is about.
        del response.headers[_TYPE]
    return response


def _sent(body: BinaryIO) -> Iterable[bytes]:
    # A server that is given a file of the system may let the system send it.
    wrap = request.environ.get("wsgi.file_wrapper") if _is_file(body) else None
    pieces: Iterable[bytes] = (wrap or _Pieces)(body, CHUNK_BYTES)
    return pieces


def _is_file(body: BinaryIO) -> bool:
    try:
        body.fileno()
    except OSError:
        return False
    return True


class _Pieces:
    """A file in pieces, with no line of Python for each; whoever sends it closes it."""

    def __init__(self, body: BinaryIO, piece_bytes: int) -> None:
        self._body = body
        self._piece_bytes = piece_bytes

    def __iter__(self) -> Iterator[bytes]:
        return iter(partial(self._body.read, self._piece_bytes), b"")

    def close(self) -> None:
        self._body.close()
