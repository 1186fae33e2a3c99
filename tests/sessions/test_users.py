"""The sessions of users: listed, counted, ended."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from minimalkv import (
    InvalidArgument,
    get_store_from_url,
)
from minimalkv.sessions import (
    SessionManager,
    ref_of,
)
from tests.clocks import FakeClock
from tests.pausing import PausingDecorator
from tests.sessions.tools import LIFETIME, begin, sign_in, use


def test_sessions_are_listed_counted_and_shown(
    manager: SessionManager, clock: FakeClock
) -> None:
    anonymous = begin(manager, cart=1)
    ada = sign_in(manager, 7, name="Ada")

    found = {info.ref: info for info in manager.list()}
    assert found.keys() == {ref_of(anonymous), ref_of(ada)}
    info = found[ref_of(ada)]
    assert info.user == "7"
    assert info.created == datetime.fromtimestamp(clock.secs, UTC)
    assert info.expires == datetime.fromtimestamp(clock.secs + LIFETIME, UTC)
    assert [one.ref for one in manager.list(7)] == [ref_of(ada)]
    assert [manager.count(), manager.count("7"), manager.count(8)] == [2, 1, 0]
    assert manager.show(ref_of(ada)) == {"name": "Ada"}
    assert manager.show(ada) is None
    assert ada not in repr(list(manager.list()))


def test_revoke_ends_all_sessions_of_one_user(
    manager: SessionManager, store: PausingDecorator
) -> None:
    ids = [sign_in(manager, "ada", number=number) for number in range(3)]
    bob, anonymous = sign_in(manager, "bob", n=1), begin(manager, n=1)
    slow = manager.open(ids[0])
    slow.data["late"] = True

    assert manager.revoke(user="ada") == 3

    assert not slow.save()
    assert [manager.open(one).data for one in ids] == [{}, {}, {}]
    assert manager.open(bob).data == manager.open(anonymous).data == {"n": 1}
    assert manager.revoke(user="ada") == 0
    assert "mkv-user-ada" not in list(store)


def test_a_session_of_somebody_else_now_is_not_ended(manager: SessionManager) -> None:
    session_id = sign_in(manager, "ada", n=1)
    session = manager.open(session_id)
    session.bind("bob")
    session.save()

    assert manager.revoke(user="ada") == 0
    assert manager.open(session_id).user == "bob"
    assert manager.revoke(user="bob") == 1


def test_a_sign_in_during_a_sign_out_everywhere_can_be_ended_later(
    manager: SessionManager, store: PausingDecorator
) -> None:
    ended: list[int] = []
    # Listed by now, and not stored yet.
    store.pause(5, "before", lambda: ended.append(manager.revoke(user="ada")))

    session_id = sign_in(manager, "ada", n=1)

    assert store.has_paused
    assert ended == [0]
    assert manager.open(session_id).data == {"n": 1}
    assert manager.revoke(user="ada") == 1
    assert manager.open(session_id).data == {}


def test_who_signs_in_while_another_request_takes_a_new_id_can_be_signed_out(
    manager: SessionManager, clock: FakeClock
) -> None:
    session_id = begin(manager, n=1)
    slow = manager.open(session_id)
    slow.regenerate()
    bind(manager, session_id, "ada")
    assert slow.save()

    clock.advance(301)  # the old id does not lead to the new one any more

    assert manager.open(slow.id).user == "ada"
    assert manager.revoke(user="ada") == 1
    assert manager.open(slow.id).data == {}


@pytest.mark.parametrize("changes", [False, True])
def test_what_a_request_does_later_leaves_the_sign_in_of_another(
    manager: SessionManager, changes: bool
) -> None:
    session_id = begin(manager, n=1)
    atomic, twice = manager.open(session_id), manager.open(session_id)
    atomic.data["a"] = twice.data["b"] = 1
    bind(manager, session_id, "ada")

    atomic.atomic(lambda data: data.update(n=2))
    assert twice.save()
    if changes:
        atomic.data["c"] = twice.data["d"] = 1
    for one in (atomic, twice):
        assert one.save()
        assert one.user == "ada"

    assert manager.open(session_id).user == "ada"
    assert manager.revoke(user="ada") == 1


def bind(manager: SessionManager, session_id: str, user: str) -> None:
    session = manager.open(session_id)
    session.bind(user)
    assert session.save()


@pytest.mark.parametrize(
    "options", [{}, {"absolute_secs": float("inf")}, {"lifetime_secs": 1e12}]
)
def test_who_signs_in_for_no_time_or_for_ever_is_listed(
    store: PausingDecorator, options: dict[str, Any]
) -> None:
    manager = SessionManager(store, **options)
    session = manager.open(sign_in(manager, "ada", n=1))

    assert manager.count("ada") == 1
    session.bind("bob")
    assert session.save(0)
    assert manager.count("bob") == 0
    assert sign_in(manager, "bob", n=1)
    assert manager.revoke(user="bob") == 1


def test_a_list_that_is_unreadable_is_told_to_the_log(
    manager: SessionManager, caplog: pytest.LogCaptureFixture
) -> None:
    for text in (b"{", b"[]", b'{"v":1,"sessions":{"a":1%s}}' % (b"0" * 400)):
        manager.store.put("mkv-user-ada", text)
        caplog.clear()
        assert manager.count("ada") == 0
        assert "list of a user's sessions is unreadable" in caplog.text
        sign_in(manager, "ada", n=1)
        assert manager.revoke(user="ada") == 1


def test_one_session_is_ended_by_its_id_or_ref(manager: SessionManager) -> None:
    one, other = begin(manager, n=1), begin(manager, n=2)

    assert manager.revoke(session_id=one) == 1
    assert manager.revoke(session_id=one) == 0
    assert manager.revoke(ref=ref_of(other)) == 1
    assert manager.count() == 0
    assert manager.revoke(ref="") == manager.revoke(session_id="") == 0
    with pytest.raises(InvalidArgument, match="one of"):
        manager.revoke()
    with pytest.raises(InvalidArgument, match="one of"):
        manager.revoke(user=1, ref="a")


def test_a_user_with_any_name_can_be_signed_out(manager: SessionManager) -> None:
    names = ["ü@example.org", "a" * 500, "", "../..", "x\n", "-", "mkv-user-"]
    for name in names:
        sign_in(manager, name, n=1)

    assert [manager.revoke(user=name) for name in names] == [1] * len(names)


def test_the_list_of_a_user_does_not_grow_for_ever(
    manager: SessionManager, store: PausingDecorator, clock: FakeClock
) -> None:
    for _ in range(20):
        sign_in(manager, "ada", n=1)
        clock.advance(LIFETIME)

    (key,) = (key for key in store if key.startswith("mkv-user-"))
    assert len(manager.store.get(key)) < 500
    assert manager.count("ada") == 0


def test_a_renewed_session_stays_listed(
    manager: SessionManager, clock: FakeClock
) -> None:
    session_id = sign_in(manager, "ada", n=1)

    for _ in range(50):
        clock.advance(LIFETIME / 2)
        use(manager, session_id)

    assert manager.revoke(user="ada") == 1


def test_purge_deletes_what_has_expired(tmp_path: Path, clock: FakeClock) -> None:
    with get_store_from_url(f"hfs://{tmp_path}/data?fsync=false") as store:
        manager = SessionManager(store, lifetime_secs=100)
        manager.store._clock = clock  # type: ignore[attr-defined] # that of the wrapper
        store.put("other", b"stays")
        sign_in(manager, "ada", n=1)
        clock.advance(100)
        begin(manager, n=2)
        clock.advance(1000)
        begin(manager, n=3)

        assert manager.purge() == 4
        assert manager.purge() == 0
        assert manager.count() == 1
        assert len(list(store)) == 2
