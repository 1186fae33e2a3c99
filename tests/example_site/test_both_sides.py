"""Flask and Django as two sides of one site."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from pytest_django import Settings

from example_site import views
from example_site.settings import settings_for
from minimalkv import StoreUnavailable, _clock
from minimalkv.sessions import SessionManager
from tests.clocks import FakeClock
from tests.example_site.pictures import PNG
from tests.example_site.visitor import (
    DJANGO,
    FLASK,
    GALLERY,
    Visitor,
    add_django,
    open_site,
    store_of,
    token_in,
)

SIDES = [FLASK, DJANGO]
EVERYWHERE = f"{DJANGO}sign-out-everywhere"
ENDS = r'Ends</dt> <dd><time datetime="([^"]+)">'

on_both_sides = pytest.mark.parametrize("side", SIDES)


@on_both_sides
def test_who_signs_in_at_one_side_is_known_at_both(site: Flask, side: str) -> None:
    visitor = Visitor(site).sign_in("Ada", side)

    assert "<h1>Hello, Ada</h1>" in visitor.page(DJANGO).text
    assert "Your photo is here." in visitor.upload(PNG).text
    assert "by Ada" in visitor.page(FLASK).text
    assert [info.user for info in SessionManager(store_of(site)).list()] == ["Ada"]


@on_both_sides
def test_who_signs_out_at_one_side_is_gone_from_both(site: Flask, side: str) -> None:
    visitor = Visitor(site).sign_in()
    thief = Visitor(site).takes_cookie_of(visitor)
    assert all(thief.is_known_at(one) for one in SIDES)

    visitor.post(f"{side}sign-out")

    for one in SIDES:
        assert "Your name" in visitor.page(one).text
        assert not thief.is_known_at(one)
    assert SessionManager(store_of(site)).count("Ada") == 0


@on_both_sides
def test_signing_in_takes_a_new_session(site: Flask, side: str) -> None:
    visitor = Visitor(site)
    visitor.page(side)
    planted = Visitor(site).takes_cookie_of(visitor)

    visitor.sign_in("Ada", side)

    assert visitor.cookie != planted.cookie
    assert not any(planted.is_known_at(one) for one in SIDES)


@on_both_sides
def test_signing_in_as_somebody_else_leaves_the_first_session(
    site: Flask, side: str
) -> None:
    visitor = Visitor(site).sign_in("Ada")

    visitor.sign_in("Bob", side)

    manager = SessionManager(store_of(site))
    assert (manager.count("Ada"), manager.count("Bob")) == (0, 1)
    assert "Hello, Bob" in visitor.page(DJANGO).text


def test_a_cookie_that_either_side_sent_stays_after_the_browser_was_closed(
    site_of_files: Flask,
) -> None:
    for side, other in (SIDES, SIDES[::-1]):
        visitor = Visitor(site_of_files).sign_in("Ada", side)
        visitor.page(other)

        cookie = visitor.client.get_cookie("example_site")

        assert cookie is not None
        assert cookie.expires is not None
        assert cookie.http_only
        assert (cookie.same_site, cookie.path) == ("Lax", "/")


# Your sessions.


def test_all_browsers_of_a_visitor_are_signed_out_everywhere(site: Flask) -> None:
    here, there = Visitor(site).sign_in("Ada"), Visitor(site).sign_in("Ada", DJANGO)
    bob = Visitor(site).sign_in("Bob")
    assert here.page(DJANGO).text.count("Began") == 2

    assert "Your name" in here.post(EVERYWHERE).text

    for side in SIDES:
        assert not here.is_known_at(side)
        assert not there.is_known_at(side)
        assert bob.is_known_at(side)
    assert here.sign_in("Ada").page(DJANGO).text.count("Began") == 1


def test_the_sessions_of_a_visitor_are_listed_with_this_one_first(
    site: Flask,
) -> None:
    for visitor in (Visitor(site).sign_in("Ada") for _ in range(3)):
        Visitor(site).sign_in("Bob")
        page = visitor.page(DJANGO).text
        items = re.findall(r"<li.*?</li>", page, re.S)
        assert ["This browser" in item for item in items] == [
            True,
            *(False for _ in items[1:]),
        ]
        assert page.count('aria-current="true"') == 1
    assert len(items) == 3
    assert not any(ref in page for ref in refs(site))


def refs(site: Flask) -> list[str]:
    return [info.ref for info in SessionManager(store_of(site)).list()]


def test_a_long_list_of_sessions_is_cut(
    site_of_files: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "SHOWN_SESSIONS", 2)
    visitors = [Visitor(site_of_files).sign_in("Ada") for _ in range(3)]

    page = visitors[0].page(DJANGO).text

    assert page.count("Began") == 2
    assert "And 1 more." in page


# How long they live.


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    clock = FakeClock()
    monkeypatch.setattr(_clock, "now", clock)
    return clock


@pytest.fixture
def short_lived(tmp_path: Path, project: Settings, clock: FakeClock) -> Flask:
    assert clock() > 0
    hour = timedelta(hours=1)
    return add_django(
        open_site("hfs://{folder}", tmp_path, idle=hour, absolute=2.5 * hour), project
    )


@on_both_sides
def test_a_session_ends_when_nobody_uses_it(
    short_lived: Flask, clock: FakeClock, side: str
) -> None:
    visitor = Visitor(short_lived).sign_in("Ada", side)

    clock.advance(3599)
    assert visitor.is_known_at(side)
    clock.advance(3601)

    assert not any(visitor.is_known_at(one) for one in SIDES)


@on_both_sides
def test_a_session_ends_in_any_case_after_a_while(
    short_lived: Flask, clock: FakeClock, side: str
) -> None:
    visitor = Visitor(short_lived).sign_in("Ada", side)
    for _ in range(4):
        clock.advance(2000)
        assert all(visitor.is_known_at(one) for one in SIDES)

    clock.advance(1001)

    assert not any(visitor.is_known_at(one) for one in SIDES)


def test_the_page_tells_when_sessions_end(short_lived: Flask, clock: FakeClock) -> None:
    began = datetime.fromtimestamp(clock(), UTC)
    visitor = Visitor(short_lived).sign_in("Ada")

    page = visitor.page(DJANGO).text

    assert (
        "ends when it was not used for 1 hour, and in any case 150 minutes after"
        in page
    )
    assert re.findall(ENDS, page) == [told(began + timedelta(hours=1))]
    clock.advance(3000)
    visitor.page()
    clock.advance(3000)
    visitor.page()
    clock.advance(2000)
    visitor.page()
    assert re.findall(ENDS, visitor.page(DJANGO).text) == [
        told(began + timedelta(hours=2.5))
    ]


def told(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(days=1), "1 day"),
        (timedelta(days=14), "14 days"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(seconds=90), "90 seconds"),
        (timedelta(minutes=1), "1 minute"),
    ],
)
def test_a_time_is_told_without_a_fraction(time: timedelta, words: str) -> None:
    assert views.in_words(time) == words


# Who may do what.


@pytest.mark.parametrize(
    "path",
    [
        *("sign-in", "sign-out", "sign-out-everywhere", "count"),
        *("cache/ask", "cache/click", "cache/clear", "static-files/collect"),
    ],
)
@pytest.mark.parametrize("token", ["", "wrong", "ü", "a" * 64])
def test_a_form_without_our_token_is_refused(
    site_of_files: Flask, path: str, token: str
) -> None:
    visitor = Visitor(site_of_files).sign_in()
    visitor.page(DJANGO)

    response = visitor.post(f"{DJANGO}{path}", csrfmiddlewaretoken=token, name="Eve")

    assert response.status_code == 403
    assert "This form is out of date." in response.text
    assert "Hello, Ada" in visitor.page(DJANGO).text


def test_the_token_of_somebody_else_is_refused(site: Flask) -> None:
    ada, eve = Visitor(site).sign_in("Ada"), Visitor(site).sign_in("Eve")
    token = token_in(eve.page(DJANGO))
    ada.page(DJANGO)

    response = ada.post(EVERYWHERE, csrfmiddlewaretoken=token)

    assert response.status_code == 403
    assert ada.is_known_at(DJANGO)


def test_nothing_happens_without_a_form(site_of_files: Flask) -> None:
    visitor = Visitor(site_of_files).sign_in()

    for path in ("sign-out", "sign-out-everywhere"):
        assert visitor.get(f"{DJANGO}{path}").status_code == 405
    assert visitor.is_known_at(DJANGO)


def test_strangers_are_asked_to_sign_in(site: Flask) -> None:
    response = Visitor(site).get(DJANGO)

    assert response.status_code == 303
    assert response.location == f"{DJANGO}sign-in"
    assert "Set-Cookie" not in response.headers
    assert SessionManager(store_of(site)).count() == 0


@pytest.mark.parametrize("name", ["", "  \t ", "x" * 41, "a\x00b"])
def test_a_name_is_a_few_visible_characters(site_of_files: Flask, name: str) -> None:
    page = Visitor(site_of_files).post(f"{DJANGO}sign-in", name=name)

    assert page.status_code == 422
    assert 'role="alert">Please enter a name' in page.text


def test_a_name_is_shown_as_text(site: Flask) -> None:
    page = Visitor(site).sign_in("<b> Ada &amp;", DJANGO).page(DJANGO)

    assert "<h1>Hello, &lt;b&gt; Ada &amp;amp;</h1>" in page.text


@pytest.mark.parametrize("path", ["", "sign-in", "sign-out", "nothing"])
def test_pages_are_as_strict_as_those_of_flask(site_of_files: Flask, path: str) -> None:
    visitor = Visitor(site_of_files).sign_in()
    of_flask = visitor.page()

    page = visitor.get(f"{DJANGO}{path}")

    for name in (
        "Cache-Control",
        "Content-Security-Policy",
        "Referrer-Policy",
        "X-Content-Type-Options",
    ):
        assert page.headers[name] == of_flask.headers[name]
    assert re.findall(r'(?:src|href|action)="(?![/#])[^"]*"', page.text) == []


def test_an_unknown_page_says_so(site_of_files: Flask) -> None:
    response = Visitor(site_of_files).get(f"{DJANGO}nowhere")

    assert response.status_code == 404
    assert "Back to the front page" in response.text
    assert "Set-Cookie" not in response.headers


def test_a_site_below_a_path_links_to_itself(site_of_files: Flask) -> None:
    visitor = Visitor(site_of_files).sign_in()

    for path in (GALLERY, *SIDES):
        page = visitor.get(path, environ_overrides={"SCRIPT_NAME": "/box"}).text
        links = re.findall(r'(?:src|href|action)="([^#"]*)"', page)
        assert all(link.startswith("/box/") for link in links), links
        assert "/box/static/style.css" in links
        assert "/box/django/" in links


# What goes wrong.


@pytest.mark.parametrize("hook", ["_get_with_meta", "_get_many"])
def test_an_outage_is_told_and_signs_nobody_out(
    site_of_files: Flask, monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    visitor = Visitor(site_of_files).sign_in()

    def fail(*_args: object) -> None:
        raise StoreUnavailable("no answer")

    with monkeypatch.context() as outage:
        outage.setattr(type(store_of(site_of_files)), hook, fail)
        response = visitor.page(DJANGO)

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert "Set-Cookie" not in response.headers
    assert "Just a moment" in response.text
    assert "does not answer" in response.text
    assert "no answer" not in response.text
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert visitor.is_known_at(DJANGO)


def test_a_failure_of_the_site_is_told_without_its_details(
    site_of_files: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(site_of_files).sign_in()

    def fail(_time: timedelta) -> str:
        raise RuntimeError("details")

    monkeypatch.setattr(views, "in_words", fail)
    response = visitor.page(DJANGO)

    assert response.status_code == 500
    assert "The site has failed; its log tells why." in response.text
    assert "details" not in response.text


def test_the_settings_print_no_password(tmp_path: Path) -> None:
    app = open_site("hredis://ada:never-to-be-shown@127.0.0.1:1/0", tmp_path)
    with store_of(app):
        printed = f"{settings_for(app)!r} {app.config!r} {app.jinja_env.globals!r}"

    assert "hredis://***@127.0.0.1:1/0" in printed
    assert "never-to-be-shown" not in printed
