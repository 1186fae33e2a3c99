"""Answers whose bytes somebody else sends: the store itself, or the web server."""

from typing import Final
from urllib.parse import quote

from minimalkv._errors import InvalidArgument, Unsupported
from minimalkv._http.disposition import ATTACHMENT
from minimalkv._http.shown import Wanted, show
from minimalkv._key_value_store import KeyValueStore
from minimalkv.decorator import (
    PrefixDecorator,
    ReadOnlyDecorator,
    StoreDecorator,
    URLEncodeKeysDecorator,
)
from minimalkv.fs import FilesystemStore
from minimalkv.observing import ObservedDecorator

# Wrappers that leave a value as it is. Not their subclasses, which may do more.
_TRANSPARENT: Final = (
    StoreDecorator,
    ObservedDecorator,
    PrefixDecorator,
    ReadOnlyDecorator,
    URLEncodeKeysDecorator,
)
_FOR_OTHERS: Final = ("https://", "http://", "/")


def signed_url(
    store: KeyValueStore, key: str, wanted: Wanted, expires: float | None
) -> str:
    """Return a URL of the store under which a value is shown as we would show it.

    Raises
    ------
    Unsupported
        If the store has no URLs that say how, or none that others can use.
    KeyNotFound, InvalidKey, InvalidArgument, StoreError
        As for `head` and `url_for`.
    """
    if not store.url_support:
        raise _cannot_redirect(store)
    shown = show(store.head(key), wanted)
    # A URL has a name only for what is saved.
    is_named = wanted.download_name and wanted.as_attachment is not False
    try:
        url = store.url_for(
            key,
            expires=expires,
            # It wins over the stored one, which somebody may exchange meanwhile.
            content_type=shown.content_type,
            download_name=shown.name if is_named or shown.kind == ATTACHMENT else None,
        )
    except Unsupported as error:
        raise _cannot_redirect(store, str(error)) from error
    if not (url.startswith(_FOR_OTHERS) and url.isascii() and url.isprintable()):
        raise _cannot_redirect(store)
    return url


def _cannot_redirect(store: KeyValueStore, reason: str = "") -> Unsupported:
    cure = "Use mode='proxy', or mode='accel' for files behind a web server."
    what = f"{store!r} has no signed URL to redirect to."
    return Unsupported(" ".join(filter(None, (what, reason, cure))))


def behind_accel(store: KeyValueStore, key: str, prefix: str | None) -> tuple[str, str]:
    """Return the header that tells the web server which file to send.

    Raises
    ------
    Unsupported
        If the values are not files, or not as they are.
    InvalidArgument
        If *prefix* is no location.
    InvalidKey
        If the key is unusable.
    """
    files, inner_key = file_of(store, key)
    # Servers decode both headers.
    if prefix is None:
        return "X-Sendfile", quote(f"{files.root}/{inner_key}")
    is_location = prefix.startswith("/") and prefix.endswith("/")
    if not (is_location and prefix.isascii() and prefix.isprintable()):
        raise InvalidArgument(
            "accel_prefix is an internal location such as '/protected/', with a slash "
            f"at both ends, not {prefix!r}."
        )
    return "X-Accel-Redirect", prefix + quote(inner_key)


def file_of(store: KeyValueStore, key: str) -> tuple[FilesystemStore, str]:
    """Return the store of files below wrappers that change no value, and the key there.

    Raises
    ------
    Unsupported
        If the values are not files, or not as they are.
    InvalidKey
        If the key is unusable.
    """
    store._check_readable_key(key)
    inner = store
    while type(inner) in _TRANSPARENT and isinstance(inner, StoreDecorator):
        key = inner._map_key(key)
        inner = inner._dstore
    if not isinstance(inner, FilesystemStore):
        raise Unsupported(
            f"{store!r} does not keep each value in a file as it is, so no web server "
            "can send it. Use mode='proxy'."
        )
    return inner, key
