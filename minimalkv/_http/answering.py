"""The answer to a request for a value."""

from collections.abc import Mapping
from contextlib import closing, suppress
from http import HTTPStatus
from typing import BinaryIO, Final, NamedTuple

from minimalkv._constants import CHUNK_BYTES
from minimalkv._errors import InvalidArgument, InvalidKey, KeyNotFound, StoreError
from minimalkv._http.conditions import failed_condition, is_still
from minimalkv._http.elsewhere import behind_accel, signed_url
from minimalkv._http.keys import check_public_key
from minimalkv._http.ranges import Span, parse_range
from minimalkv._http.shown import (
    Headers,
    Wanted,
    encoding,
    show,
    validators,
)
from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import ObjectMeta
from minimalkv._streams import resolve_range

_METHODS: Final = ("GET", "HEAD")
_MODES: Final = ("proxy", "redirect", "accel")
_ALLOW: Final = ("Allow", ", ".join(_METHODS))
_EMPTY: Final = ("Content-Length", "0")
_WITH_BODY: Final = (HTTPStatus.OK.value, HTTPStatus.PARTIAL_CONTENT.value)


class Answer(NamedTuple):
    """An answer, for any framework to send.

    Attributes
    ----------
    status : int
        The status code.
    headers : list of tuple of str and str
        The headers; all of them printable ASCII.
    body : BinaryIO or None
        A file with exactly the bytes to send, to read once and forwards; the caller
        closes it. None if there is nothing to send.
    """

    status: int
    headers: list[tuple[str, str]]
    body: BinaryIO | None = None


def answer(
    store: KeyValueStore,
    key: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str],
    download_name: str | None = None,
    as_attachment: bool | None = None,
    content_type: str | None = None,
    cache_control: str | None = None,
    mode: str = "proxy",
    accel_prefix: str | None = None,
    expires: float | None = None,
) -> Answer:
    """Answer a request for a value of a store: ranges, conditions, safe headers.

    It is one call to the store: `stream` for a GET, `head` for a HEAD and the modes
    that do not send the bytes. A second one is made only where a client continues a
    download of another version (``If-Range``), and gets all of this one.

    Only images, audio, video, PDF and plain text are shown by a browser. All else is
    saved, and what could act in a browser is sent as ``application/octet-stream``,
    whatever the other arguments say.

    Parameters
    ----------
    store : KeyValueStore
        Where the value is.
    key : str
        Its key; it may come from a URL as it is.
    method : str
        The method of the request. All but ``GET`` and ``HEAD`` are a 405.
    headers : mapping of str to str
        The headers of the request; their names in any case.
    download_name : str, optional
        The filename to save it under; else the stored one, else the end of the key.
        A redirect has it saved, unless *as_attachment* is False.
    as_attachment : bool, optional
        True to have it saved always, False to have it shown where that is safe; else
        as it was stored.
    content_type : str, optional
        Instead of the stored type.
    cache_control : str, optional
        Instead of the stored header; without either it is ``no-cache``.
    mode : str
        ``proxy`` sends the bytes. ``redirect`` sends the client to a signed URL of the
        store. ``accel`` lets the web server in front send the file of a
        `FilesystemStore`; that server does its own ranges and conditions, and nginx
        adds only its own security headers.
    accel_prefix : str, optional
        With ``accel``, the internal location of nginx that has the folder of the store
        as its ``alias``, such as ``/protected/``. Without it the header is
        ``X-Sendfile`` with the path, for Apache and lighttpd.
    expires : float, optional
        With ``redirect``, seconds until the signed URL ends.

    Returns
    -------
    Answer
        200, 206, 302, 304, 405, 412 or 416.

    Raises
    ------
    KeyNotFound
        If there is no value, or the key is reserved, or none at all: a 404.
    InvalidArgument
        If an argument that the application gave is unusable.
    Unsupported
        If the store cannot do what *mode* says.
    StoreError
        If the store failed; `StoreUnavailable` is a 503.

    Examples
    --------
    >>> from minimalkv import get_store_from_url
    >>> store = get_store_from_url("memory://")
    >>> store.put("hello.txt", b"hello world")
    'hello.txt'
    >>> status, headers, body = answer(
    ...     store, "hello.txt", headers={"Range": "bytes=6-"}
    ... )
    >>> status, dict(headers)["Content-Range"], body.read()
    (206, 'bytes 6-10/11', b'world')
    """
    if mode not in _MODES:
        raise InvalidArgument(f"mode is 'proxy', 'redirect' or 'accel', not {mode!r}.")
    if method not in _METHODS:
        return Answer(HTTPStatus.METHOD_NOT_ALLOWED.value, [_ALLOW, _EMPTY])
    check_public_key(key)
    wanted = Wanted(download_name, as_attachment, content_type, cache_control)
    try:
        if mode == "accel":
            return _passed_on(store, key, wanted, accel_prefix)
        if mode == "redirect" and method == "GET":
            return _redirected(store, key, wanted, expires)
        asked = {name.lower(): value for name, value in headers.items()}
        if method == "HEAD":
            return _conditional(asked, store.head(key), wanted)
        return _sent(store, key, asked, wanted)
    except InvalidKey as error:
        raise KeyNotFound(key) from error


def _passed_on(
    store: KeyValueStore, key: str, wanted: Wanted, prefix: str | None
) -> Answer:
    header = behind_accel(store, key, prefix)
    meta = store.head(key)
    shown = show(meta, wanted).headers()
    caching, *_ = validators(meta, wanted)
    return Answer(HTTPStatus.OK.value, [header, *shown, caching])


def _redirected(
    store: KeyValueStore, key: str, wanted: Wanted, expires: float | None
) -> Answer:
    url = signed_url(store, key, wanted, expires)
    # The URL ends, and what is kept of this answer would not.
    once = ("Cache-Control", "no-store")
    return Answer(HTTPStatus.FOUND.value, [("Location", url), once, _EMPTY])


def _sent(
    store: KeyValueStore, key: str, asked: Mapping[str, str], wanted: Wanted
) -> Answer:
    span = parse_range(asked.get("range"))
    meta, body = store.stream(key, *(span or (0, None)))
    try:
        if span and not is_still(asked.get("if-range"), meta):
            span = None
            body.close()
            meta, body = store.stream(key)
        answered = _conditional(asked, meta, wanted, span)
    except BaseException:
        body.close()
        raise
    if answered.status in _WITH_BODY:
        return answered._replace(body=body)
    _give_back(body, meta.size)
    return answered


def _give_back(body: BinaryIO, size: int) -> None:
    """Close a file that nobody reads."""
    with closing(body), suppress(StoreError):
        # A connection is good for another request once its answer was read to the end,
        # which takes less time than to connect again.
        if size <= CHUNK_BYTES and not body.seekable():
            body.read()


def _conditional(
    asked: Mapping[str, str],
    meta: ObjectMeta,
    wanted: Wanted,
    span: Span | None = None,
) -> Answer:
    """Return the answer about a value, without its body."""
    status = failed_condition(asked, meta)
    if status == HTTPStatus.NOT_MODIFIED.value:
        return Answer(status, validators(meta, wanted))
    if status:
        return Answer(status, [_EMPTY])
    # An empty value has no parts, and a client that asks for one wants all there is.
    if span and meta.size:
        return _part(meta, wanted, *resolve_range(*span, meta.size))
    return Answer(HTTPStatus.OK.value, _described(meta, wanted, meta.size))


def _part(meta: ObjectMeta, wanted: Wanted, begin: int, end: int) -> Answer:
    if begin == end:
        total = ("Content-Range", f"bytes */{meta.size}")
        return Answer(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE.value, [total, _EMPTY])
    part = ("Content-Range", f"bytes {begin}-{end - 1}/{meta.size}")
    headers = _described(meta, wanted, end - begin)
    return Answer(HTTPStatus.PARTIAL_CONTENT.value, [*headers, part])


def _described(meta: ObjectMeta, wanted: Wanted, length: int) -> Headers:
    return [
        *show(meta, wanted).headers(),
        *encoding(meta),
        *validators(meta, wanted),
        ("Content-Length", str(length)),
        ("Accept-Ranges", "bytes"),
    ]
