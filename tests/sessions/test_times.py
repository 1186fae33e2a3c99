"""When a session ends, and what becomes of its id."""

from contextlib import suppress

import pytest

from minimalkv.sessions import SessionManager, SessionUnavailable
from tests.clocks import FakeClock
from tests.pausing import PausingDecorator
from tests.sessions.tools import LIFETIME, begin, fail, use


def test_a_session_ends_when_nobody_uses_it(
    manager: SessionManager, clock: FakeClock
) -> None:
    session_id = begin(manager, user="Ada")

    clock.advance(LIFETIME - 1)
    assert manager.open(session_id).data == {"user": "Ada"}
    clock.advance(1)
    assert manager.open(session_id).data == {}
    assert manager.count() == 0


def test_it_is_renewed_once_in_a_twentieth_of_its_life_at_most(
    manager: SessionManager, store: PausingDecorator, clock: FakeClock
) -> None:
    session_id = begin(manager, user="Ada")
    store.take_calls()

    for _ in range(200):
        clock.advance(20)
        assert use(manager, session_id).data == {"user": "Ada"}

    assert 60 <= store.take_calls().count("put") <= 200 * 20 / (LIFETIME / 20)


def test_the_touch_interval_can_be_set(
    store: PausingDecorator, clock: FakeClock
) -> None:
    manager = SessionManager(store, lifetime_secs=LIFETIME, touch_secs=300)
    session_id = begin(manager, user="Ada")
    store.take_calls()

    for secs in (200, 99, 2):
        clock.advance(secs)
        use(manager, session_id)

    assert store.take_calls() == [*["get_with_meta"] * 3, "put"]


def test_a_touch_interval_that_is_too_long_ends_no_session_in_use(
    store: PausingDecorator, clock: FakeClock
) -> None:
    manager = SessionManager(store, lifetime_secs=LIFETIME, touch_secs=2 * LIFETIME)
    session_id = begin(manager, user="Ada")

    for _ in range(10):
        clock.advance(LIFETIME * 0.45)
        assert use(manager, session_id).data == {"user": "Ada"}


def test_a_session_ends_for_good_when_it_is_old(
    store: PausingDecorator, clock: FakeClock
) -> None:
    manager = SessionManager(store, lifetime_secs=100, absolute_secs=250)
    session_id = begin(manager, user="Ada")

    for _ in range(4):
        clock.advance(60)
        assert use(manager, session_id, seen=clock.secs).data["user"] == "Ada"
    clock.advance(10)

    assert manager.open(session_id).data == {}


def test_bind_lets_the_absolute_lifetime_begin_anew(
    store: PausingDecorator, clock: FakeClock
) -> None:
    manager = SessionManager(store, lifetime_secs=100, absolute_secs=150)
    session_id = begin(manager, cart=1)
    clock.advance(90)

    session = manager.open(session_id)
    session.bind("ada")
    session.save()
    clock.advance(90)

    assert use(manager, session_id).data == {"cart": 1}
    clock.advance(60)
    assert manager.open(session_id).data == {}


def test_a_save_may_give_another_lifetime(
    manager: SessionManager, clock: FakeClock
) -> None:
    session_id = begin(manager, user="Ada")

    manager.open(session_id).save(10)
    clock.advance(11)

    assert manager.open(session_id).data == {}


# Another id.


def test_regenerate_gives_another_id_and_the_old_one_is_worth_nothing(
    manager: SessionManager, store: PausingDecorator
) -> None:
    old = begin(manager, cart=1)
    session = manager.open(old)
    store.take_calls()
    session.data["user"] = "Ada"
    session.regenerate()
    assert manager.open(old).data == {"cart": 1}
    store.take_calls()

    assert session.save()

    assert store.take_calls() == ["put", "put"]
    assert session.id != old
    assert manager.open(old).data == {}
    assert manager.open(session.id).data == {"cart": 1, "user": "Ada"}
    assert manager.count() == 1


def test_who_ends_the_old_id_ends_what_it_has_become(
    manager: SessionManager, clock: FakeClock
) -> None:
    old = begin(manager, user="Ada")
    session = manager.open(old)
    for _ in range(20):
        session.regenerate()
        session.save()
    assert manager.open(session.id).data == {"user": "Ada"}

    left = manager.open(old)
    assert left.data == {}
    left.destroy()

    assert manager.open(session.id).data == {}
    assert manager.count() == 0


@pytest.mark.parametrize("number", range(1, 9))
def test_a_sign_out_with_the_old_id_that_failed_can_be_tried_again(
    manager: SessionManager, store: PausingDecorator, number: int
) -> None:
    old = begin(manager, user="Ada")
    session = manager.open(old)
    for _ in range(2):
        session.regenerate()
        session.save()

    left = manager.open(old)
    assert left.data == {}
    store.pause(number, "before", fail)
    with suppress(SessionUnavailable):
        left.destroy()
    store.stop()
    manager.open(old).destroy()

    assert manager.open(session.id).data == {}
    assert manager.count() == 0


def test_the_trail_of_a_session_ends_after_the_longest_request(
    manager: SessionManager, clock: FakeClock
) -> None:
    old = begin(manager, user="Ada")
    session = manager.open(old)
    session.regenerate()
    session.save()

    clock.advance(301)
    manager.open(old).destroy()

    assert manager.open(session.id).data == {"user": "Ada"}
