"""What a session costs, and who gets it."""

from collections.abc import Callable
from typing import Any

import pytest

from minimalkv.sessions import (
    SessionManager,
    ref_of,
)
from tests.pausing import PausingDecorator
from tests.sessions.tools import begin, use


def test_an_opened_session_costs_nothing(
    manager: SessionManager, store: PausingDecorator
) -> None:
    session = manager.open("some id")

    assert (session.id, session.is_loaded) == ("some id", False)
    assert "some id" not in repr(session)
    assert store.take_calls() == []


def test_new_costs_one_call_read_one_and_a_change_two(
    manager: SessionManager, store: PausingDecorator
) -> None:
    session_id = begin(manager, user="Ada")
    assert store.take_calls() == ["put"]

    session = manager.open(session_id)
    assert session.data == session.data == {"user": "Ada"}
    assert (session.is_new, session.has_changed()) == (False, False)
    assert session.save()
    assert store.take_calls() == ["get_with_meta"]

    use(manager, session_id, user="Bob")
    assert store.take_calls() == ["get_with_meta", "put"]
    assert manager.open(session_id).data == {"user": "Bob"}


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.update(a=1, cart={"n": [1]}),
        lambda data: data.update(a=data.pop("a")),
        lambda data: data["cart"].update(n=[1]),
    ],
)
def test_what_is_equal_is_not_stored(
    manager: SessionManager,
    store: PausingDecorator,
    change: Callable[[dict[str, Any]], object],
) -> None:
    session_id = begin(manager, a=1, cart={"n": [1]}, b=2)
    store.take_calls()

    session = manager.open(session_id)
    change(session.data)

    assert not session.has_changed()
    assert session.save()
    assert store.take_calls() == ["get_with_meta"]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["cart"]["n"].append(2),
        lambda data: data["cart"].update(n=[True]),
        lambda data: data["cart"].update(n=(1,)),
        lambda data: data.update(a=True),
        lambda data: data.update(a=1.0),
        lambda data: data.pop("b"),
    ],
)
def test_what_differs_is_stored(
    manager: SessionManager, change: Callable[[dict[str, Any]], object]
) -> None:
    session_id = begin(manager, a=1, cart={"n": [1]}, b=2)

    session = manager.open(session_id)
    change(session.data)

    assert session.has_changed()
    assert session.save()
    assert repr(manager.open(session_id).data) == repr(session.data)


def test_a_second_save_stores_what_came_after_the_first(
    manager: SessionManager,
) -> None:
    session = manager.open()
    for number in range(3):
        session.data[str(number)] = number
        assert session.save()
        use(manager, session.id, theirs=number)

    assert manager.open(session.id).data == {"0": 0, "1": 1, "2": 2, "theirs": 2}


# Ids.


def test_an_unknown_id_is_not_adopted(
    manager: SessionManager, store: PausingDecorator
) -> None:
    session = manager.open("chosen by somebody")

    assert (session.data, session.is_new) == ({}, True)
    assert session.id != "chosen by somebody"
    session.data["user"] = "Ada"
    session.save()
    assert list(store) == [f"mkv-session-{ref_of(session.id)}"]


def test_nothing_in_the_store_gives_anybody_a_session(
    manager: SessionManager, store: PausingDecorator
) -> None:
    session = manager.open()
    session.data["user"] = "Ada"
    session.bind("ada")
    session.save()
    texts = [text for key in store for text in (key, store.get(key).decode("latin-1"))]
    words = {
        word for text in texts for word in (text, *text.split("-"), *text.split('"'))
    }

    assert not any(session.id in text for text in texts)
    assert ref_of(session.id) in words
    for word in words:
        assert manager.open(word).data == {}


def test_an_id_is_long_and_never_the_same(manager: SessionManager) -> None:
    ids = {manager.open().id for _ in range(1000)}

    assert len(ids) == 1000
    assert {len(one) for one in ids} == {43}
