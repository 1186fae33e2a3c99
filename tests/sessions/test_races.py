"""What two requests do at once."""

from pathlib import Path

from minimalkv._contract.tools import together
from minimalkv.sessions import (
    SessionManager,
)
from tests.pausing import PausingDecorator
from tests.sessions.tools import begin, check_two_processes, use


def test_changes_of_different_keys_all_survive(manager: SessionManager) -> None:
    session_id = begin(manager, both=0, goes=0, stays=0, deep={"a": 0})
    one, other = manager.open(session_id), manager.open(session_id)
    one.data.update(both=1, one=1, deep={"a": 1})
    other.data.update(both=2, other=2)
    del other.data["goes"]

    assert other.save()
    assert one.save()

    expected = {"both": 1, "stays": 0, "deep": {"a": 1}, "one": 1, "other": 2}
    assert manager.open(session_id).data == one.data == expected


def test_changes_from_many_threads_all_survive(manager: SessionManager) -> None:
    session_id = begin(manager)

    def change(number: int) -> None:
        for step in range(500):
            assert use(manager, session_id, **{f"{number}-{step}": step}).data

    together(2, change)

    assert len(manager.open(session_id).data) == 1000


def test_changes_from_two_processes_all_survive(tmp_path: Path) -> None:
    check_two_processes(f"hfs://{tmp_path}/data?fsync=false", 500)


def test_atomic_from_threads_loses_no_increment(manager: SessionManager) -> None:
    session_id = begin(manager, n=0)

    def increment(_number: int) -> None:
        for _ in range(25):
            manager.atomic(session_id, lambda data: data.update(n=data["n"] + 1))

    together(4, increment)

    assert manager.open(session_id).data == {"n": 100}


def test_atomic_returns_what_is_stored_and_may_replace_all(
    manager: SessionManager,
) -> None:
    session_id = begin(manager, n=1)

    assert manager.atomic(session_id, lambda data: {"m": data["n"] + 1}) == {"m": 2}
    assert manager.open(session_id).data == {"m": 2}
    assert manager.atomic("unknown", lambda data: data.update(n=1)) is None


def test_atomic_keeps_what_the_request_did_not_save_yet(
    manager: SessionManager,
) -> None:
    session_id = begin(manager, n=0)
    session = manager.open(session_id)
    session.data["mine"] = 1
    use(manager, session_id, theirs=2)

    session.atomic(lambda data: data.update(n=data["n"] + 1))

    assert session.data == {"n": 1, "mine": 1, "theirs": 2}
    assert manager.open(session_id).data == {"n": 1, "theirs": 2}
    assert session.save()
    assert manager.open(session_id).data == {"n": 1, "mine": 1, "theirs": 2}


def test_atomic_of_a_new_session_waits_for_its_save(
    manager: SessionManager, store: PausingDecorator
) -> None:
    session = manager.open()

    session.atomic(lambda data: data.update(n=1))

    assert (session.data, list(store)) == ({"n": 1}, [])


def test_a_session_that_was_ended_is_not_stored_again(
    manager: SessionManager, store: PausingDecorator
) -> None:
    session_id = begin(manager, user="Ada")
    slow, done = manager.open(session_id), manager.open(session_id)
    slow.data["late"] = True
    slower = manager.open(session_id)
    slower.atomic(lambda data: data.update(n=1))
    done.destroy()

    slower.atomic(lambda data: data.update(n=2))
    assert not slow.save()
    assert not slow.save()
    assert not slower.save()
    assert list(store) == []
    assert (done.data, done.is_new) == ({}, True)
