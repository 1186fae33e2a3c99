"""The Flask side: what is kept there is in one store with the sessions."""

import secrets
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Final
from uuid import uuid4

from flask import Flask, Response, request, url_for

from example_site import calls
from example_site.album import MAX_VIDEO_BYTES, Album
from example_site.both import (
    ABSOLUTE_LIFETIME,
    FILE_HEADERS,
    IDLE_LIFETIME,
    open_store,
    page_headers,
)
from example_site.excerpts import source
from example_site.flask_album import album, photos
from example_site.flask_front import front
from example_site.flask_private import files, private
from example_site.flask_problems import problems
from example_site.flask_sessions import sessions
from example_site.flask_store import contents
from example_site.flask_visitors import visitors
from minimalkv import KeyValueStore, StoreURL
from minimalkv.fs import FilesystemStore
from minimalkv.observing import ObservedDecorator
from minimalkv_flask import MinimalKV
from minimalkv_flask.uploads import configure_uploads

_FORM_BYTES: Final = 64 * 1024  # what a form may have around its files


def create_app(
    store_url: str,
    instance: str | Path,
    *,
    idle: timedelta = IDLE_LIFETIME,
    absolute: timedelta = ABSOLUTE_LIFETIME,
) -> Flask:
    """Return the Flask side of the site.

    Parameters
    ----------
    store_url : str
        The URL of the store for photos and sessions.
    instance : str or Path
        The folder of the secret key, which is made once, and of Django's database.
    idle : timedelta
        How long a session lives since it was used last.
    absolute : timedelta
        How long it lives at most, since somebody signed in.

    Returns
    -------
    Flask
        The application; its store is ``app.extensions["store"]``.

    Raises
    ------
    InvalidURL, UnknownScheme, MissingExtra, Unsupported
        If the URL opens no store that can hold sessions.
    StoreError
        If the secret key can be neither read nor written.
    """
    store = ObservedDecorator(calls.note, open_store(store_url))
    app = Flask(__name__, instance_path=str(Path(instance).absolute()))
    app.secret_key = secret_key(instance)
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_VIDEO_BYTES + _FORM_BYTES,
        # Cookies know no port: another site on this machine has a "session" too.
        SESSION_COOKIE_NAME="example_site",
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=idle,
        SESSION_ABSOLUTE_LIFETIME=absolute,
        MINIMALKV_URL=StoreURL(store_url),  # so that nobody prints the password in it
        # The object, not its URL: what is in memory has to be the same on both sides.
        MINIMALKV_STORES={"default": store},
    )
    # Sessions go to the default store with this, and links to files are answered.
    MinimalKV(app)
    configure_uploads(app, [photos, files])  # for the commands of Flask
    app.extensions.update(store=store, album=Album(store))
    _add_pages(app)
    return app


def _add_pages(app: Flask) -> None:
    app.jinja_env.globals.update(
        root=lambda: f"{request.script_root}/",
        sign_out_url=lambda: url_for("visitors.sign_out"),
        sign_in_url=lambda: url_for("visitors.sign_in"),
        store_name=str(app.config["MINIMALKV_URL"]),
        calls=calls.of_this_request,
        source=source,
    )
    for blueprint in (front, visitors, sessions, album, private, contents, problems):
        app.register_blueprint(blueprint)
    # Where browsers look on pages that name no icon, such as those of the admin.
    app.add_url_rule("/favicon.ico", "icon", lambda: app.send_static_file("icon.svg"))
    app.after_request(protect)
    app.wsgi_app = calls.Counted(app.wsgi_app)  # type: ignore[method-assign] # as Flask says


def protect(response: Response) -> Response:
    """Let the browser load nothing but ours; a page or file may have said so itself."""
    is_page = response.mimetype == "text/html"
    headers = dict(page_headers() if is_page else FILE_HEADERS)
    is_file = "Content-Disposition" in response.headers
    if is_file or response.status_code == HTTPStatus.NOT_MODIFIED:
        # What the library sends has its policy, or must have none, as a PDF.
        headers.pop("Content-Security-Policy", None)
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    return response


def secret_key(instance: str | Path) -> bytes:
    """Return the key that signs cookies; of all processes the first one makes it."""
    files = FilesystemStore(instance, perm=0o600)
    files.add("secret_key", secrets.token_hex(32).encode())
    return files.get("secret_key")


def prove(store: KeyValueStore) -> None:
    """Do with a store what the site will do, before anybody visits.

    To ask whether it is there is not enough: where the site may only read, its first
    visitor would be told.

    Raises
    ------
    StoreError
        If it does not answer, or lets no value be added and deleted.
    Unsupported
        If the backend ignores the condition.
    """
    store.ping()
    key = f"example-site-{uuid4().hex}"
    store.add(key, b"written to see whether the site can")
    store.delete(key)
