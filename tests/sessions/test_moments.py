"""What happens in the middle of a request, at each moment of it."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

import pytest

from minimalkv.sessions import Session, SessionManager
from tests.pausing import PausingDecorator
from tests.sessions.tools import begin

Action = Callable[[SessionManager, Session], None]


def change(_manager: SessionManager, session: Session) -> None:
    session.data["late"] = True


def change_what_others_change(manager: SessionManager, session: Session) -> None:
    session.data["late"] = True
    manager.atomic(session.id, lambda data: data.update(theirs=True))


def change_id(_manager: SessionManager, session: Session) -> None:
    session.regenerate()
    session.data["late"] = True


def moments() -> Iterator[tuple[int, str]]:
    """Name each moment after the session was loaded, without an end."""
    yield 1, "after"
    for number in count(2):
        yield number, "before"
        yield number, "after"


def run_at_each_moment(
    manager: SessionManager,
    store: PausingDecorator,
    action: Action,
    event: Callable[[str], object],
    check: Callable[[str, Session], None],
) -> None:
    """Let the event happen at each moment of a request with the action, then check."""
    least = 5 if action is change_id else 3
    for done, (number, when) in enumerate(moments()):
        session_id = begin(manager, user="Ada")
        slow = manager.open(session_id)
        store.pause(number, when, partial(event, session_id))
        action(manager, slow)
        is_saved = slow.save()
        is_over = (number, when) == (store.number, "after")
        store.stop()
        if not store.has_paused:
            assert done >= least
            return
        assert is_saved == is_over
        check(session_id, slow)


actions = pytest.mark.parametrize(
    "action", [change, change_what_others_change, change_id]
)


@actions
def test_a_sign_out_in_the_middle_of_a_request_is_final(
    manager: SessionManager, store: PausingDecorator, action: Action
) -> None:
    def sign_out(session_id: str) -> None:
        manager.open(session_id).destroy()

    def check(session_id: str, slow: Session) -> None:
        assert manager.open(session_id).data == {}
        assert manager.open(slow.id).data == {}
        assert manager.count() == 0

    run_at_each_moment(manager, store, action, sign_out, check)


@actions
def test_a_new_id_in_the_middle_of_a_request_is_final(
    manager: SessionManager, store: PausingDecorator, action: Action
) -> None:
    new_ids: list[str] = []

    def change_id(session_id: str) -> None:
        other = manager.open(session_id)
        other.regenerate()
        assert other.save()
        new_ids.append(other.id)

    def check(session_id: str, slow: Session) -> None:
        new = new_ids.pop()
        assert manager.open(session_id).data == {}
        ids = [one for one in {slow.id, new} if manager.open(one).data.get("user")]
        assert len(ids) == 1
        assert manager.revoke(session_id=ids[0]) == 1
        assert manager.open(ids[0]).data == {}

    run_at_each_moment(manager, store, action, change_id, check)
