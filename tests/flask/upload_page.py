"""A site of Flask for large uploads, in a process of its own."""

from hashlib import sha256
from typing import Any

from flask import Flask, Response, request

from minimalkv_flask import MinimalKV
from minimalkv_flask.serving import send_from_store
from minimalkv_flask.uploads import ALL, IMAGES, UploadSet

sets = {
    "videos": UploadSet("videos", ALL, max_bytes=2**30),
    "images": UploadSet("images", IMAGES, max_bytes=2**20),
}
videos = sets["videos"]


def make(url: str) -> Flask:
    """Return the site, whose store was used before workers are forked."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY="a key of the tests",
        SESSION_STORE=False,
        MINIMALKV_STORES={"uploads": url},
    )
    MinimalKV(app)
    app.add_url_rule("/<name>", view_func=upload, methods=["POST"])
    app.add_url_rule("/files/<path:key>", view_func=send)
    app.add_url_rule("/announce", view_func=announce)
    app.add_url_rule("/attach", view_func=attach)
    return app


def upload(name: str) -> dict[str, Any]:
    saved = sets[name].stream(request)
    files = {field: [file.key, file.size] for field, file in saved.items()}
    return {"files": files, "form": request.form.to_dict()}


def send(key: str) -> Response:
    return send_from_store("uploads", key)


def announce() -> dict[str, Any]:
    return videos.direct_upload("video.mp4")


def attach() -> dict[str, Any]:
    file = videos.attach(request.args["token"])
    digest = sha256()
    with videos.open(file) as source:
        while data := source.read(2**20):
            digest.update(data)
    return {"key": file.key, "size": file.size, "sha256": digest.hexdigest()}
