"""Sessions that another package began."""

from typing import Any

import pytest

from minimalkv.sessions import (
    Legacy,
    SessionManager,
    SessionUnavailable,
)
from tests.clocks import FakeClock
from tests.pausing import PausingDecorator
from tests.sessions.tools import fail


def test_a_session_of_another_package_is_taken_over_once(
    manager: SessionManager, store: PausingDecorator
) -> None:
    old: dict[str, dict[str, Any]] = {"old": {"user": "Ada"}}

    def read() -> Legacy | None:
        return Legacy(old["old"], old.clear) if old else None

    first = manager.open("follows", legacy=read)
    second = manager.open("follows", legacy=read)
    assert first.data == {"user": "Ada"}
    assert (first.id, first.is_new, old) == ("follows", False, {})
    assert second.data == {"user": "Ada"}
    second.destroy()
    first.data["late"] = True
    assert not first.save()
    assert manager.open("follows", legacy=read).data == {}


def test_of_two_requests_with_an_old_cookie_both_get_one_session(
    manager: SessionManager, store: PausingDecorator
) -> None:
    def read() -> Legacy:
        return Legacy({"user": "Ada"}, list)

    other = manager.open("follows", legacy=read)

    def be_faster() -> None:
        other.data["theirs"] = 1
        assert other.save()

    store.pause(2, "before", be_faster)

    one = manager.open("follows", legacy=read)
    one.data["mine"] = 2
    assert one.save()

    expected = {"user": "Ada", "theirs": 1, "mine": 2}
    assert manager.open("follows").data == expected


def test_an_old_store_that_is_down_signs_nobody_out(manager: SessionManager) -> None:
    def fail() -> Legacy:
        raise ConnectionError("the old Redis is down")

    with pytest.raises(SessionUnavailable, match="the old Redis is down"):
        manager.open("follows", legacy=fail).data  # noqa: B018 - it is loaded


def test_what_cannot_be_kept_of_an_old_session_is_told_to_the_log(
    manager: SessionManager, caplog: pytest.LogCaptureFixture
) -> None:
    session = manager.open("follows", legacy=lambda: Legacy({"a": object()}, list))

    assert session.data == {}
    assert "session['a'] is of the type object" in caplog.text


def test_an_old_record_that_cannot_be_deleted_is_told_to_the_log(
    manager: SessionManager, caplog: pytest.LogCaptureFixture
) -> None:
    session = manager.open("follows", legacy=lambda: Legacy({"a": 1}, fail))

    assert session.data == {"a": 1}
    assert "taken over and not deleted: StoreUnavailable" in caplog.text


def test_a_spent_cookie_is_remembered_as_long_as_it_would_be_good(
    manager: SessionManager, clock: FakeClock
) -> None:
    manager.spend("cookie", 100)

    assert manager.is_spent("cookie")
    assert not manager.is_spent("another")
    assert (manager.count(), manager.open("cookie").data) == (0, {})
    clock.advance(101)
    assert not manager.is_spent("cookie")
