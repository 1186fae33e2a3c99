"""What the example site shows of its store, and of what is asked of it."""

import html
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from flask import Flask

from example_site import calls, contents
from minimalkv import FOREVER, ObjectMeta
from minimalkv.memory import DictStore
from minimalkv.ttl import with_ttl
from tests.example_site.pictures import PNG
from tests.example_site.visitor import DJANGO, Visitor, store_of


def rows(page: str) -> dict[str, list[str]]:
    """Return the cells of the table of keys, by what is shown of the key."""
    (body,) = re.findall(r'<tbody id="keys".*?</tbody>', page, re.S)
    found = re.findall(r"<code>(.*?)</code>(.*?)</th>(.*?)</tr>", body, re.S)
    return {
        key: [" ".join(about.split()), *re.findall(r">([^<]+)</td>", rest)]
        for key, about, rest in found
    }


def test_keys_sizes_types_and_times_are_shown_on_every_store(site: Flask) -> None:
    visitor = Visitor(site).sign_in()
    store = store_of(site)
    store.put("photos/mine.png", PNG, content_type="image/png")
    with_ttl(store).put("mkv-cache-shoebox-0123456789", b"x" * 5, ttl_secs=90)

    photo = rows(visitor.page("/store?prefix=photos/").text)["photos/mine.png"]
    cached = rows(visitor.page("/store?prefix=mkv-cache-").text)["mkv-cache-shoebox-…"]
    session = rows(visitor.page("/store?prefix=mkv-session-").text)

    assert photo[1:] == [f"{len(PNG)} Bytes", "for ever"]
    assert "a photo or video · image/png" in photo[0]
    assert cached[1] == "5 Bytes"
    assert re.fullmatch(r"[0-9]{2} s", cached[2])
    assert any(time == "13 days" for _, _, time in session.values())


def test_nothing_is_shown_that_is_a_secret_of_others(files: Flask) -> None:
    visitor = Visitor(files).sign_in("Ada")
    visitor.upload_all((b"x", "salary.txt"), side="/private")
    visitor.page("/private")

    page = visitor.page("/store").text

    for key in store_of(files):
        if key.startswith(("mkv-session-", "private")):
            assert key not in page
    assert "salary" not in page
    assert "private/…" in rows(page)


@pytest.mark.parametrize("room", ["private/", "mkv-session-", "private-"])
def test_what_is_hidden_cannot_be_guessed(files: Flask, room: str) -> None:
    visitor = Visitor(files).sign_in("Ada")
    visitor.upload_all((b"x", "salary.txt"), side="/private")
    (key, *_) = (key for key in store_of(files) if key.startswith(room))
    visible = contents.shown(key).rstrip("…")

    def found(prefix: str) -> dict[str, list[str]]:
        return rows(visitor.page(f"/store?prefix={prefix}").text)

    expected = found(visible)
    assert contents.shown(key) in expected
    hidden = key.removeprefix(visible)
    for end in range(len(hidden) + 1):
        assert contents.askable(visible + hidden[:end]) == visible
    for prefix in (key, f"{visible}-wrong", f"{visible}{hidden[0]}"):
        assert found(prefix).keys() == expected.keys()


@pytest.mark.parametrize("prefix", ["<b>", "../", "ü", "x" * 300, "a b", "%"])
def test_any_text_may_be_looked_for(files: Flask, prefix: str) -> None:
    response = Visitor(files).sign_in().get("/store", query_string={"prefix": prefix})

    assert response.status_code == 200
    assert "Nothing here." in response.text
    assert "<b>" not in response.text


@pytest.mark.parametrize("page", ["0", "-1", "x", "999999999999"])
def test_any_page_may_be_asked_for(files: Flask, page: str) -> None:
    assert Visitor(files).sign_in().get(f"/store?page={page}").status_code == 200


class Endless(DictStore):
    """A store of so many keys that nobody can list them."""

    asked = 0

    def iter_keys(self, prefix: str = "") -> Iterator[str]:
        for number in count():
            self.asked += 1
            yield f"{prefix}{number}"

    def _head(self, key: str) -> ObjectMeta:
        return ObjectMeta(key, 0)


def test_no_more_is_listed_than_is_shown() -> None:
    store = Endless()

    first, has_more = contents.page_of(store, "a", 1)
    assert has_more
    assert [entry.key for entry in first] == [f"a{n}" for n in range(20)]
    assert store.asked == contents.PAGE_KEYS + 1
    last, has_more = contents.page_of(store, "a", contents.LAST_PAGE)

    assert not has_more
    assert last[-1].key == f"a{contents.PAGE_KEYS * contents.LAST_PAGE - 1}"


def test_what_has_expired_meanwhile_is_left_out(files: Flask) -> None:
    store = store_of(files)
    with_ttl(store).put("mkv-cache-a", b"x", ttl_secs=FOREVER)
    with_ttl(store).put("mkv-cache-b", b"x", ttl_secs=0)

    found, _ = contents.page_of(store, "mkv-cache-", 1)

    assert [(entry.key, entry.left) for entry in found] == [("mkv-cache-a…", None)]


# What was asked.


def asked_for(page: str) -> int:
    (times,) = re.findall(r"the store was asked (\d+) time", page)
    return int(times)


def test_each_page_tells_how_often_the_store_was_asked(site_of_files: Flask) -> None:
    stranger, visitor = Visitor(site_of_files), Visitor(site_of_files).sign_in()

    front = stranger.get("/")

    assert asked_for(front.text) == 0
    assert "Set-Cookie" not in front.headers
    assert asked_for(visitor.get("/").text) == 1
    assert asked_for(visitor.get(f"{DJANGO}cache").text) >= 2


def test_the_last_requests_are_shown_with_their_calls_and_without_secrets(
    site_of_files: Flask,
) -> None:
    visitor = Visitor(site_of_files).sign_in()
    visitor.get("/files/a-token-of-somebody/name.txt?token=secret")
    visitor.get("/store", headers={"Sec-Fetch-Dest": "empty"})
    visitor.get("/static/style.css")
    visitor.get("/sessions")

    page = visitor.page("/store").text

    told = re.findall(r"<strong><code>(.*?)</code></strong>", page)
    assert told[:3] == ["GET /store", "GET /sessions", "GET /files/…"]
    assert "secret" not in page
    assert re.search(r"get_with_meta mkv-session-\w{8}…", page)
    assert len(calls.latest) <= calls.LATEST


# The rest of what the pages have in common.


def test_the_source_that_is_shown_is_that_of_the_site(site_of_files: Flask) -> None:
    visitor = Visitor(site_of_files).sign_in()
    folder = Path(contents.__file__).parent
    pages = ("/", "/photos", "/private", "/sessions", "/store", DJANGO)
    for path in (*pages, f"{DJANGO}cache", f"{DJANGO}static-files"):
        page = visitor.get(path).text
        (how,) = re.findall(r"How it is done(.*?)</details>", page, re.S)
        shown = re.findall(r"<pre.*?><code>(.*?)</code>.*?e/(\w+\.py)<", how, re.S)
        assert shown, path
        for code, file in shown:
            text = html.unescape(code)
            assert text in (folder / file).read_text()


def test_a_form_that_is_too_large_is_refused_on_a_page(files: Flask) -> None:
    visitor = Visitor(files).sign_in()

    response = visitor.client.post(
        "/sessions",
        environ_overrides={"CONTENT_LENGTH": str(10**9)},
        content_type="application/x-www-form-urlencoded",
    )

    assert response.status_code == 413
    assert "<h1>Request Entity Too Large</h1>" in response.text
    assert "Back to the front page" in response.text
