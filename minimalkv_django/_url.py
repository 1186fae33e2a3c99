"""Where others find a stored file: by a URL, or by a path on this machine."""

from typing import NoReturn

from django.urls import NoReverseMatch
from django.utils.encoding import filepath_to_uri

from minimalkv import KeyValueStore, Unsupported, _links
from minimalkv._masking import plain_text
from minimalkv.decorator import PrefixDecorator, ReadOnlyDecorator
from minimalkv.fs import FilesystemStore
from minimalkv.observing import ObservedDecorator
from minimalkv_django import _direct
from minimalkv_django.stores import stores

_OR_ELSE = (
    "Or give the storage a base_url under which you serve the files; or keep them in "
    "S3, Azure or Google Cloud Storage, which sign URLs."
)


_TRANSPARENT = (PrefixDecorator, ReadOnlyDecorator, ObservedDecorator)


def join_url(base: str, path: str) -> str:
    """Return the URL of a path below another URL; the path is quoted."""
    return f"{base.rstrip('/')}/{filepath_to_uri(path)}"


def domain_url(domain: str) -> str:
    """Return the URL of a domain, which may have a scheme already, or a path."""
    return domain if "//" in domain else f"https://{domain}"


def signed_url(source: str | KeyValueStore, key: str, name: str, expires: float) -> str:
    """Return a URL that the backend signs, or else we; good for some seconds.

    Parameters
    ----------
    source : str or KeyValueStore
        What names the store.
    key, name : str
        The key of a file, and its name.
    expires : float
        For how many seconds.

    Raises
    ------
    Unsupported
        If the backend signs none, and our view cannot be found by others.
    """
    # Others than the one that the key already says.
    called = None if key.endswith(name) else name.rpartition("/")[2]
    if isinstance(source, str) and "://" not in plain_text(source):
        try:
            return _direct.signed_url(
                key, store=source, expires=expires, download_name=called
            )
        except NoReverseMatch as error:
            raise Unsupported(f"{error} {_OR_ELSE}") from error
    store = stores.get(source)

    def refuse(_token: str, _name: str) -> NoReturn:
        raise Unsupported(
            f"{store!r} signs no URLs. So that ours can name it, put it into "
            f"MINIMALKV_STORES and name its alias. {_OR_ELSE}"
        )

    return _links.link_to(
        store,
        "",
        key,
        _direct.link_seals(),
        refuse,
        expires=expires,
        download_name=called,
    )


def public_url(store: KeyValueStore, key: str) -> str:
    """Return the URL under which the backend shows a value to everybody, if it does.

    Raises
    ------
    Unsupported
        If browsers can get nothing from it.
    """
    url = store.url_for(key) if store.url_support else "file:"
    if url.startswith("file:"):
        raise Unsupported(f"{store!r} has no URLs for browsers. {_OR_ELSE}")
    return url.partition("?")[0]


def local_path(store: KeyValueStore, key: str) -> str:
    """Return the file that has a value, as it is, on this machine.

    Raises
    ------
    Unsupported
        If there is none.
    """
    while isinstance(store, _TRANSPARENT):
        if isinstance(store, PrefixDecorator):
            key = store.prefix + key
        store = store._dstore  # noqa: SLF001 - what it wraps has no other name
    if not isinstance(store, FilesystemStore):
        raise Unsupported(
            f"{store!r} keeps no plain files on this machine: open() reads them."
        )
    return f"{store.root}/{key}"
