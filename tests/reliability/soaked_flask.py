"""A site of Flask for hours of visitors: sessions, uploads, and a value to share."""

from typing import Any

from flask import Flask, Response, request, session

from minimalkv_flask import MinimalKV
from minimalkv_flask.serving import send_from_store
from minimalkv_flask.uploads import ALL, UploadSet

photos = UploadSet("photos", ALL, max_bytes=2**20)
_leaked: list[bytes] = []


def make(url: str, leak_bytes: int = 0) -> Flask:
    """Return the site, each of whose requests may leave some bytes in memory."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY="a key of the tests",
        MINIMALKV_STORES={"default": url, "uploads": url},
        SESSION_STORE="default",
    )
    MinimalKV(app)
    app.before_request(lambda: _leak(leak_bytes))
    app.add_url_rule("/visit", view_func=visit)
    app.add_url_rule("/upload", view_func=upload, methods=["POST"])
    app.add_url_rule("/files/<path:key>", view_func=send)
    app.add_url_rule("/remove", view_func=remove)
    return app


def _leak(size: int) -> None:
    if size:
        _leaked.append(bytes(size))


def visit() -> dict[str, Any]:
    session["visits"] = session.get("visits", 0) + 1
    return {"visits": session["visits"]}


def upload() -> dict[str, Any]:
    saved = photos.stream(request)
    return {"key": saved["photo"].key}


def send(key: str) -> Response:
    return send_from_store("uploads", key)


def remove() -> dict[str, Any]:
    photos.delete(request.args["key"])
    return {}
