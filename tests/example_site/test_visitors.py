"""The visitors of the example site: who may see what, and what they are told."""

import io
import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask import Flask

from minimalkv import AccessDenied, StoreError, StoreUnavailable
from minimalkv.sessions import SessionManager
from minimalkv.ttl import with_ttl
from tests.example_site.pictures import PNG
from tests.example_site.visitor import Visitor, open_site, store_of, token_in


def test_nothing_but_photos_is_served(app: Flask) -> None:
    visitor = Visitor(app).sign_in()
    visitor.upload(PNG)
    store_of(app).put("mkv-x.png", PNG)
    store_of(app).put("mine.png", PNG)
    keys = [key for key in store_of(app) if not key.startswith("photos/")]
    assert any(key.startswith("mkv-session-") for key in keys)

    for key in [*keys, "../secret_key", "..", "upload-.png", "upload-x.png\n"]:
        for path in (f"/photos/{key}", f"/thumbs/{key}", f"/photos/../{key}"):
            assert visitor.get(path).status_code == 404, path


def test_strangers_are_asked_to_sign_in(app: Flask) -> None:
    visitor = Visitor(app).sign_in()
    visitor.upload(PNG)
    (path,) = visitor.photo_paths()
    stranger = Visitor(app)

    for url in ("/photos", "/store", path, "/photos/nothing"):
        response = stranger.get(url)
        assert response.status_code == 303
        assert response.location == "/sign-in"
    assert "Your name" in stranger.post("/photos", csrf_token="any").text
    assert len(visitor.photo_paths()) == 1


@pytest.mark.parametrize(
    "path",
    ["/sign-out", "/photos", "/photos/begin", "/private", "/sessions", "/sign-in"],
)
@pytest.mark.parametrize("token", ["", "wrong", "ü", "\ud800"])
def test_a_form_without_our_token_is_refused(
    files: Flask, path: str, token: str
) -> None:
    visitor = Visitor(files).sign_in()
    body = {"csrf_token": token, "name": "Eve", "file": (io.BytesIO(PNG), "eve.png")}
    if not token.isprintable():
        body["csrf_token"] = "\ufffd"

    url = f"{path}?{urlencode({'csrf_token': body['csrf_token']})}"
    response = visitor.client.post(url, data=body)

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

    assert SessionManager(store_of(app)).count() == 0
    assert "Your name" in visitor.page().text
    stranger = Visitor(app)
    stranger.client.set_cookie("example_site", cookie.value)
    assert "Your name" in stranger.page().text


@pytest.mark.parametrize("name", ["", "  \t ", "x" * 41, "a\x00b"])
def test_a_name_is_a_few_visible_characters(files: Flask, name: str) -> None:
    page = Visitor(files).post("/sign-in", name=name)

    assert page.status_code == 422
    assert 'role="alert">Please enter a name' in page.text


def test_a_name_is_shown_as_text(app: Flask) -> None:
    page = Visitor(app).sign_in("<b> Ada &amp;").page()

    assert "<strong>&lt;b&gt; Ada &amp;amp;</strong>" in page.text


def test_pages_load_nothing_from_elsewhere_and_are_not_kept(app: Flask) -> None:
    page = Visitor(app).sign_in().page()

    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert page.headers["Cache-Control"] == "no-store"
    assert re.findall(r'(?:src|href)="(?![/#])[^"]*"', page.text) == []


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
    assert "Back to the front page" in response.text


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (StoreUnavailable("no answer"), "does not answer. Please try again"),
        (AccessDenied("no permission"), "refuses; the log of the site tells why."),
    ],
    ids=repr,
)
def test_an_outage_is_told_and_signs_nobody_out(
    files: Flask, monkeypatch: pytest.MonkeyPatch, error: StoreError, told: str
) -> None:
    visitor = Visitor(files).sign_in()

    def fail(*_args: object) -> None:
        raise error

    with monkeypatch.context() as outage:
        for hook in ("_get", "_get_with_meta", "_put", "_stream"):
            outage.setattr(type(store_of(files)), hook, fail)
        response = visitor.page()

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert "Max-Age=0" not in str(response.headers)
    assert told in response.text
    assert str(error) not in response.text
    assert "<strong>Ada</strong>" in visitor.page().text


def test_a_session_ends_when_its_time_to_live_does(app: Flask) -> None:
    visitor = Visitor(app).sign_in()
    sessions = with_ttl(store_of(app))
    (info,) = SessionManager(store_of(app)).list()
    key = f"mkv-session-{info.ref}"
    assert sessions.ttl(key) == pytest.approx(timedelta(days=14).total_seconds(), 0.01)

    sessions.touch(key, 0)

    assert "Your name" in visitor.page().text
