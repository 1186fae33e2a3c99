"""The photos of the example site, as far as that needs no browser."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from example_site import photos
from minimalkv import StoreUnavailable
from tests.example_site.visitor import GIF, JPEG, PNG, WEBP, Visitor, store_of


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
    files: Flask, content: bytes
) -> None:
    visitor = Visitor(files).sign_in()

    page = visitor.upload(content, "holiday.png")

    assert "not a PNG, JPEG, GIF or WebP photo" in page.text
    assert store_of(files).keys("upload-") == []


def test_an_empty_file_is_refused(app: Flask) -> None:
    page = Visitor(app).sign_in().upload(b"", "photo.png")

    assert "That file is empty." in page.text


def test_no_file_is_refused(app: Flask) -> None:
    assert "Choose a photo first." in Visitor(app).sign_in().post("/photos").text


@pytest.mark.parametrize("extra", [1, 100_000])
def test_a_photo_over_20_mib_is_refused(files: Flask, extra: int) -> None:
    size = photos.MAX_PHOTO_BYTES + extra

    page = Visitor(files).sign_in().upload(PNG.ljust(size, b"\0"))

    assert "larger than 20 MiB" in page.text
    assert store_of(files).keys("upload-") == []


def test_a_photo_of_20_mib_is_taken(app: Flask) -> None:
    content = PNG.ljust(photos.MAX_PHOTO_BYTES, b"\0")
    visitor = Visitor(app).sign_in()

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
    files: Flask, name: str, shown: str
) -> None:
    visitor = Visitor(files).sign_in()

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
    files: Flask, facts: bytes
) -> None:
    store_of(files).put(f"upload-{'0' * 12}-{'0' * 32}.json", facts)
    store_of(files).put("upload-something.json", b"else")
    visitor = Visitor(files).sign_in()
    visitor.upload(PNG)

    assert len(visitor.photo_paths()) == 1
