"""The example site in this process, and somebody who visits it."""

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

from flask import Flask
from flask.testing import FlaskClient
from pytest_django import Settings
from werkzeug.test import TestResponse

from example_site.both import MOUNT
from example_site.flask_app import create_app
from example_site.settings import settings_for
from example_site.site import mount
from minimalkv import KeyValueStore

FLASK: Final = "/"
GALLERY: Final = "/photos"
DJANGO: Final = f"{MOUNT}/"


def open_site(url: str, tmp_path: Path, **lifetimes: timedelta) -> Flask:
    url = url.replace("{folder}", str(tmp_path / "data"))
    app = create_app(url, tmp_path / "instance", **lifetimes)
    app.testing = True
    return app


def add_django(app: Flask, settings: Settings) -> Flask:
    """Put the Django side into an application, with its settings for one test.

    Its database stays that of the tests, which has no tables of the site: whoever needs
    those starts the site as a process.
    """
    for name, value in settings_for(app).items():
        if name != "DATABASES":
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

    def page(self, path: str = FLASK) -> TestResponse:
        """Return a page; of the Flask side as such, the one that is for visitors."""
        return self.get(GALLERY if path == FLASK else path, follow_redirects=True)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, buffered=True, **options)

    def post(self, path: str, **data: Any) -> TestResponse:
        is_django = path.startswith(DJANGO)
        if not {"csrf_token", "csrfmiddlewaretoken"} & {*data}:
            token = token_in(self.page(DJANGO if is_django else FLASK))
            data["csrfmiddlewaretoken" if is_django else "csrf_token"] = token
        # What has a file is sent in parts, and so is the form of the photos without.
        kind = "multipart/form-data" if "csrf_token=" in path else None
        return self.client.post(
            path, data=data, content_type=kind, follow_redirects=True, buffered=True
        )

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

    def token(self, path: str = FLASK) -> str:
        return token_in(self.page(path))

    def upload(self, content: bytes, name: str = "photo.png") -> TestResponse:
        return self.upload_all((content, name))

    def upload_all(self, *files: tuple[bytes, str], side: str = FLASK) -> TestResponse:
        """Send a form of the page as a browser does that runs no script."""
        (action,) = re.findall(
            r'action="([^"]+csrf_token=[^"]+)"', self.page(side).text
        )
        sent = [(io.BytesIO(content), name) for content, name in files]
        return self.post(action, file=sent)

    def begin(self, *files: tuple[str, int]) -> list[dict[str, Any] | None]:
        """Ask for direct uploads, by names and sizes."""
        names, sizes = [name for name, _ in files], [size for _, size in files]
        header = {"X-CSRF-Token": self.token()}
        response = self.client.post(
            "/photos/begin", data={"name": names, "size": sizes}, headers=header
        )
        assert response.status_code == 200
        begun: list[dict[str, Any] | None] = response.get_json()
        return begun

    def put(self, begun: dict[str, Any], content: bytes) -> int:
        """Send a file to where the site says, and return the status."""
        url, headers = begun["url"], begun["headers"]
        if url.startswith("/"):
            sent = self.client.put(url, data=content, headers=headers)
            return sent.status_code
        method = begun["method"]
        request = Request(url, content, headers, method=method)  # noqa: S310 - of a test server
        with urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
            return int(answer.status)

    def give_back(self, *tokens: str) -> TestResponse:
        """Send the form as its script does when all files are there."""
        return self.post("/photos?csrf_token=" + self.token(), token=[*tokens])

    def photo_paths(self) -> list[str]:
        return re.findall(r'(?:a href|video src)="(/photos/[^"]+)"', self.page().text)

    def thumbnail_paths(self) -> list[str]:
        return re.findall(r'img src="(/thumbs/[^"]+)"', self.page().text)
