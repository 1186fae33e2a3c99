"""Files that browsers send to the store of the example site without its forms."""

from urllib.error import HTTPError

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from example_site.album import MAX_PHOTO_BYTES, MAX_VIDEO_BYTES
from tests.example_site.pictures import JPEG, MP4, PNG
from tests.example_site.visitor import Visitor, store_of

HTML = b"<!doctype html><script>alert(1)</script>"


def send(visitor: Visitor, *files: tuple[bytes, str]) -> TestResponse:
    """Do what the script of the page does."""
    begun = visitor.begin(*((name, len(content)) for content, name in files))
    tokens = []
    for upload, (content, _) in zip(begun, files, strict=True):
        assert upload is not None
        assert visitor.put(upload, content) in (200, 201, 204)
        tokens.append(upload["token"])
    return visitor.give_back(*tokens)


def test_files_that_went_to_the_store_itself_are_shown(app: Flask) -> None:
    visitor = Visitor(app).sign_in()

    page = send(visitor, (PNG, "a.png"), (JPEG, "b.jpeg"), (MP4, "c.mp4"))

    assert "3 files are here." in page.text
    paths = visitor.photo_paths()
    files = [visitor.page(path) for path in paths]
    # Those of one millisecond come in any order.
    assert {file.data: file.content_type for file in files} == {
        PNG: "image/png",
        JPEG: "image/jpeg",
        MP4: "video/mp4",
    }
    assert len(visitor.thumbnail_paths()) == 2


def test_what_cannot_be_taken_is_told_before_it_is_sent(app: Flask) -> None:
    visitor = Visitor(app).sign_in()

    begun = visitor.begin(
        ("page.html", 5),
        ("large.png", MAX_PHOTO_BYTES + 1),
        ("large.mp4", MAX_VIDEO_BYTES + 1),
        ("fits.mp4", MAX_VIDEO_BYTES),
    )

    assert [upload is None for upload in begun] == [True, True, True, False]
    page = visitor.page().text
    assert "&#39;page.html&#39; is text/html. That is not taken here." in page
    assert "“large.png” is larger than 20 MiB." in page
    assert "“large.mp4” is larger than 200 MiB." in page
    assert "fits.mp4" not in page


@pytest.mark.parametrize("content", [HTML, JPEG, b"", PNG[:40]])
def test_what_is_no_photo_after_all_is_refused_and_deleted(
    s3_site: Flask, content: bytes
) -> None:
    visitor = Visitor(s3_site).sign_in()

    page = send(visitor, (content, "holiday.png")).text

    assert "holiday.png" in page
    assert 'role="alert"' in page
    assert "<figure" not in page
    assert store_of(s3_site).keys("photos/") == []


def test_one_upload_that_is_refused_does_not_keep_out_the_others(app: Flask) -> None:
    visitor = Visitor(app).sign_in()

    page = send(visitor, (PNG, "a.png"), (HTML, "b.png"), (PNG, "c.png")).text

    assert "2 files are here." in page
    assert "&#39;b.png&#39; was announced as image/png" in page
    assert len(visitor.photo_paths()) == 2


def test_an_upload_is_shown_once(app: Flask) -> None:
    visitor = Visitor(app).sign_in()
    (upload,) = visitor.begin(("a.png", len(PNG)))
    assert upload is not None
    visitor.put(upload, PNG)
    assert "Your photo is here." in visitor.give_back(upload["token"]).text

    again = visitor.give_back(upload["token"])

    assert "did not arrive, or was attached before" in again.text
    assert len(visitor.photo_paths()) == 1


def test_what_was_never_sent_is_told(app: Flask) -> None:
    visitor = Visitor(app).sign_in()
    (upload,) = visitor.begin(("a.png", len(PNG)))
    assert upload is not None

    page = visitor.give_back(upload["token"], "a token of somebody else")

    assert "did not arrive" in page.text
    assert "has no valid token" in page.text


def test_nothing_is_shown_of_an_upload_that_nobody_gave_back(app: Flask) -> None:
    visitor = Visitor(app).sign_in()
    (upload,) = visitor.begin(("a.png", len(PNG)))
    assert upload is not None
    visitor.put(upload, PNG)

    (key,) = store_of(app).keys("photos/")
    path = key.removeprefix("photos/")

    assert visitor.photo_paths() == []
    assert visitor.get(f"/photos/{path}").status_code == 404


def test_our_own_route_takes_only_what_was_allowed(files: Flask) -> None:
    visitor = Visitor(files).sign_in()
    (upload,) = visitor.begin(("a.png", len(PNG)))
    assert upload is not None
    stranger = Visitor(files)

    for url in (upload["url"] + "x", upload["url"].replace("@", "@other"), "/files/up"):
        assert visitor.client.put(url, data=PNG).status_code in (403, 404)
    other = {**upload, "headers": {"Content-Type": "text/html"}}
    assert visitor.put(other, HTML) == 415
    # Who was given the token may use it wherever they are.
    assert stranger.put(upload, PNG) == 204
    assert visitor.put(upload, PNG) == 403


def test_a_signed_url_takes_no_other_key(s3_site: Flask) -> None:
    visitor = Visitor(s3_site).sign_in()
    (upload,) = visitor.begin(("a.png", len(PNG)))
    assert upload is not None

    with pytest.raises(HTTPError, match="403"):
        visitor.put({**upload, "url": upload["url"].replace("_pending", "other")}, PNG)

    assert store_of(s3_site).keys("photos/") == []


def test_the_script_may_send_to_the_store_and_nowhere_else(
    s3_site: Flask, files: Flask
) -> None:
    visitor = Visitor(s3_site).sign_in()
    (upload,) = visitor.begin(("a.png", len(PNG)))
    assert upload is not None
    origin = "/".join(upload["url"].split("/")[:3])

    policy = visitor.page().headers["Content-Security-Policy"]
    of_files = Visitor(files).sign_in().page().headers["Content-Security-Policy"]
    private = visitor.page("/private").headers["Content-Security-Policy"]

    assert f"connect-src 'self' {origin};" in policy
    assert "connect-src 'self';" in of_files
    assert "connect-src 'self';" in private


def test_strangers_begin_no_uploads(app: Flask) -> None:
    response = Visitor(app).client.post("/photos/begin", data={"name": "a.png"})

    assert response.status_code == 303
    assert response.location == "/sign-in"
