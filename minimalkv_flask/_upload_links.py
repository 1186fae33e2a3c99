"""Signed URLs of files, and what signs them."""

from typing import Any, Final

from flask import Flask, current_app, url_for

from minimalkv import InvalidArgument, KeyValueStore
from minimalkv._links import EXPIRES_SECS, link_to
from minimalkv._signing import Seals, signing_keys
from minimalkv_flask._stores import stores_at
from minimalkv_flask._upload_config import UPLOADS

BLUEPRINT: Final = "minimalkv_files"
_LINKS: Final = "file"
_UPLOADS: Final = "upload"


def signed_url(
    key: str,
    store: str = UPLOADS,
    expires: float = EXPIRES_SECS,
    download_name: str | None = None,
    as_attachment: bool | None = None,
    *,
    presigned: bool = True,
    external: bool = False,
) -> str:
    """Return a URL under which whoever has it gets a file, for a time.

    It is one of the store itself where that signs URLs, so that the bytes do not pass
    through the application, and else one of ours: those stay the same for a quarter
    of their life, so that browsers can cache what they lead to.

    Parameters
    ----------
    key : str
        The key of the file in its store; it need not be there.
    store : str
        The alias of the store.
    expires : float
        Seconds that it is of use at least; one of ours up to a quarter longer.
    download_name : str or None
        What a browser saves the file as.
    as_attachment : bool or None
        Whether it is saved rather than shown. None: what is safe to show is shown.
    presigned : bool
        Whether the store may sign the URL, if it can.
    external : bool
        Whether one of ours has a scheme and a host.

    Returns
    -------
    str
        The URL.

    Raises
    ------
    InvalidArgument
        If there is no such store, `expires` is not more than 0, the application has no
        secret key, or `MinimalKV` or `configure_uploads` has not seen it.
    InvalidKey, KeyNotFound
        If the key cannot be that of a file.
    StoreError
        If the store has to ask somebody for its signature, and failed.
    """
    if "://" in store:
        raise InvalidArgument(
            "store is an alias of MINIMALKV_STORES, since a URL would show its secrets."
        )
    return signed_url_at(
        stores_at(current_app).get(store),
        f"@{store}",
        key,
        expires=expires,
        download_name=download_name,
        as_attachment=as_attachment,
        presigned=presigned,
        external=external,
    )


def signed_url_at(
    store: KeyValueStore, place: str, key: str, *, external: bool, **options: Any
) -> str:
    """Return a signed URL of a file in the store at a place."""
    return link_to(
        store,
        place,
        key,
        link_seals(current_app),
        lambda token, name: _route(
            "serve", place, token=token, filename=name, _external=external
        ),
        **options,
    )


def upload_url(place: str, token: str, *, external: bool) -> str:
    """Return the URL of ours that takes a direct upload."""
    return _route("receive", place, place=place, token=token, _external=external)


def _route(view: str, place: str, /, **values: Any) -> str:
    if place and BLUEPRINT in current_app.blueprints:
        return url_for(f"{BLUEPRINT}.{view}", **values)
    raise InvalidArgument(
        "This store signs no URLs, so that the application has to take and send its "
        "files: call configure_uploads(app, sets), or MinimalKV(app) for sets whose "
        "store is in the configuration, when the application is made."
    )


def link_seals(app: Flask) -> Seals:
    """Return what signs links to files.

    Raises
    ------
    InvalidArgument
        If the application has no secret key.
    """
    return _seals(app, _LINKS)


def upload_seals(app: Flask, place: str) -> Seals:
    """Return what signs direct uploads to a place; of use for no other."""
    return _seals(app, f"{_UPLOADS}.{place}")


def _seals(app: Flask, purpose: str) -> Seals:
    if not app.secret_key:
        raise InvalidArgument(
            "What an application signs needs its secret key: set SECRET_KEY."
        )
    fallbacks = app.config.get("SECRET_KEY_FALLBACKS")
    return Seals(purpose, signing_keys(app.secret_key, fallbacks))
