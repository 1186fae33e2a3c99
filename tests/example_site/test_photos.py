"""The photos and videos of the example site, as far as that needs no browser."""

import io
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import Image

from example_site import album
from minimalkv import StoreUnavailable
from tests.example_site.pictures import GIF, JPEG, MP4, PNG, WEBP, noise, picture
from tests.example_site.visitor import Visitor, store_of

OURS = ("photos/", "thumbs/", "upload-")


def kept(app: Flask) -> list[str]:
    """Return the keys of what the album has in the store."""
    return [key for key in store_of(app) if key.startswith(OURS)]


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

    (photo,) = (tmp_path / "data" / "photos").iterdir()
    (thumbnail,) = (tmp_path / "data" / "thumbs").iterdir()
    (facts,) = (tmp_path / "data").glob("upload-*.json")
    assert re.fullmatch(r"sea_[\w-]{12}\.png", photo.name)
    assert photo.read_bytes() == PNG
    assert json.loads(facts.read_text()) == {
        "key": f"photos/{photo.name}",
        "thumbnail": f"thumbs/{thumbnail.name}",
        "name": "sea.png",
        "uploader": "Ada",
    }


def test_a_photo_is_not_sent_again_to_who_has_it(app: Flask) -> None:
    visitor = Visitor(app).sign_in()
    visitor.upload(PNG)
    for path in visitor.photo_paths() + visitor.thumbnail_paths():
        first = visitor.page(path)

        again = visitor.get(path, headers={"If-None-Match": first.headers["ETag"]})
        other = visitor.get(path, headers={"If-None-Match": '"other"'})
        head = visitor.client.head(path, buffered=True)

        assert (again.status_code, again.data) == (304, b"")
        assert (other.status_code, other.data) == (200, first.data)
        assert (head.data, head.content_length) == (b"", len(first.data))


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


def test_several_files_come_at_once(app: Flask) -> None:
    visitor = Visitor(app).sign_in()

    page = visitor.upload_all((PNG, "a.png"), (JPEG, "b.jpg"), (MP4, "c.mp4"))

    assert "3 files are here." in page.text
    sent = {visitor.page(path).data for path in visitor.photo_paths()}
    assert sent == {PNG, JPEG, MP4}
    assert len(visitor.thumbnail_paths()) == 2


# What is refused.


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

    assert "That is not taken here. Send PNG, JPEG, GIF or WebP photos" in page.text
    assert kept(files) == []


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (b"\r\n--x--\r\n", "&#39;a.png&#39; is application/octet-stream."),
        (b"\x89PNG", "The form ended before its last boundary."),
    ],
)
def test_an_empty_file_and_half_a_form_are_refused(
    app: Flask, end: bytes, told: str
) -> None:
    visitor = Visitor(app).sign_in()
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'

    page = visitor.client.post(
        f"/photos?csrf_token={visitor.token()}",
        data=part + b"\r\n" + end,
        content_type="multipart/form-data; boundary=x",
        follow_redirects=True,
    )

    assert told in page.text
    assert kept(app) == []


def test_one_file_that_is_none_keeps_out_those_beside_it(app: Flask) -> None:
    visitor = Visitor(app).sign_in()

    page = visitor.upload_all((PNG, "a.png"), (b"%PDF-1.7", "b.pdf"), (PNG, "c.png"))

    assert "&#39;b.pdf&#39; is application/pdf." in page.text
    assert kept(app) == []


@pytest.mark.parametrize("content", [PNG[:-40], PNG[:40], JPEG[:200], WEBP[:60]])
def test_a_damaged_photo_is_refused_and_those_beside_it_are_kept(
    files: Flask, content: bytes
) -> None:
    visitor = Visitor(files).sign_in()

    page = visitor.upload_all((PNG, "whole.png"), (content, "half.png"))

    assert "“half.png” has no picture that can be shown." in page.text
    assert "Your photo is here." in page.text
    assert len(kept(files)) == len(OURS)


def test_a_picture_that_would_fill_the_memory_is_refused(files: Flask) -> None:
    small = picture("GIF", 1, 1)
    for side in (8_000, 65_535):
        bomb = small[:6] + side.to_bytes(2, "little") * 2 + small[10:]

        page = Visitor(files).sign_in().upload(bomb, "bomb.gif")

        assert "“bomb.gif” has more than 50 megapixels." in page.text
        assert kept(files) == []


def test_no_file_is_refused(app: Flask) -> None:
    page = Visitor(app).sign_in().upload_all()

    assert "Choose a photo or a video first." in page.text


@pytest.mark.parametrize("extra", [1, 100_000])
def test_a_photo_over_20_mib_is_refused(files: Flask, extra: int) -> None:
    size = album.MAX_PHOTO_BYTES + extra

    page = Visitor(files).sign_in().upload(PNG.ljust(size, b"\0"))

    assert "“photo.png” is larger than 20 MiB." in page.text
    assert kept(files) == []


def test_a_photo_of_20_mib_is_taken(app: Flask) -> None:
    content = PNG.ljust(album.MAX_PHOTO_BYTES, b"\0")
    visitor = Visitor(app).sign_in()

    assert "Your photo is here." in visitor.upload(content).text

    (path,) = visitor.photo_paths()
    assert visitor.page(path).data == content


def test_what_is_larger_than_any_upload_is_refused_before_it_is_read(
    files: Flask,
) -> None:
    visitor = Visitor(files).sign_in()
    visitor.page()
    length = {"CONTENT_LENGTH": str(album.MAX_VIDEO_BYTES + 10**6)}

    page = visitor.client.post(
        "/photos?csrf_token=" + visitor.token(),
        environ_overrides=length,
        content_type="multipart/form-data; boundary=x",
        follow_redirects=True,
    )

    assert "That is larger than 200 MiB." in page.text
    assert kept(files) == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<img src=x onerror=alert(1)>.png", "&lt;img src=x onerror=alert(1)&gt;.png<"),
        ("../../etc/passwd", ">passwd<"),
        ("mkv-session-1.png", ">mkv-session-1.png<"),
        ("Fußgänger 📷.png", ">Fußgänger 📷.png<"),
        ("\x07\x1b", ">photo<"),
        ("x" * 300, ">" + "x" * 250 + "<"),
    ],
)
def test_a_filename_is_shown_as_text_and_used_for_no_more_than_a_safe_name(
    files: Flask, name: str, shown: str
) -> None:
    visitor = Visitor(files).sign_in()

    page = visitor.upload(PNG, name).text

    assert shown in page
    assert "<img src=x" not in page
    (path,) = visitor.photo_paths()
    assert re.fullmatch(r"/photos/[A-Za-z0-9][\w.-]*_[\w-]{12}\.png", path)
    assert visitor.page(path).data == PNG


# Thumbnails.


def thumbnail(app: Flask, content: bytes) -> Image.Image:
    visitor = Visitor(app).sign_in()
    visitor.upload(content)
    response = visitor.page(visitor.thumbnail_paths()[0])
    assert response.content_type == "image/webp"
    return Image.open(io.BytesIO(response.data))


def test_a_large_photo_has_a_small_thumbnail(app: Flask) -> None:
    content = noise(1600, 800)

    found = thumbnail(app, content)

    assert found.size == (640, 320)


def test_a_photo_that_was_taken_upright_is_shown_upright(files: Flask) -> None:
    data, facts = io.BytesIO(), Image.Exif()
    facts[0x0112] = 6  # turned a quarter to the left
    Image.new("RGB", (200, 100)).save(data, "JPEG", exif=facts)

    assert thumbnail(files, data.getvalue()).size == (100, 200)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "1", "I;16"])
def test_a_thumbnail_is_made_of_every_kind_of_picture(files: Flask, mode: str) -> None:
    data = io.BytesIO()
    Image.new(mode, (30, 20)).save(data, "PNG")

    found = thumbnail(files, data.getvalue())

    assert found.size == (30, 20)
    assert found.has_transparency_data == mode.endswith("A")


# Beside all that.


def test_a_photo_without_its_facts_is_not_kept(app: Flask) -> None:
    class Failing(type(store_of(app))):  # type: ignore[misc] # whatever class it is
        def put(self, key: str, data: bytes, *args: Any, **options: Any) -> Any:
            if key.endswith(".json"):
                raise StoreUnavailable("The store is full.")
            return super().put(key, data, *args, **options)

    visitor = Visitor(app).sign_in()
    store_of(app).__class__ = Failing
    page = visitor.upload(PNG)

    assert (page.status_code, "Just a moment" in page.text) == (503, True)
    assert kept(app) == []


def test_photos_of_earlier_versions_of_the_site_are_still_shown(app: Flask) -> None:
    stem = f"upload-{'0' * 12}-{'0' * 32}"
    facts = {"key": f"{stem}.png", "name": "old.png", "uploader": "Bob"}
    store_of(app).put(f"{stem}.png", PNG, content_type="image/png")
    store_of(app).put(f"{stem}.json", json.dumps(facts).encode())
    visitor = Visitor(app).sign_in()

    page = visitor.page().text

    assert ">old.png<" in page
    assert f'img src="/photos/{stem}.png"' in page
    assert visitor.page(f"/photos/{stem}.png").data == PNG


@pytest.mark.parametrize(
    "facts",
    [
        b"",
        b"[]",
        b"{}",
        b'{"key": "mkv-x", "name": "", "uploader": ""}',
        b'{"key": "photos/../x.png", "name": "", "uploader": ""}',
    ],
)
def test_foreign_facts_in_the_store_do_not_break_the_gallery(
    files: Flask, facts: bytes
) -> None:
    store_of(files).put(f"upload-{'0' * 12}-{'0' * 32}.json", facts)
    store_of(files).put("upload-something.json", b"else")
    visitor = Visitor(files).sign_in()
    visitor.upload(PNG)

    assert len(visitor.photo_paths()) == 1


def test_a_part_of_a_video_is_sent_to_a_player_that_seeks(app: Flask) -> None:
    visitor = Visitor(app).sign_in()
    assert "Your video is here." in visitor.upload(MP4, "long.mp4").text
    (path,) = visitor.photo_paths()

    part = visitor.get(path, headers={"Range": "bytes=1000-1999"})
    behind = visitor.get(path, headers={"Range": f"bytes={len(MP4)}-"})

    assert (part.status_code, part.data) == (206, MP4[1000:2000])
    assert part.headers["Content-Range"] == f"bytes 1000-1999/{len(MP4)}"
    assert part.content_type == "video/mp4"
    assert behind.status_code == 416
