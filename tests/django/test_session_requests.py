"""When a request asks the store, writes, and sends a cookie."""

import pytest
from django.http import HttpRequest, HttpResponse
from pytest_django import Settings

from minimalkv_django.sessions import SessionStore, session_manager
from tests.clocks import FakeClock
from tests.costs import SessionCosts
from tests.django.visitors import (
    UNKNOWN_ID,
    Visitor,
    cookies,
    id_of,
    key_of,
    nothing,
    session_of,
    token_of,
    varies,
)
from tests.watched import WatchedStore


class TestCosts(SessionCosts):
    """They are the same as in the other framework."""


def test_a_request_that_ignores_the_session_asks_and_sends_nothing(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(name="Ada")
    store.take_calls()
    forged = token_of(UNKNOWN_ID, secret="another key")

    for cookie in (visitor.cookie, token_of(UNKNOWN_ID), forged, "short", "a" * 32, ""):
        browser = Visitor(cookie)
        response = browser.requests(nothing)
        assert (cookies(response), varies(response)) == ([], False)
        assert browser.client.get("/missing.css").status_code == 404
        assert browser.client.options("/missing").status_code == 404
    assert store.take_calls() == []


def test_visitors_without_a_session_leave_no_record(
    visitor: Visitor, store: WatchedStore, settings: Settings
) -> None:
    for settings.SESSION_SAVE_EVERY_REQUEST in (False, True):
        for cookie in (None, "short", token_of(UNKNOWN_ID)):
            browser = Visitor(cookie)
            browser.requests(nothing)
            browser.does(lambda session: session.get("name"))
            browser.does(lambda session: "name" in session)

    assert visitor.sees() == {}
    assert list(store) == []


def test_a_change_inside_of_a_value_is_stored(visitor: Visitor) -> None:
    visitor.sets(cart={"n": 1, "items": ["book"]}, name="Ada")

    def change(session: SessionStore) -> None:
        session["cart"]["n"] += 1
        session["cart"]["items"].append("pen")

    response = visitor.does(change)

    assert len(cookies(response)) == 1
    assert visitor.sees() == {"cart": {"n": 2, "items": ["book", "pen"]}, "name": "Ada"}


def test_a_true_for_a_one_is_a_change(visitor: Visitor) -> None:
    visitor.sets(flags=[1])

    visitor.does(lambda session: session["flags"].__setitem__(0, True))

    assert visitor.sees()["flags"] == [True]
    assert visitor.sees()["flags"][0] is True


def test_a_view_can_keep_a_change_out_of_the_store(visitor: Visitor) -> None:
    visitor.sets(name="Ada")

    def change(session: SessionStore) -> None:
        session["name"] = "Bob"
        session.modified = False

    assert cookies(visitor.does(change)) == []
    assert visitor.sees() == {"name": "Ada"}


def test_two_requests_that_change_different_keys_both_count(visitor: Visitor) -> None:
    visitor.sets(name="Ada")

    def change(session: SessionStore) -> None:
        session["mine"] = 1
        visitor.twin().sets(theirs=2)

    assert visitor.does(change).status_code == 200
    assert visitor.sees() == {"name": "Ada", "mine": 1, "theirs": 2}


def test_atomic_changes_lose_nothing(visitor: Visitor) -> None:
    visitor.sets(n=0)

    def count(data: dict[str, int]) -> None:
        data["n"] += 1

    def change(session: SessionStore) -> None:
        assert session["n"] == 0
        session["mine"] = True
        visitor.twin().does(lambda other: other.atomic(count))
        assert session.atomic(count)["n"] == 2

    assert visitor.does(change).status_code == 200
    assert visitor.sees() == {"n": 2, "mine": True}


def test_a_session_that_was_ended_meanwhile_does_not_come_back(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(name="Ada")

    def change(session: SessionStore) -> None:
        session["late"] = 1
        visitor.twin().does(lambda other: other.flush())

    response = visitor.does(change)

    assert response.status_code == 400  # SessionInterrupted, as in Django's own
    assert cookies(response) == []
    assert list(store) == []
    assert visitor.sees() == {}


def test_a_session_that_got_a_new_key_meanwhile_is_left_alone(
    visitor: Visitor,
) -> None:
    visitor.sets(name="Ada")
    twin = visitor.twin()

    def change(session: SessionStore) -> None:
        session["late"] = 1
        twin.does(lambda other: other.cycle_key())

    response = visitor.does(change)

    assert (response.status_code, cookies(response)) == (400, [])
    assert twin.sees() == {"name": "Ada"}
    assert visitor.sees() == {}


def test_a_key_that_was_good_a_moment_ago_deletes_no_cookie(
    visitor: Visitor, clock: FakeClock
) -> None:
    visitor.sets(name="Ada")
    late = [visitor.twin(), visitor.twin(), visitor.twin()]
    visitor.does(lambda session: session.cycle_key())

    # Its answer may come after that which brings the new key.
    assert cookies(late[0].reads("name")) == []
    assert cookies(late[1].does(lambda session: session.flush())) == [""]
    assert visitor.sees() == {}
    clock.advance(301)
    assert cookies(late[2].reads("name")) == [""]


def test_two_new_keys_at_once_leave_one_session(visitor: Visitor) -> None:
    visitor.sets(name="Ada")
    twin = visitor.twin()

    def change(session: SessionStore) -> None:
        assert session["name"] == "Ada"
        twin.does(lambda other: other.cycle_key())
        session.cycle_key()

    response = visitor.does(change)

    assert (response.status_code, cookies(response)) == (400, [])
    assert twin.sees() == {"name": "Ada"}
    assert session_manager().count() == 1


def test_flushing_deletes_the_record_and_the_cookie(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(name="Ada")
    old = visitor.cookie
    store.take_calls()

    response = visitor.does(lambda session: session.flush())

    assert store.take_calls() == ["get_with_meta", "delete"]
    assert cookies(response) == [""]
    assert list(store) == []
    assert Visitor(old).sees() == {}


def test_a_request_may_begin_anew_after_a_flush(visitor: Visitor) -> None:
    visitor.sets(name="Ada")
    old = visitor.cookie

    def change(session: SessionStore) -> None:
        session.flush()
        session["name"] = "Bob"

    visitor.does(change)

    assert visitor.cookie != old
    assert visitor.sees() == {"name": "Bob"}
    assert Visitor(old).sees() == {}


@pytest.mark.parametrize(
    "cookie",
    ["", "short", "a" * 32, "p" * 88, "ä" * 40, token_of(UNKNOWN_ID), "x" * 5000],
)
def test_an_unknown_cookie_is_never_adopted(visitor: Visitor, cookie: str) -> None:
    browser = Visitor(cookie)

    assert browser.sees() == {}
    browser = Visitor(cookie)
    browser.sets(name="Ada")

    assert browser.cookie != cookie
    assert id_of(browser.cookie) != UNKNOWN_ID
    assert browser.sees() == {"name": "Ada"}


def test_a_changed_signature_gives_nothing(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(name="Ada")
    store.take_calls()
    token = visitor.cookie
    last = "A" if token[-2] != "A" else "B"

    for cookie in (token[:-2] + last + token[-1], "p" + token, token[1:], token + "A"):
        assert Visitor(cookie).sees() == {}
    assert store.take_calls() == []


def test_a_former_key_of_the_project_is_still_good(
    visitor: Visitor, settings: Settings
) -> None:
    visitor.sets(name="Ada")
    old = visitor.cookie
    former, settings.SECRET_KEY = settings.SECRET_KEY, "the new key"
    assert visitor.twin().sees() == {}

    settings.SECRET_KEY_FALLBACKS = [former]

    assert visitor.sees() == {"name": "Ada"}
    visitor.sets(name="Bob")
    assert visitor.cookie != old
    settings.SECRET_KEY_FALLBACKS = []
    assert visitor.sees() == {"name": "Bob"}


def test_a_failed_view_saves_nothing(visitor: Visitor) -> None:
    visitor.sets(name="Ada")

    def fail(request: HttpRequest) -> HttpResponse:
        session_of(request)["name"] = "Bob"
        return HttpResponse("failed", status=500)

    assert cookies(visitor.requests(fail)) == []
    assert visitor.sees() == {"name": "Ada"}


def test_a_value_that_cannot_be_kept_is_told_with_its_place(
    session: SessionStore,
) -> None:
    session["cart"] = {"made by": object()}

    with pytest.raises(
        TypeError, match=r"session\['cart'\]\['made by'\] is of the type"
    ):
        session.save()


def test_the_store_shows_nobody_a_session(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(name="Ada")

    for key in store:
        for text in (key, key.rpartition("-")[2], store.get(key).decode("latin-1")):
            assert Visitor(text).sees() == {}
    assert key_of(visitor.cookie) in store
