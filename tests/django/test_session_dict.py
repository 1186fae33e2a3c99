"""What every session of Django can do, whatever its engine."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core import management
from pytest_django import Settings

from minimalkv.ttl import with_ttl
from minimalkv_django.sessions import SessionStore
from tests.clocks import FakeClock
from tests.django.visitors import (
    UNKNOWN_ID,
    reopened,
    store_has,
    stored,
    token_of,
)
from tests.watched import WatchedStore

Action = Callable[[], object]
Expiry = int | timedelta | datetime

NOW = datetime(2027, 1, 15, 8, 30, tzinfo=UTC)


# A dict, more or less.


def test_a_new_session_is_untouched_and_empty(session: SessionStore) -> None:
    assert (session.modified, session.accessed) == (False, False)
    assert session.is_empty()
    assert session.session_key is None


def test_reading_is_an_access_and_no_change(session: SessionStore) -> None:
    session["name"] = "Ada"
    uses: list[Action] = [
        lambda: session["name"],
        lambda: session.get("name"),
        lambda: session.get("other", 1),
        lambda: "name" in session,
        lambda: session.has_key("name"),
        lambda: list(session.keys()),
        lambda: list(session.values()),
        lambda: list(session.items()),
        lambda: session.setdefault("name", "Bob"),
        lambda: session.pop("other", None),
        lambda: session.get_expiry_age(),
        lambda: session.test_cookie_worked(),
    ]

    for use in uses:
        session.modified = session.accessed = False
        use()
        assert (session.modified, session.accessed) == (False, True)
    assert dict(session.items()) == {"name": "Ada"}


def test_changing_is_an_access_and_a_change(session: SessionStore) -> None:
    uses: list[Action] = [
        lambda: session.__setitem__("a", 1),
        lambda: session.update({"a": 2}),
        lambda: session.setdefault("b", 3),
        lambda: session.pop("b"),
        lambda: session.set_test_cookie(),
        lambda: session.delete_test_cookie(),
        lambda: session.set_expiry(5),
        lambda: session.set_expiry(None),
        lambda: session.__delitem__("a"),
        lambda: session.clear(),
        lambda: session.flush(),
    ]

    for use in uses:
        session.modified = session.accessed = False
        use()
        assert (session.modified, session.accessed) == (True, True)
    assert session.is_empty()


def test_a_missing_key_is_a_key_error(session: SessionStore) -> None:
    with pytest.raises(KeyError):
        session["name"]
    with pytest.raises(KeyError):
        session.pop("name")
    with pytest.raises(KeyError):
        del session["name"]
    assert not session.modified


def test_the_test_cookie_works_until_it_is_deleted(session: SessionStore) -> None:
    assert not session.test_cookie_worked()
    session.set_test_cookie()
    session.save()

    session = reopened(session)
    assert session.test_cookie_worked()
    session.delete_test_cookie()

    assert not session.test_cookie_worked()


def test_a_change_inside_of_a_value_is_noticed(store: WatchedStore) -> None:
    session = reopened(stored(cart=[1]))
    store.take_calls()

    session["cart"].append(2)

    assert session.modified
    session.save()
    assert reopened(session)["cart"] == [1, 2]


def test_a_change_after_it_was_called_unmodified_is_noticed(
    session: SessionStore,
) -> None:
    session["cart"] = [1]
    session.modified = False
    assert not session.modified

    session["cart"].append(2)

    assert session.modified


def test_the_key_of_a_session_cannot_be_assigned(session: SessionStore) -> None:
    with pytest.raises(AttributeError):
        setattr(session, "session_key", token_of(UNKNOWN_ID))  # noqa: B010 - as text, for mypy knows better


def test_data_is_encoded_and_decoded_as_by_other_engines(session: SessionStore) -> None:
    data = {"a key": ["a value"]}

    assert session.decode(session.encode(data)) == data
    assert session.decode("broken") == {}


# When it ends.


def test_an_expiry_is_an_age_and_a_date(session: SessionStore) -> None:
    for expiry in (10, NOW + timedelta(seconds=10)):
        session.set_expiry(expiry)
        assert session.get_expiry_age(modification=NOW) == 10
        assert session.get_expiry_date(modification=NOW) == NOW + timedelta(seconds=10)
        assert not session.get_expire_at_browser_close()


def test_a_timedelta_is_counted_from_now_on(session: SessionStore) -> None:
    session.set_expiry(timedelta(seconds=100))

    assert 98 <= session.get_expiry_age() <= 100
    left = session.get_expiry_date() - datetime.now(UTC)
    assert timedelta(seconds=98) < left <= timedelta(seconds=100)


def test_without_an_expiry_the_age_of_the_cookie_counts(
    session: SessionStore, settings: Settings
) -> None:
    settings.SESSION_COOKIE_AGE = 77
    later = NOW + timedelta(seconds=77)

    assert session.get_expiry_age() == 77
    assert session.get_expiry_date(modification=NOW) == later
    for expiry in (0, 10, None, None):
        session.set_expiry(expiry)
    assert session.get_expiry_age() == 77
    session.set_expiry(0)
    assert session.get_expiry_age() == 77


def test_an_expiry_of_zero_ends_with_the_browser(
    session: SessionStore, settings: Settings
) -> None:
    for everybody in (False, True):
        settings.SESSION_EXPIRE_AT_BROWSER_CLOSE = everybody
        session.set_expiry(10)
        assert not session.get_expire_at_browser_close()
        session.set_expiry(0)
        assert session.get_expire_at_browser_close()
        session.set_expiry(None)
        assert session.get_expire_at_browser_close() is everybody


def test_a_session_is_not_seen_after_its_expiry(
    store: WatchedStore, clock: FakeClock
) -> None:
    ends: tuple[Expiry, ...] = (
        10,
        timedelta(seconds=10),
        datetime.now(UTC) + timedelta(seconds=10),
    )
    sessions = [SessionStore() for _ in ends]
    for session, expiry in zip(sessions, ends, strict=True):
        session.set_expiry(expiry)
        session["name"] = "Ada"
        session.save()

    clock.advance(7)
    assert [reopened(session)["name"] for session in sessions] == ["Ada"] * 3
    clock.advance(4)

    assert not any("name" in reopened(session) for session in sessions)
    assert not any(store_has(session) for session in sessions)


def test_an_expiry_in_the_past_is_the_end(
    session: SessionStore, store: WatchedStore
) -> None:
    session["name"] = "Ada"
    session.set_expiry(-10)
    session.save()

    assert "name" not in reopened(session)
    assert list(store) == []


def test_clearsessions_deletes_what_has_expired(
    store: WatchedStore, clock: FakeClock, settings: Settings
) -> None:
    expiring = with_ttl(store)
    if expiring is store:
        expiring = store._dstore
    expiring._clock = clock  # type: ignore[attr-defined] # each has one
    settings.MINIMALKV_SESSION_STORE = expiring
    settings.SESSION_COOKIE_AGE = 60
    stored(name="Bob")
    settings.SESSION_COOKIE_AGE = 3600
    ada = stored(name="Ada")
    clock.advance(61)
    held = getattr(expiring, "d", store)  # what has expired and is there, too
    assert len(list(held)) == 2

    management.call_command("clearsessions")

    assert len(list(held)) == 1
    assert reopened(ada)["name"] == "Ada"
