"""The example site in this process, and somebody who visits it."""

import io
import re
from pathlib import Path
from typing import Any, Final

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from example_site.flask_app import create_app
from minimalkv import KeyValueStore

PNG: Final = b"\x89PNG\r\n\x1a\n and so on"
JPEG: Final = b"\xff\xd8\xff\xe0 and so on"
GIF: Final = b"GIF89a and so on"
WEBP: Final = b"RIFF\n\x00\xff\x10WEBPVP8 and so on"


def open_site(url: str, tmp_path: Path) -> Flask:
    url = url.replace("{folder}", str(tmp_path / "data"))
    app = create_app(url, tmp_path / "instance")
    app.testing = True
    return app


def store_of(app: Flask) -> KeyValueStore:
    store = app.extensions["store"]
    assert isinstance(store, KeyValueStore)
    return store


def token_in(page: TestResponse) -> str:
    (token, *_) = re.findall(r'name="csrf_token" value="([\w-]{20,})"', page.text)
    return str(token)


class Visitor:
    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    def page(self, path: str = "/") -> TestResponse:
        return self.get(path, follow_redirects=True)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, buffered=True, **options)

    def post(self, path: str, **data: Any) -> TestResponse:
        data.setdefault("csrf_token", token_in(self.page()))
        return self.client.post(path, data=data, follow_redirects=True)

    def sign_in(self, name: str = "Ada") -> "Visitor":
        assert "Signed in" in self.post("/sign-in", name=name).text
        return self

    def upload(self, content: bytes, name: str = "photo.png") -> TestResponse:
        return self.post("/photos", photo=(io.BytesIO(content), name))

    def photo_paths(self) -> list[str]:
        return re.findall(r'img src="(/photos/[^"]+)"', self.page().text)
