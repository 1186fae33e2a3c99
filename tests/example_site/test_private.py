"""The private files of the example site, and links to them that end."""

import html
import re
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from flask import Flask

from minimalkv import _clock
from tests.clocks import FakeClock
from tests.example_site.visitor import Visitor, store_of

NOTES = b"Buy milk."
PRIVATE = "/private"


def keep(visitor: Visitor, content: bytes = NOTES, name: str = "notes.txt") -> str:
    """Keep a file, and return the page that says so."""
    return visitor.upload_all((content, name), side=PRIVATE).text


def links(visitor: Visitor) -> list[str]:
    page = visitor.page(PRIVATE).text
    return [html.unescape(url) for url in re.findall(r'value="(http[^"]+)"', page)]


def fetch(app: Flask, link: str) -> bytes:
    """Return what somebody gets by a link who is not signed in."""
    if link.startswith("http://localhost/"):
        return bytes(Visitor(app).get(urlsplit(link).path).data)
    with urlopen(link, timeout=30) as answer:  # noqa: S310 - of a test server
        return bytes(answer.read())


def test_whoever_has_the_link_gets_the_file(app: Flask) -> None:
    visitor = Visitor(app).sign_in()
    assert "Your file is kept." in keep(visitor)

    (link,) = links(visitor)

    assert fetch(app, link) == NOTES


def test_nobody_else_sees_the_file(app: Flask) -> None:
    keep(Visitor(app).sign_in("Ada"))
    eve = Visitor(app).sign_in("Eve")
    (key,) = store_of(app).keys("private/")

    assert "notes.txt" not in eve.page(PRIVATE).text
    assert "notes.txt" not in eve.page().text
    for path in (f"/{key}", f"/photos/{key}", f"/photos/../{key}", f"/thumbs/../{key}"):
        assert eve.get(path).status_code == 404
    assert Visitor(app).get(PRIVATE).location == "/sign-in"


def test_a_link_ends_after_ten_minutes(
    files: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    monkeypatch.setattr(_clock, "now", clock)
    visitor = Visitor(files).sign_in()
    keep(visitor)
    (link,) = links(visitor)
    path = urlsplit(link).path

    clock.advance(599)
    assert Visitor(files).get(path).data == NOTES
    clock.advance(152)  # the same link is given for a quarter of its life
    ended = Visitor(files).get(path)

    assert ended.status_code == 403
    assert "This link is not valid, or its time is over." in ended.text
    assert "Back to the front page" in ended.text
    (again,) = links(visitor)
    assert fetch(files, again) == NOTES


def test_a_link_leads_to_no_other_file(files: Flask) -> None:
    visitor = Visitor(files).sign_in()
    keep(visitor)
    (link,) = links(visitor)
    path = urlsplit(link).path

    for token in (path.split("/")[2][:-1], path.split("/")[2].swapcase()):
        response = Visitor(files).get(f"/files/{token}/notes.txt")
        assert response.status_code == 403


def test_a_page_among_the_files_is_saved_and_not_shown(files: Flask) -> None:
    visitor = Visitor(files).sign_in()
    keep(visitor, b"<!doctype html><script>alert(1)</script>", "me.html")

    (link,) = links(visitor)
    response = Visitor(files).get(urlsplit(link).path)

    assert response.content_type == "application/octet-stream"
    assert response.headers["Content-Disposition"].startswith("attachment")


def test_a_file_is_gone_with_its_links(app: Flask) -> None:
    visitor = Visitor(app).sign_in()
    (key,) = re.findall(r'name="key" value="([^"]+)"', keep(visitor))

    page = visitor.post("/private/delete", key=key)

    assert "The file is gone" in page.text
    assert links(visitor) == []
    assert store_of(app).keys("private") == []


def test_nobody_deletes_the_files_of_others(app: Flask) -> None:
    visitor = Visitor(app).sign_in("Ada")
    (key,) = re.findall(r'name="key" value="([^"]+)"', keep(visitor))
    (file,) = store_of(app).keys("private/")
    eve = Visitor(app).sign_in("Eve")

    for wanted in (key, file, ""):
        assert eve.post("/private/delete", key=wanted).status_code == 404

    assert fetch(app, links(visitor)[0]) == NOTES


def test_no_file_and_a_large_one_are_refused(files: Flask) -> None:
    visitor = Visitor(files).sign_in()

    assert "Choose a file first." in visitor.upload_all(side=PRIVATE).text
    assert "That is larger than 20 MiB." in keep(visitor, bytes(20 * 2**20 + 1))
    assert store_of(files).keys("private") == []


def test_the_name_of_a_file_is_shown_as_text(files: Flask) -> None:
    page = keep(Visitor(files).sign_in(), NOTES, "<b>x.txt")

    assert "&lt;b&gt;x.txt" in page
    assert "<b>" not in page


def test_what_is_sent_again_keeps_its_own_policy(files: Flask) -> None:
    visitor = Visitor(files).sign_in()
    keep(visitor, b"%PDF-1.7 and more", "notes.pdf")
    (link,) = links(visitor)
    path = urlsplit(link).path

    first = Visitor(files).get(path)
    assert "Content-Security-Policy" not in first.headers  # no viewer starts in one
    again = Visitor(files).get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert "Content-Security-Policy" not in again.headers
