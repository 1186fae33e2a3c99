"""What sessions promise, on each store that is reached over a network."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import pytest

from minimalkv.sessions import Session, SessionManager, ref_of
from tests.net.backend import KINDS, Backend, on, one_of
from tests.pausing import PausingDecorator
from tests.sessions.tools import LIFETIME, begin, check_two_processes, until, use

_MANY = 500

backend = one_of(*KINDS)


@pytest.fixture
def inner(backend: Backend) -> Iterator[Any]:
    with backend.opened(backend.url()) as inner:
        yield inner


def test_changes_from_two_processes_all_survive(backend: Backend) -> None:
    times = _MANY if backend.name == "redis" else 25
    check_two_processes(backend.url(), times)


@pytest.mark.stress
@on("s3", "azure", "gcs")
def test_many_changes_from_two_processes_all_survive(backend: Backend) -> None:
    check_two_processes(backend.url(), _MANY)


# What happens in the middle of a request.

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


# Time.


def test_a_session_and_its_record_end_in_time(
    manager: SessionManager, store: PausingDecorator
) -> None:
    session_id = begin(manager, user="Ada")
    left_secs = manager.store.ttl(f"mkv-session-{ref_of(session_id)}")
    assert left_secs is not None
    assert LIFETIME - 60 < left_secs <= LIFETIME

    assert use(manager, session_id).save(0.3)
    until(lambda: manager.open(session_id).data == {})

    assert manager.open(session_id).is_new
    until(lambda: manager.purge() == 0 and list(store) == [])
