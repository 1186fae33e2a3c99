"""Sites that take and send files, in the way of a framework and in ours."""

import os
from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from benchmarks.wsgi import Application

FILE: Final = "large.bin"

_SECRET: Final = "a key of the benchmarks"  # noqa: S105 - it protects nothing
_READ_BYTES: Final = 256 * 1024


def plain_site(folder: str) -> Application:
    """Return a site that reads a file in a loop, and does nothing else."""
    from werkzeug.wsgi import ClosingIterator

    def site(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        del environ
        file = open(f"{folder}/{FILE}", "rb")  # noqa: SIM115 - closed when it is sent
        start("200 OK", [("Content-Length", str(os.fstat(file.fileno()).st_size))])
        return ClosingIterator(iter(partial(file.read, _READ_BYTES), b""), file.close)

    return site


def flask_site(folder: str, url: str) -> Application:
    """Return a site of Flask.

    Parameters
    ----------
    folder : str
        Where Flask keeps its files.
    url : str
        The store of ours.
    """
    from flask import Flask, request, send_file

    from minimalkv_flask import MinimalKV
    from minimalkv_flask.serving import send_from_store
    from minimalkv_flask.uploads import ALL, UploadSet

    app = Flask(__name__)
    app.config.update(SECRET_KEY=_SECRET, MINIMALKV_STORES={"uploads": url})
    app.config["SESSION_STORE"] = False
    MinimalKV(app)
    files = UploadSet("files", ALL)

    def save() -> str:
        request.files["file"].save(f"{folder}/sent.bin")
        return ""

    def stream() -> str:
        files.stream(request)
        return ""

    add = app.add_url_rule
    add("/own", view_func=save, methods=["POST"])
    add("/ours", view_func=stream, methods=["POST"])
    add("/own", "send_own", lambda: send_file(f"{folder}/{FILE}"))
    add("/ours", "send_ours", lambda: send_from_store("uploads", FILE))
    return app


def django_site(storage: dict[str, Any], url: str) -> Application:
    """Return a site of Django.

    Parameters
    ----------
    storage : dict
        Where Django keeps its files, as in ``STORAGES``.
    url : str
        The store of ours.
    """
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY=_SECRET,
        ALLOWED_HOSTS=["127.0.0.1", "localhost"],
        ROOT_URLCONF="benchmarks.django_files",
        INSTALLED_APPS=["minimalkv_django"],
        MIDDLEWARE=[],
        STORAGES={"default": storage},
        MINIMALKV_STORES={"default": "memory://", "uploads": url},
        USE_TZ=True,
    )
    django.setup()
    from django.core.handlers.wsgi import WSGIHandler

    return WSGIHandler()


def on_disk(folder: str) -> dict[str, Any]:
    """Return Django's own storage in a folder."""
    backend = "django.core.files.storage.FileSystemStorage"
    return {"BACKEND": backend, "OPTIONS": {"location": folder}}
