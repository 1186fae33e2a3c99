"""What another request does in the middle of one: nobody comes back from a sign-out."""

from collections.abc import Callable
from functools import partial

import pytest
from flask import session

from minimalkv import KeyValueStore
from minimalkv.sessions import SessionManager
from minimalkv_flask import KVSession
from tests.flask.visitors import Visitor, clear, cookies, living, make_app, regenerate
from tests.pausing import PausingDecorator

# One request makes at most 8 calls here; a moment that does not come is the end of it.
MOMENTS = [(1, "after")]
MOMENTS += [(number, when) for number in range(2, 9) for when in ("before", "after")]
moments = pytest.mark.parametrize(("number", "when"), MOMENTS)


@pytest.fixture
def store(inner: KeyValueStore) -> PausingDecorator:
    return PausingDecorator(inner)


@pytest.fixture
def slow(store: PausingDecorator) -> Visitor:
    return signed_in(store)


def signed_in(store: PausingDecorator) -> Visitor:
    """Return a visitor in whose next request something else will happen."""
    visitor = Visitor(make_app(store))
    visitor.sets(user="Ada", _permanent=True)
    return visitor


Action = Callable[[PausingDecorator], None]


def change(_store: PausingDecorator) -> None:
    session["late"] = True


def change_what_others_change(store: PausingDecorator) -> None:
    session["late"] = True
    assert isinstance(session, KVSession)
    manager = SessionManager(store)
    manager.atomic(session.sid, lambda data: data.update(theirs=True))


def change_id(_store: PausingDecorator) -> None:
    regenerate()
    session["late"] = True


def change_id_of_what_others_change(store: PausingDecorator) -> None:
    change_what_others_change(store)
    regenerate()


def remove_all(_store: PausingDecorator) -> None:
    """Empty the session, as who shows the last message does: that is no sign-out."""
    for name in [*session]:
        session.pop(name)


def is_told(store: PausingDecorator, number: int, when: str) -> bool:
    """Tell whether the request had a chance to notice what happened."""
    return store.has_paused and (number, when) != (store.number, "after")


@moments
@pytest.mark.parametrize(
    "action",
    [change, change_what_others_change, change_id, change_id_of_what_others_change],
)
def test_a_sign_out_in_the_middle_of_a_request_is_final(
    slow: Visitor, store: PausingDecorator, action: Action, number: int, when: str
) -> None:
    has_come = check_sign_out(slow, store, action, number, when)
    assert has_come or number > 2


@moments
@pytest.mark.parametrize("action", [change, change_what_others_change, remove_all])
def test_a_sign_in_in_the_middle_of_a_request_is_final(
    slow: Visitor, store: PausingDecorator, action: Action, number: int, when: str
) -> None:
    has_come = check_sign_in(slow, store, action, number, when)
    assert has_come or number > 2


def check_sign_out(
    slow: Visitor, store: PausingDecorator, action: Action, number: int, when: str
) -> bool:
    """Sign out at a moment of another request; return whether that came."""
    before, other = slow.twin(), slow.twin()
    sign_out = partial(other.does, clear)
    store.pause(number, when, sign_out)

    response = slow.does(partial(action, store))
    told = is_told(store, number, when)
    store.stop()
    if not store.has_paused:
        sign_out()

    assert response.status_code == 200
    assert living(store) == []
    assert before.sees() == {}
    assert slow.sees() == {}
    if told:
        assert cookies(response) == []
    return store.has_paused


def check_sign_in(
    slow: Visitor, store: PausingDecorator, action: Action, number: int, when: str
) -> bool:
    """Take a new id at a moment of another request; return whether that came."""
    before, other = slow.twin(), slow.twin()

    def sign_in() -> None:
        regenerate()
        session["user"] = "Bob"

    store.pause(number, when, partial(other.does, sign_in))
    response = slow.does(partial(action, store))
    told = is_told(store, number, when)
    store.stop()
    if not store.has_paused:
        other.does(sign_in)

    assert response.status_code == 200
    assert before.sees() == {}
    assert slow.sees() == {}
    assert other.sees()["user"] == "Bob"
    assert len(living(store)) == 1
    if told:
        assert cookies(response) == []
    return store.has_paused


def test_of_two_sign_ins_at_once_one_has_the_session(
    slow: Visitor, store: PausingDecorator
) -> None:
    other = slow.twin()
    store.pause(2, "before", lambda: other.does(regenerate))

    response = slow.does(regenerate)

    assert cookies(response) == []
    assert other.sees() == {"user": "Ada", "_permanent": True}
    assert len(living(store)) == 1


def test_a_sign_out_with_the_old_cookie_ends_the_regenerated_session(
    slow: Visitor, store: PausingDecorator
) -> None:
    """The browser sent it before it knew the new cookie."""
    other = slow.twin()
    slow.does(regenerate)

    other.does(clear)

    assert slow.sees() == {}
    assert living(store) == []


def test_destroy_ends_the_session_before_the_response(
    slow: Visitor, store: PausingDecorator
) -> None:
    def sign_out() -> None:
        assert isinstance(session, KVSession)
        session.destroy()
        assert living(store) == []

    response = slow.does(sign_out)

    assert "Max-Age=0" in cookies(response)[0]
    assert list(store) == []


def test_what_is_put_in_after_destroy_is_a_new_session(
    slow: Visitor, store: PausingDecorator
) -> None:
    before = slow.twin()

    def begin_anew() -> None:
        assert isinstance(session, KVSession)
        session.destroy()
        session["hello"] = "again"

    slow.does(begin_anew)

    assert slow.sees() == {"hello": "again"}
    assert before.sees() == {}
    assert len(living(store)) == 1
