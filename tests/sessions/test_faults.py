"""Sessions while a store fails, and on one that is unfit."""

from collections.abc import Callable
from itertools import count
from typing import Any, Final

import pytest

from minimalkv import (
    InvalidArgument,
    KeyValueStore,
    Unsupported,
    _clock,
)
from minimalkv.decorator import ReadOnlyDecorator
from minimalkv.memory import DictStore
from minimalkv.sessions import (
    Session,
    SessionManager,
    SessionUnavailable,
)
from tests.pausing import PausingDecorator
from tests.sessions.tools import begin, fail, sign_in

_LEAVES: Final = 3


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", [1, 2, _LEAVES])
def test_an_outage_is_told_and_loses_nothing(
    manager: SessionManager, store: PausingDecorator, number: int, when: str
) -> None:
    """In a sign-in: the calls are load, store under the new id, leave the old one."""
    old = begin(manager, cart=1)

    def fail_twice() -> None:
        store.pause(1, when, fail)
        fail()

    store.pause(number, when, fail_twice if number == _LEAVES else fail)

    session = manager.open(old)
    with pytest.raises(SessionUnavailable, match="No session can be used"):
        _sign_in(session)
    if not session.is_loaded:
        _sign_in(session)

    assert session.save()
    assert manager.open(session.id).data == {"cart": 1, "user": "Ada"}
    assert manager.open(old).data == {}
    assert manager.count() == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_sign_in_whose_last_answer_is_cut_is_none_the_worse(
    manager: SessionManager, store: PausingDecorator, when: str
) -> None:
    old = begin(manager, cart=1)
    store.pause(_LEAVES, when, fail)

    session = manager.open(old)
    _sign_in(session)

    assert store.has_paused
    assert manager.open(session.id).data == {"cart": 1, "user": "Ada"}
    assert manager.open(old).data == {}


def test_nobody_waits_for_a_second_timeout(
    manager: SessionManager, store: PausingDecorator, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = manager.open(begin(manager, cart=1))
    store.pause(_LEAVES, "before", fail)
    monkeypatch.setattr(_clock, "elapsed", count(0, 2).__next__)

    with pytest.raises(SessionUnavailable):
        _sign_in(session)

    assert store.number == _LEAVES


def _sign_in(session: Session) -> None:
    session.data["user"] = "Ada"
    session.regenerate()
    session.save()


def test_a_new_session_whose_reply_was_lost_can_be_saved_again(
    manager: SessionManager, store: PausingDecorator
) -> None:
    session = manager.open()
    session.data["n"] = 1
    store.pause(1, "after", fail)
    with pytest.raises(SessionUnavailable):
        session.save()

    session.data["n"] = 2
    assert session.save()
    assert manager.open(session.id).data == {"n": 2}


@pytest.mark.parametrize(
    "work",
    [
        lambda manager, _: list(manager.list("ada")),
        lambda manager, _: manager.show("a" * 64),
        lambda manager, one: manager.revoke(session_id=one),
        lambda manager, _: manager.revoke(user="ada"),
        lambda manager, one: manager.atomic(one, lambda data: data.update(a=1)),
    ],
)
def test_every_outage_is_a_session_unavailable(
    manager: SessionManager,
    store: PausingDecorator,
    work: Callable[[SessionManager, str], object],
) -> None:
    session_id = sign_in(manager, "ada", n=1)
    store.pause(1, "before", fail)

    with pytest.raises(SessionUnavailable):
        work(manager, session_id)

    assert manager.open(session_id).data == {"n": 1}


# Which stores and numbers are good enough.


@pytest.mark.parametrize("unfit", [ReadOnlyDecorator(DictStore()), KeyValueStore()])
def test_a_store_that_would_lose_changes_is_refused(unfit: KeyValueStore) -> None:
    with pytest.raises(Unsupported, match=r"read only|another store"):
        SessionManager(unfit)


@pytest.mark.parametrize("secs", [0, -1, float("nan"), True, "60"])
@pytest.mark.parametrize("name", ["lifetime_secs", "absolute_secs", "touch_secs"])
def test_seconds_are_numbers_above_zero(name: str, secs: Any) -> None:
    with pytest.raises(InvalidArgument, match=rf"{name} is .* not "):
        SessionManager("memory://", **{name: secs})
