"""When a session asks the store, writes, and sends a cookie."""

from datetime import timedelta

from flask import Flask, session

from minimalkv.ttl import with_ttl
from tests.clocks import FakeClock
from tests.costs import SessionCosts
from tests.flask.visitors import (
    Action,
    Visitor,
    cookies,
    key_of,
    nothing,
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

    for browser in (visitor, Visitor(visitor.app), Visitor(visitor.app, "forged")):
        response = browser.does(nothing)
        assert (cookies(response), varies(response)) == ([], False)
    assert visitor.client.get("/static/missing.css").status_code == 404
    assert visitor.client.options("/").status_code == 200
    assert store.take_calls() == []


def test_an_unused_session_is_not_made_by_calling_it_modified(
    visitor: Visitor, store: WatchedStore
) -> None:
    def change() -> None:
        session.modified = True

    assert cookies(visitor.does(change)) == []
    assert store.take_calls() == []


def test_a_permanent_cookie_is_sent_again_without_asking_the_store(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(name="Ada", _permanent=True)
    store.take_calls()

    response = visitor.does(nothing)

    assert len(cookies(response)) == 1
    assert varies(response)
    assert store.take_calls() == []
    assert visitor.sees() == {"name": "Ada", "_permanent": True}


def test_a_permanent_cookie_is_left_alone_without_refresh(visitor: Visitor) -> None:
    visitor.app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    visitor.sets(name="Ada", _permanent=True)

    assert cookies(visitor.does(nothing)) == []
    assert cookies(visitor.does(lambda: session["name"])) == []
    assert len(cookies(visitor.sets(name="Bob"))) == 1


def test_a_change_inside_of_a_value_is_stored(visitor: Visitor) -> None:
    visitor.sets(cart={"items": [1]}, name="Ada")

    visitor.does(lambda: session["cart"]["items"].append(2))

    assert visitor.sees() == {"cart": {"items": [1, 2]}, "name": "Ada"}


def test_a_change_inside_of_a_value_sends_the_cookie(visitor: Visitor) -> None:
    """The record lives longer after it is written, and so does the cookie then."""
    visitor.app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    visitor.sets(cart=[1], _permanent=True)

    assert len(cookies(visitor.does(lambda: session["cart"].append(2)))) == 1


def test_a_true_for_a_one_is_a_change(visitor: Visitor) -> None:
    visitor.sets(flag=1)

    visitor.sets(flag=True)

    assert visitor.sees()["flag"] is True


def test_a_record_is_renewed_only_after_a_part_of_its_life(
    visitor: Visitor, store: WatchedStore, clock: FakeClock
) -> None:
    visitor.app.permanent_session_lifetime = timedelta(seconds=1000)
    visitor.sets(name="Ada")
    key = key_of(visitor.sid)
    store.take_calls()

    clock.advance(40)
    visitor.sees()
    assert store.take_calls() == ["get_with_meta"]
    with_ttl(store).touch(key, 940)
    clock.advance(20)
    store.take_calls()
    visitor.sees()

    assert store.take_calls() == ["get_with_meta", "put"]
    assert (with_ttl(store).ttl(key) or 0) > 990


def test_a_response_varies_with_every_kind_of_access(visitor: Visitor) -> None:
    uses: list[Action] = [
        lambda: "name" in session,
        lambda: len(session),
        lambda: list(session),
        lambda: bool(session),
        lambda: session.get("name"),
        lambda: session.pop("name", None),
        lambda: session == {},
    ]

    for use in uses:
        assert varies(visitor.does(use))


def test_every_method_counts_as_access_without_the_proxy(app: Flask) -> None:
    with app.test_request_context() as context:
        for use in (len, list, bool, lambda s: "name" in s, lambda s: s.get("name")):
            opened = app.session_interface.open_session(app, context.request)
            assert opened is not None
            assert not opened.accessed
            use(opened)
            assert opened.accessed
