"""A site of either framework that sends the files of a store, and nothing else."""

from collections.abc import Callable, Iterable
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path
from flask import Flask, Response
from werkzeug.test import Client, TestResponse

from minimalkv_django.views import serve
from minimalkv_flask.serving import send_from_store

WSGIApp = Callable[[dict[str, Any], Any], Iterable[bytes]]

_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")


class Source:
    """What the sites send: the store, and the options of the functions under test."""

    store: Any = "uploads"
    options: dict[str, Any] = {}  # noqa: RUF012 - replaced, never changed


def flask_site() -> WSGIApp:
    """Return a site of Flask."""
    app = Flask("files")
    app.add_url_rule("/files/<path:key>", view_func=_flask_file, methods=_METHODS)
    wsgi: WSGIApp = app
    return wsgi


def django_site() -> WSGIApp:
    """Return a site of Django, whose ``ROOT_URLCONF`` is this module."""
    wsgi: WSGIApp = WSGIHandler()
    return wsgi


def _flask_file(key: str) -> Response:
    return send_from_store(Source.store, key, **Source.options)


def _django_file(request: HttpRequest, key: str) -> HttpResponseBase:
    return serve(request, key, store=Source.store, **Source.options)


urlpatterns = [path("files/<path:key>", _django_file)]

SITES = {"flask": flask_site, "django": django_site}


class Visitor:
    """Asks a site for files.

    Parameters
    ----------
    site : callable
        The WSGI application.
    """

    def __init__(self, site: WSGIApp) -> None:
        self.client = Client(site, use_cookies=False)

    def gets(self, key: str, method: str = "GET", **headers: str) -> TestResponse:
        """Ask for a file; ``_`` in the name of a header stands for ``-``."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(
            f"/files/{key}", method=method, headers=sent, buffered=True
        )
