"""The example site, as far as that needs no browser."""

import io
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from example_site import photos
from example_site.flask_app import create_app
from minimalkv import KeyValueStore, StoreUnavailable

PNG = b"\x89PNG\r\n\x1a\n and so on"
JPEG = b"\xff\xd8\xff\xe0 and so on"
GIF = b"GIF89a and so on"
WEBP = b"RIFF\n\x00\xff\x10WEBPVP8 and so on"
STORES = {
    "memory": "memory://",
    "hmemory": "hmemory://",
    "fs": "fs://{folder}?fsync=false",
    "hfs": "hfs://{folder}?fsync=false",
}


@pytest.fixture(params=STORES)
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Flask:
    return open_site(STORES[request.param], tmp_path)


@pytest.fixture
def files(tmp_path: Path) -> Flask:
    return open_site(STORES["hfs"], tmp_path)


def open_site(url: str, tmp_path: Path) -> Flask:
    app = create_app(url.format(folder=tmp_path / "data"), tmp_path / "instance")
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


# Photos.


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (GIF, "image/gif"),
        (WEBP, "image/webp"),
    ],
)
def test_photo_comes_back_with_its_own_type(
    app: Flask, content: bytes, content_type: str
) -> None:
    visitor = Visitor(app).sign_in()
    assert "Your photo is here." in visitor.upload(content, "wrong.txt").text

    (path,) = visitor.photo_paths()
    response = visitor.page(path)

    assert response.data == content
    assert response.content_type == content_type
    assert response.content_length == len(content)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "private" in response.headers["Cache-Control"]


def test_photos_and_facts_are_plain_files(files: Flask, tmp_path: Path) -> None:
    Visitor(files).sign_in("Ada").upload(PNG, "sea.png")

    (photo,) = (tmp_path / "data").glob("upload-*.png")
    assert photo.read_bytes() == PNG
    facts = json.loads(photo.with_suffix(".json").read_text())
    assert facts == {"key": photo.name, "name": "sea.png", "uploader": "Ada"}


def test_a_photo_is_not_sent_again_to_who_has_it(app: Flask) -> None:
    visitor = Visitor(app).sign_in()
    visitor.upload(PNG)
    (path,) = visitor.photo_paths()
    etag = visitor.page(path).headers["ETag"]

    again = visitor.get(path, headers={"If-None-Match": etag})
    other = visitor.get(path, headers={"If-None-Match": '"other"'})
    head = visitor.client.head(path, buffered=True)

    assert (again.status_code, again.data) == (304, b"")
    assert (other.status_code, other.data) == (200, PNG)
    assert (head.data, head.content_length) == (b"", len(PNG))


def test_the_newest_photo_comes_first(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(app).sign_in()
    for number in range(3):
        moment = (1_700_000_000 + number) * 10**9
        monkeypatch.setattr(time, "time_ns", lambda moment=moment: moment)
        visitor.upload(PNG, f"photo {number}.png")

    page = visitor.page().text

    assert re.findall(r"photo \d.png</span>", page) == [
        f"photo {number}.png</span>" for number in (2, 1, 0)
    ]
    assert 'datetime="2023-11-14T22:13:20+00:00">14 November 2023, 22:13 UTC' in page


@pytest.mark.parametrize(
    "content",
    [
        b"<!doctype html><script>alert(1)</script>",
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b" \x89PNG\r\n\x1a\n",
        b"RIFF\x00\x00\x00\x00WAVE",
        b"%PDF-1.7",
        b"\x89PN",
    ],
)
def test_what_is_no_photo_is_refused_whatever_its_name(
    app: Flask, content: bytes
) -> None:
    visitor = Visitor(app).sign_in()

    page = visitor.upload(content, "holiday.png")

    assert "not a PNG, JPEG, GIF or WebP photo" in page.text
    assert store_of(app).keys("upload-") == []


def test_an_empty_file_is_refused(app: Flask) -> None:
    page = Visitor(app).sign_in().upload(b"", "photo.png")

    assert "That file is empty." in page.text


def test_no_file_is_refused(app: Flask) -> None:
    assert "Choose a photo first." in Visitor(app).sign_in().post("/photos").text


@pytest.mark.parametrize("extra", [1, 100_000])
def test_a_photo_over_20_mib_is_refused(app: Flask, extra: int) -> None:
    size = photos.MAX_PHOTO_BYTES + extra

    page = Visitor(app).sign_in().upload(PNG.ljust(size, b"\0"))

    assert "larger than 20 MiB" in page.text
    assert store_of(app).keys("upload-") == []


def test_a_photo_of_20_mib_is_taken(files: Flask) -> None:
    content = PNG.ljust(photos.MAX_PHOTO_BYTES, b"\0")
    visitor = Visitor(files).sign_in()

    assert "Your photo is here." in visitor.upload(content).text

    (path,) = visitor.photo_paths()
    assert visitor.page(path).data == content


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<img src=x onerror=alert(1)>.png", "&lt;img src=x onerror=alert(1)&gt;.png<"),
        ("../../etc/passwd", ">passwd<"),
        ("mkv-session-1.png", ">mkv-session-1.png<"),
        ("Fußgänger 📷.png", ">Fußgänger 📷.png<"),
        ("\x07\x1b", ">photo<"),
        ("x" * 300, ">" + "x" * 100 + "<"),
    ],
)
def test_a_filename_is_shown_as_text_and_used_for_nothing(
    app: Flask, name: str, shown: str
) -> None:
    visitor = Visitor(app).sign_in()

    page = visitor.upload(PNG, name).text

    assert shown in page
    assert "<img src=x" not in page
    (path,) = visitor.photo_paths()
    assert re.fullmatch(r"/photos/upload-[0-9a-f]{12}-[0-9a-f]{32}\.png", path)


def test_a_photo_without_its_facts_is_not_kept(app: Flask) -> None:
    class Failing(type(store_of(app))):  # type: ignore[misc] # whatever class it is
        def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
            if key.endswith(".json"):
                raise StoreUnavailable("The store is full.")
            return str(super()._put(key, data, *args, **options))

    visitor = Visitor(app).sign_in()
    store_of(app).__class__ = Failing
    page = visitor.upload(PNG)

    assert (page.status_code, "Just a moment" in page.text) == (503, True)
    assert store_of(app).keys("upload-") == []


@pytest.mark.parametrize(
    "facts", [b"", b"[]", b"{}", b'{"key": "mkv-x", "name": "", "uploader": ""}']
)
def test_foreign_facts_in_the_store_do_not_break_the_gallery(
    app: Flask, facts: bytes
) -> None:
    store_of(app).put(f"upload-{'0' * 12}-{'0' * 32}.json", facts)
    store_of(app).put("upload-something.json", b"else")
    visitor = Visitor(app).sign_in()
    visitor.upload(PNG)

    assert len(visitor.photo_paths()) == 1


# What is not for everybody.


def test_nothing_but_photos_is_served(app: Flask) -> None:
    visitor = Visitor(app).sign_in()
    visitor.upload(PNG)
    store_of(app).put("mkv-x.png", PNG)
    store_of(app).put("mine.png", PNG)
    keys = [key for key in store_of(app) if not re.match(r"upload.*png", key)]
    assert any(key.startswith("mkv-session-") for key in keys)

    for key in [*keys, "../secret_key", "..", "upload-.png", "upload-x.png\n"]:
        response = visitor.get(f"/photos/{key}")
        assert response.status_code == 404, key


def test_strangers_are_asked_to_sign_in(app: Flask) -> None:
    visitor = Visitor(app).sign_in()
    visitor.upload(PNG)
    (path,) = visitor.photo_paths()
    stranger = Visitor(app)

    for url in ("/", path, "/photos/nothing"):
        response = stranger.get(url)
        assert response.status_code == 303
        assert response.location == "/sign-in"
    assert "Your name" in stranger.upload(PNG).text
    assert len(visitor.photo_paths()) == 1


@pytest.mark.parametrize("path", ["/sign-out", "/photos", "/sign-in"])
@pytest.mark.parametrize("token", ["", "wrong", "ü", "\ud800"])
def test_a_form_without_our_token_is_refused(app: Flask, path: str, token: str) -> None:
    visitor = Visitor(app).sign_in()
    body = {"csrf_token": token, "name": "Eve", "photo": (io.BytesIO(PNG), "eve.png")}
    if not token.isprintable():
        body["csrf_token"] = "\ufffd"

    response = visitor.client.post(path, data=body)

    assert response.status_code == 400
    assert "out of date" in response.text
    assert "<strong>Ada</strong>" in visitor.page().text
    assert visitor.photo_paths() == []


def test_the_token_of_somebody_else_is_refused(app: Flask) -> None:
    ada, eve = Visitor(app).sign_in("Ada"), Visitor(app).sign_in("Eve")

    assert ada.post("/sign-out", csrf_token=token_in(eve.page())).status_code == 400


def test_a_form_without_a_session_is_refused(app: Flask) -> None:
    response = app.test_client().post("/sign-in", data={"name": "Ada"})

    assert response.status_code == 400


def test_signing_in_takes_a_new_session(app: Flask) -> None:
    visitor = Visitor(app)
    visitor.page()
    before = visitor.client.get_cookie("example_site")
    assert before is not None

    visitor.sign_in()

    after = visitor.client.get_cookie("example_site")
    assert after is not None
    assert after.value != before.value
    stranger = Visitor(app)
    stranger.client.set_cookie("example_site", before.value)
    assert "Your name" in stranger.page().text


def test_signing_out_ends_the_session_in_the_store(app: Flask) -> None:
    visitor = Visitor(app).sign_in()
    cookie = visitor.client.get_cookie("example_site")
    assert cookie is not None

    token = token_in(visitor.page())
    visitor.client.post("/sign-out", data={"csrf_token": token})

    assert store_of(app).keys("mkv-") == []
    assert "Your name" in visitor.page().text
    stranger = Visitor(app)
    stranger.client.set_cookie("example_site", cookie.value)
    assert "Your name" in stranger.page().text


@pytest.mark.parametrize("name", ["", "  \t ", "x" * 41, "a\x00b"])
def test_a_name_is_a_few_visible_characters(app: Flask, name: str) -> None:
    page = Visitor(app).post("/sign-in", name=name)

    assert page.status_code == 422
    assert 'role="alert">Please enter a name' in page.text


def test_a_name_is_shown_as_text(app: Flask) -> None:
    page = Visitor(app).sign_in("<b> Ada &amp;").page()

    assert "<strong>&lt;b&gt; Ada &amp;amp;</strong>" in page.text


def test_pages_load_nothing_from_elsewhere_and_are_not_kept(app: Flask) -> None:
    page = Visitor(app).sign_in().page()

    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert page.headers["Cache-Control"] == "no-store"
    assert re.findall(r'(?:src|href)="(?!/)[^"]*"', page.text) == []


def test_static_files_need_no_session(app: Flask) -> None:
    response = Visitor(app).get("/static/style.css")

    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert store_of(app).keys() == []


def test_the_footer_names_the_store_without_its_secrets(tmp_path: Path) -> None:
    app = open_site("hfs://{folder}", tmp_path)
    assert f"<code>hfs://{tmp_path}/data</code>" in Visitor(app).page().text

    app.jinja_env.globals["store_name"] = "s3://***@example.org/photos"
    assert "s3://***@example.org/photos" in Visitor(app).page().text


def test_an_unknown_page_says_so(app: Flask) -> None:
    response = Visitor(app).get("/nowhere")

    assert response.status_code == 404
    assert "Back to the photos" in response.text


def test_an_outage_is_told_and_signs_nobody_out(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(app).sign_in()

    def unavailable(*_args: object) -> None:
        raise StoreUnavailable("no answer")

    with monkeypatch.context() as outage:
        for hook in ("_get", "_get_with_meta", "_put", "_stream"):
            outage.setattr(type(store_of(app)), hook, unavailable)
        response = visitor.page()
        assert response.status_code == 503
        assert "Max-Age=0" not in str(response.headers)

    assert "<strong>Ada</strong>" in visitor.page().text
