"""The views that signed URLs of ours lead to, and those of Flask-Uploads."""

from contextlib import suppress
from typing import Any, Final

from flask import Blueprint, Flask, abort, current_app, request
from flask.typing import ResponseReturnValue

from minimalkv import InvalidArgument, InvalidKey, _clock
from minimalkv._direct import receive_direct_upload
from minimalkv._links import read_link
from minimalkv_flask._upload_config import configuration_of, sets_of, store_at
from minimalkv_flask._upload_errors import answered
from minimalkv_flask._upload_form import Body, drain_body
from minimalkv_flask._upload_links import BLUEPRINT, link_seals, upload_seals
from minimalkv_flask.serving import send_from_store

_PREFIX: Final = "MINIMALKV_FILES_URL_PREFIX"
_AUTOSERVE: Final = "UPLOADS_AUTOSERVE"
# A token is longer, so that short names stay free for the application.
_TOKEN: Final = "<string(minlength=60):token>"  # noqa: S105 - a rule

files: Final = Blueprint(BLUEPRINT, __name__)
"""Serves signed files and takes direct uploads; what is signed needs no CSRF token."""

by_name: Final = Blueprint("_uploads", __name__, url_prefix="/_uploads")
"""Serves all files of all sets to everybody, as Flask-Uploads did."""


def register_files(app: Flask) -> None:
    """Add the views of this module to an application, unless they are there."""
    prefix = app.config.get(_PREFIX, "/files")
    if BLUEPRINT not in app.blueprints and prefix is not None:
        # After its first request an application takes no views, as Flask says; it can
        # do without these until a URL of ours is asked for, and the error tells why.
        with suppress(AssertionError):
            app.register_blueprint(files, url_prefix=prefix)


def register_by_name(app: Flask) -> None:
    """Add the public views, if the configuration wants them."""
    if app.config.get(_AUTOSERVE) and by_name.name not in app.blueprints:
        app.register_blueprint(by_name)


@files.get(f"/{_TOKEN}/<path:filename>")
def serve(token: str, filename: str) -> ResponseReturnValue:
    """Send the file of a link, as long as it is valid."""
    del filename  # the token says what it is called
    _require_key()
    with answered():
        link = read_link(token, link_seals(current_app))
    rest = max(int(link.until - _clock.now()), 0)
    try:
        store = store_at(current_app, link.store)
    except InvalidArgument:
        abort(404)
    return send_from_store(
        store,
        link.key,
        download_name=link.name,
        as_attachment=link.as_attachment,
        cache_control=f"private, max-age={rest}",
    )


@files.put(f"/upload/<place>/{_TOKEN}")
def receive(place: str, token: str) -> ResponseReturnValue:
    """Take the file of a direct upload."""
    _require_key()
    try:
        with answered():
            receive_direct_upload(
                store_at(current_app, place),
                upload_seals(current_app, place),
                token,
                Body(request),
                content_type=request.content_type or "",
                content_length=request.content_length,
            )
    except InvalidArgument:
        abort(404)
    except BaseException:
        drain_body(request)
        raise
    return "", 204


def _require_key() -> None:
    if not current_app.secret_key:  # nothing was ever signed
        abort(404)


@by_name.get("/<setname>/<path:filename>")
def uploaded_file(setname: str, filename: str) -> Any:
    """Send a file of a set by its name."""
    if setname not in sets_of(current_app):
        abort(404)
    config = configuration_of(current_app, setname)
    try:
        key = config.key(filename)
    except InvalidKey:
        abort(404)
    return send_from_store(config.store, key)
