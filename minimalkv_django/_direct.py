"""Uploads that browsers send to the store itself, and links to files."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from minimalkv import _direct, _links
from minimalkv._direct import DirectUpload
from minimalkv._signing import Seals, signing_keys
from minimalkv.files import StoredFile
from minimalkv_django.stores import stores


def direct_upload(
    filename: str,
    *,
    store: str = "uploads",
    prefix: str = "",
    types: Iterable[str] | None = None,
    max_bytes: int | None = None,
    content_type: str | None = None,
    expires: float = _direct.EXPIRES_SECS,
) -> DirectUpload:
    """Allow a browser to send one file to the store itself.

    Where the store signs no URLs, it is sent to a view of `minimalkv_django.urls`.

    Parameters
    ----------
    filename : str
        What the sender calls it; it decides the type that has to be sent.
    store : str
        An alias.
    prefix, types
        As for `stream_uploads`.
    max_bytes : int or None
        The most bytes that it may have. None means no limit.
    content_type : str or None
        The type, if it is not to be told by the name.
    expires : float
        Seconds until it cannot be sent any more.

    Returns
    -------
    DirectUpload
        URL, method, headers and token; ``_asdict()`` is what a page needs as JSON.

    Raises
    ------
    WrongContentType
        If the type is not wanted.
    ImproperlyConfigured
        If there is no such store; NoReverseMatch if the store signs no URLs and
        `minimalkv_django.urls` is not included.
    """
    return _direct.begin_direct_upload(
        stores[store],
        upload_seals(store),
        filename,
        lambda token: _reverse("receive", store=store, token=token),
        prefix=prefix,
        types=types,
        max_bytes=max_bytes,
        content_type=content_type,
        expires=expires,
    )


def attach(
    token: str, *, store: str = "uploads", types: Iterable[str] | None = None
) -> StoredFile:
    """Take a file that was sent after `direct_upload`, if it is what was announced.

    Parameters
    ----------
    token : str
        What came back from the browser.
    store, types
        As for `direct_upload`.

    Raises
    ------
    InvalidToken
        If the token is none of ours, or too old.
    UploadIncomplete
        If nothing was sent, or it was attached already.
    UploadTooLarge, WrongContentType
        If it is not what was announced; it was deleted.
    StoreError
        If the store failed; try again.
    """
    return _direct.attach(stores[store], upload_seals(store), token, types=types)


def signed_url(key: str, *, store: str = "uploads", **options: Any) -> str:
    """Return a URL under which whoever has it gets a file, for a time.

    Parameters
    ----------
    key : str
        The key of the file; it need not be there.
    store : str
        An alias.
    expires : float
        Seconds that it is of use at least, 3600 by default; up to a quarter longer, so
        that the same URL is given for a while and browsers can cache the file.
    download_name : str or None
        What a browser saves the file as.
    as_attachment : bool or None
        Whether it is saved rather than shown. None: what is safe to show is shown.
    presigned : bool
        Whether the store may sign the URL, if it can.

    Raises
    ------
    KeyNotFound, InvalidKey, InvalidArgument
        If the key cannot be that of a file, or `expires` is not more than 0.
    NoReverseMatch
        If the store signs no URLs and `minimalkv_django.urls` is not included.
    """
    return _links.link_to(
        stores[store],
        store,
        key,
        link_seals(),
        lambda token, name: _reverse("signed", token=token, name=name),
        **options,
    )


def upload_seals(store: str) -> Seals:
    """Return what signs direct uploads to a store; of use for no other."""
    return Seals(f"upload.{store}", _keys())


def link_seals() -> Seals:
    """Return what signs links to files."""
    return Seals("file", _keys())


def _keys() -> list[bytes]:
    return signing_keys(settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS)


def _reverse(view: str, **values: str) -> str:
    try:
        return reverse(f"minimalkv:{view}", kwargs=values)
    except NoReverseMatch as error:
        raise NoReverseMatch(
            "Files of this store are served by ours: add "
            "path('files/', include('minimalkv_django.urls')) to the URLs."
        ) from error
