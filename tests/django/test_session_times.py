"""How long a session lives, and its cookie."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from minimalkv_django.sessions import SessionStore
from tests.clocks import FakeClock
from tests.django.visitors import (
    Use,
    Visitor,
    cookies,
    nothing,
)
from tests.watched import WatchedStore


def test_saving_every_request_sends_the_cookie_and_writes_seldom(
    visitor: Visitor, store: WatchedStore, clock: FakeClock, settings: Settings
) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = True
    settings.SESSION_COOKIE_AGE = 1000
    visitor.sets(name="Ada")
    store.take_calls()
    writes = 0

    for _ in range(20):
        clock.advance(10)
        response = visitor.requests(nothing)
        assert len(cookies(response)) == 1
        calls = store.take_calls()
        assert calls[:1] == ["get_with_meta"]
        writes += calls.count("put")

    assert 2 <= writes <= 4  # once in 50 seconds, a twentieth of the lifetime
    clock.advance(940)
    assert visitor.sees() == {"name": "Ada"}


def test_the_touch_interval_can_be_set(
    visitor: Visitor, store: WatchedStore, clock: FakeClock, settings: Settings
) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = True
    settings.MINIMALKV_SESSION_TOUCH_INTERVAL = 3600
    visitor.sets(name="Ada")
    store.take_calls()

    clock.advance(3599)
    visitor.requests(nothing)
    assert store.take_calls() == ["get_with_meta"]
    clock.advance(2)
    visitor.requests(nothing)
    assert store.take_calls() == ["get_with_meta", "put"]


def test_a_session_ends_after_its_absolute_lifetime(
    visitor: Visitor, clock: FakeClock, settings: Settings
) -> None:
    settings.MINIMALKV_SESSION_ABSOLUTE_LIFETIME = 100
    visitor.sets(n=1)

    for n in range(2, 11):
        clock.advance(10)
        visitor.sets(n=n)
    assert visitor.sees() == {"n": 10}
    clock.advance(11)

    assert visitor.sees() == {}


def test_a_session_ends_when_it_was_not_changed_for_its_age(
    visitor: Visitor, clock: FakeClock, settings: Settings
) -> None:
    settings.SESSION_COOKIE_AGE = 60
    visitor.sets(name="Ada")
    clock.advance(59)
    assert visitor.sees() == {"name": "Ada"}

    clock.advance(2)

    assert visitor.sees() == {}


def test_all_settings_of_the_cookie_count(visitor: Visitor, settings: Settings) -> None:
    settings.SESSION_COOKIE_NAME = "visit"
    settings.SESSION_COOKIE_AGE = 600
    settings.SESSION_COOKIE_DOMAIN = ".example.org"
    settings.SESSION_COOKIE_PATH = "/shop"
    settings.SESSION_COOKIE_SECURE = True
    settings.SESSION_COOKIE_HTTPONLY = True
    settings.SESSION_COOKIE_SAMESITE = "Strict"

    morsel = visitor.sets(name="Ada").cookies["visit"]

    assert (morsel["domain"], morsel["path"]) == (".example.org", "/shop")
    assert (morsel["secure"], morsel["httponly"]) == (True, True)
    assert (morsel["samesite"], morsel["max-age"]) == ("Strict", 600)


def test_the_cookie_ends_with_the_browser_if_the_project_says_so(
    visitor: Visitor, settings: Settings
) -> None:
    settings.SESSION_EXPIRE_AT_BROWSER_CLOSE = True

    morsel = visitor.sets(name="Ada").cookies["sessionid"]

    assert (morsel["max-age"], morsel["expires"]) == ("", "")
    assert visitor.sees() == {"name": "Ada"}


def test_an_expiry_of_its_own_rules_the_record_and_the_cookie(
    visitor: Visitor, clock: FakeClock
) -> None:
    def change(session: SessionStore) -> None:
        session.set_expiry(60)

    morsel = visitor.does(change).cookies["sessionid"]

    assert morsel["max-age"] == 60
    clock.advance(61)
    assert visitor.sees() == {}


@pytest.mark.parametrize(
    "expire",
    [
        lambda session: session.set_expiry(-1),
        lambda session: session.set_expiry(timezone.now() - timedelta(seconds=5)),
        lambda session: session.set_expiry(-timedelta(seconds=5)),
    ],
)
def test_an_expiry_in_the_past_deletes_the_record(
    visitor: Visitor, store: WatchedStore, expire: Use
) -> None:
    visitor.sets(name="Ada")
    old = visitor.cookie

    visitor.does(expire)

    assert list(store) == []
    assert Visitor(old).sees() == {}
