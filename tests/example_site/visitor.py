"""The example site in this process, and somebody who visits it."""

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from flask import Flask
from flask.testing import FlaskClient
from pytest_django import Settings
from werkzeug.test import TestResponse

from example_site.both import MOUNT
from example_site.flask_app import create_app
from example_site.settings import settings_for
from example_site.site import mount
from minimalkv import KeyValueStore

PNG: Final = b"\x89PNG\r\n\x1a\n and so on"
JPEG: Final = b"\xff\xd8\xff\xe0 and so on"
GIF: Final = b"GIF89a and so on"
WEBP: Final = b"RIFF\n\x00\xff\x10WEBPVP8 and so on"

FLASK: Final = "/"
DJANGO: Final = f"{MOUNT}/"


def open_site(url: str, tmp_path: Path, **lifetimes: timedelta) -> Flask:
    url = url.replace("{folder}", str(tmp_path / "data"))
    app = create_app(url, tmp_path / "instance", **lifetimes)
    app.testing = True
    return app


def add_django(app: Flask, settings: Settings) -> Flask:
    """Put the Django side into an application, with its settings for one test."""
    for name, value in settings_for(app).items():
        setattr(settings, name, value)
    mount(app)
    return app


def store_of(app: Flask) -> KeyValueStore:
    store = app.extensions["store"]
    assert isinstance(store, KeyValueStore)
    return store


def token_in(page: TestResponse) -> str:
    (token, *_) = re.findall(r'name="csrf\w+" value="([\w-]{20,})"', page.text)
    return str(token)


class Visitor:
    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    def page(self, path: str = "/") -> TestResponse:
        return self.get(path, follow_redirects=True)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, buffered=True, **options)

    def post(self, path: str, **data: Any) -> TestResponse:
        is_django = path.startswith(DJANGO)
        if not {"csrf_token", "csrfmiddlewaretoken"} & {*data}:
            token = token_in(self.page(DJANGO if is_django else FLASK))
            data["csrfmiddlewaretoken" if is_django else "csrf_token"] = token
        return self.client.post(path, data=data, follow_redirects=True, buffered=True)

    def sign_in(self, name: str = "Ada", side: str = FLASK) -> "Visitor":
        assert "Signed in" in self.post(f"{side}sign-in", name=name).text
        return self

    @property
    def cookie(self) -> str:
        cookie = self.client.get_cookie("example_site")
        assert cookie is not None
        return cookie.value

    def takes_cookie_of(self, other: "Visitor") -> "Visitor":
        self.client.set_cookie("example_site", other.cookie)
        return self

    def is_known_at(self, side: str) -> bool:
        return "Signed in as " in self.page(side).text

    def upload(self, content: bytes, name: str = "photo.png") -> TestResponse:
        return self.post("/photos", photo=(io.BytesIO(content), name))

    def photo_paths(self) -> list[str]:
        return re.findall(r'img src="(/photos/[^"]+)"', self.page().text)
