"""The Flask side: sign in with a name, upload photos, look at everybody's."""

import secrets
from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest
from logging import Logger
from pathlib import Path
from typing import BinaryIO, cast
from uuid import uuid4

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from markupsafe import Markup
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse
from werkzeug.wsgi import FileWrapper

from example_site.both import (
    ABSOLUTE_LIFETIME,
    IDLE_LIFETIME,
    NAME_WANTED,
    PAGE_HEADERS,
    as_name,
)
from example_site.photos import MAX_PHOTO_BYTES, TYPES, PhotoRefused, Photos
from minimalkv import (
    KeyNotFound,
    KeyValueStore,
    StoreError,
    StoreUnavailable,
    StoreURL,
    get_store_from_url,
)
from minimalkv.fs import FilesystemStore
from minimalkv.sessions import SessionUnavailable
from minimalkv_flask import KVSession, KVSessionInterface

SHOWN_PHOTOS = 60

_FORM_BYTES = 64 * 1024  # what a form may have around the photo
_CHUNK_BYTES = 256 * 1024
_RETRY_AFTER_SECS = 5
# A browser fits a photo that is opened alone to its window by a style of its own.
_FILE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

_FAILED = "the store failed: %s"
_REFUSED = "The store of this site refuses; the log of the site tells why."
_TRY_AGAIN = " Please try again in a while."
_LOOK_FIRST = (
    " What you sent may not have arrived: look at the photos before you send it again."
)

pages = Blueprint("pages", __name__)


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
        The folder of the secret key, which is made once.
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
    store = get_store_from_url(store_url)
    app = Flask(__name__)
    app.session_interface = KVSessionInterface(store)
    app.secret_key = secret_key(instance)
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_PHOTO_BYTES + _FORM_BYTES,
        # Cookies know no port: another site on this machine has a "session" too.
        SESSION_COOKIE_NAME="example_site",
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=idle,
        SESSION_ABSOLUTE_LIFETIME=absolute,
        MINIMALKV_URL=StoreURL(store_url),  # so that nobody prints the password in it
    )
    app.extensions.update(store=store, photos=Photos(store))
    app.jinja_env.globals.update(
        photo_types=",".join(TYPES.values()),
        root=lambda: f"{request.script_root}/",
        sign_out_url=lambda: url_for("pages.sign_out"),
        store_name=str(app.config["MINIMALKV_URL"]),
    )
    app.register_blueprint(pages)
    return app


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


# Who may do what.


def csrf_token() -> str:
    """Return what every form of this visitor has to send back."""
    return cast("str", session.setdefault("csrf_token", secrets.token_urlsafe(16)))


def csrf_input() -> Markup:
    """Return the field for it."""
    field = Markup('<input type="hidden" name="csrf_token" value="{}">')
    return field.format(csrf_token())


@pages.before_request
def ask_to_sign_in() -> AnyResponse | None:
    """Send strangers to the sign-in page, whatever they came for."""
    if request.endpoint == "pages.sign_in" or "name" in session:
        return None
    return redirect(url_for("pages.sign_in"), 303)


@pages.before_request
def refuse_foreign_forms() -> None:
    """Refuse a form that another site made the browser send."""
    if request.method != "POST":
        return
    expected = session.get("csrf_token", "")
    # Looked at first: without a token of ours nothing is read from the visitor.
    sent = request.form.get("csrf_token", "") if expected else ""
    if not expected or not compare_digest(expected.encode(), sent.encode()):
        abort(400, "This form is out of date. Go back to the photos and try again.")


@pages.after_app_request
def protect(response: Response) -> Response:
    """Let the browser load nothing but ours, and keep no page after signing out."""
    is_page = response.mimetype == "text/html"
    response.headers.update(PAGE_HEADERS if is_page else _FILE_HEADERS)
    return response


# Pages.


@pages.get("/")
def gallery() -> str:
    """Show the newest photos."""
    return render_template(
        "gallery.html",
        photos=photos().newest(SHOWN_PHOTOS),
        visitor=session["name"],
        csrf_input=csrf_input(),
    )


@pages.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> AnyResponse | str | tuple[str, int]:
    """Ask for a name, and take it."""
    if request.method == "POST":
        sent = request.form.get("name", "")
        name = as_name(sent)
        if name is not None:
            welcome(name)
            return redirect(url_for("pages.gallery"), 303)
        return sign_in_page(problem=NAME_WANTED, name=sent), 422
    if "name" in session:
        return redirect(url_for("pages.gallery"), 303)
    return sign_in_page()


def sign_in_page(**what: str) -> str:
    """Return the form that asks for a name."""
    return render_template("sign_in.html", csrf_input=csrf_input(), **what)


def welcome(name: str) -> None:
    """Begin the session of somebody who signed in, under a new id."""
    kv_session = cast("KVSession", session)
    kv_session.clear()
    kv_session.regenerate()
    kv_session.bind(name)
    kv_session["name"] = name
    kv_session.permanent = True


@pages.post("/sign-out")
def sign_out() -> AnyResponse:
    """End the session, in the store and in the browser."""
    session.clear()
    return redirect(url_for("pages.sign_in"), 303)


@pages.post("/photos")
def add_photo() -> AnyResponse:
    """Store an uploaded photo."""
    upload = request.files.get("photo")
    if upload is None or not upload.filename:
        flash("Choose a photo first.", "problem")
    else:
        try:
            photos().add(upload.stream, upload.filename, session["name"])
            flash("Your photo is here.", "done")
        except PhotoRefused as refusal:
            flash(str(refusal), "problem")
    return redirect(url_for("pages.gallery"), 303)


@pages.get("/photos/<key>")
def photo(key: str) -> AnyResponse:
    """Send a photo out of the store, piece by piece."""
    try:
        meta, file, content_type = photos().open(key)
    except KeyNotFound:
        abort(404, "This photo is not here.")
    content = Pieces(file, _CHUNK_BYTES, current_app.logger)
    response = Response(content, mimetype=content_type, direct_passthrough=True)
    response.content_length = meta.size
    # To be asked for every time, and answered with 304: who signed out sees nothing.
    response.headers["Cache-Control"] = "private, no-cache"
    if meta.etag is not None:
        response.set_etag(sha256(meta.etag.encode()).hexdigest()[:32])
    return response.make_conditional(request)


class Pieces(FileWrapper):
    """A photo on its way to the browser."""

    def __init__(self, file: BinaryIO, piece_bytes: int, log: Logger) -> None:
        super().__init__(file, piece_bytes)
        self._log = log

    def __next__(self) -> bytes:
        """Return the next piece.

        Raises
        ------
        ConnectionAbortedError
            If the store fails. The status is sent already, so that only the end of the
            connection can tell the browser that the photo is not complete.
        """
        try:
            return super().__next__()
        except StoreError as error:
            self._log.error(_FAILED, error)
            raise ConnectionAbortedError("The store failed in a photo.") from None


def photos() -> Photos:
    """Return the photos of the running site."""
    return cast("Photos", current_app.extensions["photos"])


# What goes wrong.


@pages.app_errorhandler(RequestEntityTooLarge)
def explain_size(_error: RequestEntityTooLarge) -> AnyResponse:
    """Tell on the page itself that an upload was too large."""
    flash("That photo is larger than 20 MiB.", "problem")
    return redirect(url_for("pages.gallery"), 303)


@pages.app_errorhandler(HTTPException)
def explain(error: HTTPException) -> AnyResponse:
    """Say in words what the status code means; the session is not needed for that."""
    response = error.get_response()
    text = error.description
    response.data = render_template("problem.html", title=error.name, text=text)
    return response


@pages.app_errorhandler(StoreError)
def explain_outage(error: StoreError) -> tuple[str, int, dict[str, str]]:
    """Say that the store is to blame; whoever is signed in stays so."""
    current_app.logger.error(_FAILED, error)
    silent = isinstance(cause_of(error), StoreUnavailable)
    text = "The store of this site does not answer." if silent else _REFUSED
    text += _LOOK_FIRST if request.method == "POST" else _TRY_AGAIN
    page = render_template("problem.html", title="Just a moment", text=text)
    return page, 503, {"Retry-After": str(_RETRY_AFTER_SECS)}


def cause_of(error: BaseException) -> BaseException:
    """Return what the store said where a session says only that it cannot be used."""
    while isinstance(error, SessionUnavailable) and error.__cause__ is not None:
        error = error.__cause__
    return error
