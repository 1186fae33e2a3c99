"""The options of the interface, given to it or in the configuration."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, session

from minimalkv import InvalidArgument
from minimalkv.sessions import SessionManager
from minimalkv_flask import KVSession, KVSessionInterface
from tests.clocks import FakeClock
from tests.flask.visitors import (
    Visitor,
    cookies,
    living,
    make_app,
    regenerate,
)
from tests.watched import WatchedStore

DAY = 24 * 3600


def configured(app: Flask, store: WatchedStore, where: str, **options: object) -> None:
    """Give options to the interface, or put them into the configuration."""
    if where == "interface":
        given: dict[str, Any] = options
        app.session_interface = KVSessionInterface(store, **given)
    else:
        app.config.update({f"SESSION_{n.upper()}": v for n, v in options.items()})


places = pytest.mark.parametrize("where", ["interface", "configuration"])


@places
@pytest.mark.parametrize("lifetime", [40 * DAY, timedelta(days=40)])
def test_a_session_ends_after_its_absolute_lifetime(
    visitor: Visitor,
    store: WatchedStore,
    clock: FakeClock,
    where: str,
    lifetime: float | timedelta,
) -> None:
    configured(visitor.app, store, where, absolute_lifetime=lifetime)
    visitor.sets(name="Ada")

    clock.advance(30 * DAY)
    assert visitor.sees() == {"name": "Ada"}
    clock.advance(9 * DAY)
    assert visitor.sees() == {"name": "Ada"}
    clock.advance(1 * DAY)
    assert visitor.sees() == {}


@places
def test_the_touch_interval_can_be_set(
    visitor: Visitor, store: WatchedStore, clock: FakeClock, where: str
) -> None:
    configured(visitor.app, store, where, touch_interval=timedelta(minutes=10))
    visitor.sets(name="Ada")
    store.take_calls()

    clock.advance(599)
    visitor.sees()
    assert store.take_calls() == ["get_with_meta"]
    clock.advance(2)
    visitor.sees()
    assert store.take_calls() == ["get_with_meta", "put"]


@places
def test_outages_can_be_errors_or_not(
    visitor: Visitor, store: WatchedStore, where: str
) -> None:
    configured(visitor.app, store, where, outage="anonymous")
    visitor.sets(name="Ada")
    store.failing = {"get"}
    assert visitor.sees() == {}

    configured(visitor.app, store, where, outage="error")
    assert visitor.does(lambda: session["name"]).status_code == 503


def test_what_is_given_wins_over_the_configuration(
    visitor: Visitor, store: WatchedStore, clock: FakeClock
) -> None:
    visitor.app.config["SESSION_ABSOLUTE_LIFETIME"] = 60
    configured(visitor.app, store, "interface", absolute_lifetime=2 * DAY)
    visitor.sets(name="Ada")

    clock.advance(DAY)

    assert visitor.sees() == {"name": "Ada"}


@places
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("absolute_lifetime", 0),
        ("absolute_lifetime", "a day"),
        ("absolute_lifetime", True),
        ("touch_interval", timedelta(seconds=-1)),
        ("outage", "ignore"),
    ],
)
def test_an_unusable_option_is_named(
    app: Flask, store: WatchedStore, where: str, name: str, value: object
) -> None:
    def act() -> None:
        configured(app, store, where, **{name: value})
        manager(app)

    with pytest.raises(InvalidArgument) as caught:
        act()
    message = str(caught.value)
    assert message.lower().startswith(("session_" + name, name))
    assert message.endswith(f"not {value!r}.")


def test_a_lifetime_of_nothing_is_named(app: Flask) -> None:
    app.permanent_session_lifetime = timedelta(0)

    with pytest.raises(
        InvalidArgument, match=r"PERMANENT_SESSION_LIFETIME is .* above"
    ):
        manager(app)


def manager(app: Flask) -> SessionManager:
    interface = app.session_interface
    assert isinstance(interface, KVSessionInterface)
    interface.is_anonymous_in_outages(app)
    return interface.manager(app)


@pytest.mark.parametrize(("options", "fsync"), [("", False), ("?fsync=true", True)])
def test_a_url_opens_a_store_that_is_fast_enough_for_sessions(
    tmp_path: Path, options: str, fsync: bool
) -> None:
    store: Any = manager(make_app(f"fs://{tmp_path}{options}")).store

    assert store._dstore.fsync is fsync


def test_one_interface_serves_applications_of_different_settings(
    store: WatchedStore, clock: FakeClock
) -> None:
    interface = KVSessionInterface(store)
    short, long = make_app(store), make_app(store)
    short.permanent_session_lifetime = timedelta(minutes=1)
    visitors = [Visitor(short), Visitor(long)]
    for visitor in visitors:
        visitor.app.session_interface = interface
        visitor.sets(name="Ada")

    clock.advance(61)

    assert [visitor.sees() for visitor in visitors] == [{}, {"name": "Ada"}]


# Users.


def sign_in(visitor: Visitor, user: object) -> None:
    def act() -> None:
        assert isinstance(session, KVSession)
        session["user"] = user
        session.bind(user)
        regenerate()

    visitor.does(act)


def test_a_user_is_signed_out_everywhere(app: Flask, store: WatchedStore) -> None:
    laptop, phone, other = Visitor(app), Visitor(app), Visitor(app)
    for visitor, user in ((laptop, 7), (phone, 7), (other, 8)):
        sign_in(visitor, user)

    assert manager(app).revoke(user=7) == 2

    assert [visitor.sees() for visitor in (laptop, phone)] == [{}, {}]
    assert other.sees() == {"user": 8}
    assert len(living(store)) == 1


def test_a_request_of_a_user_who_is_signed_out_meanwhile_stores_nothing(
    app: Flask, store: WatchedStore
) -> None:
    visitor = Visitor(app)
    sign_in(visitor, 7)

    def act() -> None:
        session["late"] = True
        manager(app).revoke(user=7)

    assert cookies(visitor.does(act)) == []
    assert living(store) == []


def test_a_change_as_one_step_loses_no_increment(visitor: Visitor) -> None:
    visitor.sets(n=0)

    def act() -> str:
        assert isinstance(session, KVSession)
        session["mine"] = True
        for _ in range(5):
            increment(visitor.twin())
            session.atomic(lambda data: data.update(n=data["n"] + 1))
        return str(session["n"])

    assert visitor.does(act).text == "10"
    assert visitor.sees() == {"n": 10, "mine": True}


def increment(visitor: Visitor) -> None:
    def act() -> None:
        assert isinstance(session, KVSession)
        session.atomic(lambda data: data.update(n=data["n"] + 1))

    visitor.does(act)


def test_a_change_as_one_step_begins_a_session(
    visitor: Visitor, store: WatchedStore
) -> None:
    def act() -> None:
        assert isinstance(session, KVSession)
        session.atomic(lambda data: data.update(n=1))

    assert len(cookies(visitor.does(act))) == 1
    assert store.take_calls() == ["put"]
    assert visitor.sees() == {"n": 1}
