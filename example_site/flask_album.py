"""The Flask side: photos and videos, sent in, shown and played."""

from itertools import chain
from typing import Any, Final, cast
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    jsonify,
    redirect,
    request,
    session,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from example_site.album import (
    ENDINGS,
    MAX_PHOTO_BYTES,
    MAX_VIDEO_BYTES,
    PREFIX,
    THUMBS,
    Album,
    Item,
    Refused,
    is_video,
    key_at,
)
from example_site.both import page_headers
from example_site.flask_problems import refusals
from example_site.flask_visitors import only_for_visitors, page
from minimalkv import Unsupported
from minimalkv_flask.serving import send_from_store
from minimalkv_flask.uploads import StoredFile, UploadSet

SHOWN: Final = 60
MOST_FILES: Final = 100

photos = UploadSet("photos", ENDINGS, prefix=PREFIX, max_bytes=MAX_VIDEO_BYTES)
"""What is taken here, and where it goes."""

album = Blueprint("album", __name__)
only_for_visitors(album)

_LIMIT: Final = "200 MiB"
_WANTED: Final = "Send PNG, JPEG, GIF or WebP photos, and MP4 or WebM videos."
# To be asked for every time, and answered with 304: who signed out sees nothing.
_CACHING: Final = "private, no-cache"


@album.get("/photos")
def gallery() -> Response:
    """Show the newest photos and videos."""
    accepted = ",".join(f".{ending}" for ending in ENDINGS)
    found = items().newest(SHOWN)
    response = Response(page("gallery.html", items=found, accepted=accepted))
    # Set here, as only this page has a script that sends files.
    response.headers.update(page_headers(store_origin()))
    return response


def store_origin() -> str:
    """Return where browsers send files to if the store takes them itself."""
    store = photos.config.store
    try:
        url = store.url_for(photos.key("a.png"), method="PUT", expires=60)
    except Unsupported:
        return ""
    found = urlsplit(url)
    return f"{found.scheme}://{found.netloc}"


@album.post("/photos/begin")
def begin() -> Response:
    """Allow a browser to send files to the store; the JSON has None for the refused."""
    names = request.form.getlist("name")[:MOST_FILES]
    sizes = request.form.getlist("size", type=int)
    return jsonify([_begun(*one) for one in zip(names, sizes, strict=False)])


def _begun(name: str, size: int) -> dict[str, Any] | None:
    with refusals(_LIMIT, _WANTED):
        limit, told = _limit_of(name)
        if size > limit:
            raise Refused(f"“{name[:100]}” is larger than {told}.")
        return photos.direct_upload(name)
    return None


def _limit_of(name: str) -> tuple[int, str]:
    if is_video(name):
        return MAX_VIDEO_BYTES, _LIMIT
    return MAX_PHOTO_BYTES, "20 MiB"


@album.post("/photos")
def add() -> AnyResponse:
    """Show what a form brings, or what its script has sent to the store before."""
    shown: list[Item] = []
    with refusals(_LIMIT, _WANTED):
        for stored in chain.from_iterable(photos.stream(request).listvalues()):
            with refusals(_LIMIT):
                shown.append(_shown(stored))
    for token in request.form.getlist("token")[:MOST_FILES]:
        with refusals(_LIMIT, _WANTED):
            shown.append(_shown(photos.attach(token)))
    if shown:
        flash(_thanks(shown), "done")
    elif "_flashes" not in session:
        flash("Choose a photo or a video first.", "problem")
    return redirect(url_for("album.gallery"), 303)


def _shown(stored: StoredFile) -> Item:
    name = stored.filename or "photo"
    return items().add(stored.key, stored.size, name, session["name"])


def _thanks(shown: list[Item]) -> str:
    if len(shown) > 1:
        return f"{len(shown)} files are here."
    return f"Your {'video' if shown[0].is_video else 'photo'} is here."


@album.get("/photos/<path:path>")
def file(path: str) -> Response:
    """Send a photo or video, or the part of it that a player asks for."""
    key = key_at(path)
    if key is None:
        abort(404, "This photo is not here.")
    return send_from_store("uploads", key, cache_control=_CACHING)


@album.get("/thumbs/<path>")
def thumbnail(path: str) -> Response:
    """Send a thumbnail."""
    return send_from_store("uploads", f"{THUMBS}{path}", cache_control=_CACHING)


def items() -> Album:
    """Return what is shown on the running site."""
    return cast("Album", current_app.extensions["album"])
