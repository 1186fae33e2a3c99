"""What is noticed of a change, however somebody came by the value."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minimalkv.memory import DictStore
from minimalkv.sessions import SessionManager
from tests.pausing import PausingDecorator
from tests.sessions.test_data import typed
from tests.sessions.tools import begin, use

KEYS = st.sampled_from(["a", "b", "!", "!tuple"])
ATOMS = st.sampled_from([0, 1, True, 1.0, -0.0, 0.0, "", "text", None, b"bytes"])
VALUES = ATOMS | st.sampled_from([[1], {"!tuple": 1}, {"n": [0]}, (1,), {1: 2}])
VERBS = ["set", "put", "get", "grow", "drop", "look", "save"]
STEPS = st.lists(st.tuples(st.sampled_from(VERBS), KEYS))


def step(session: Any, model: dict[str, Any], verb: str, key: str, value: Any) -> None:
    if verb == "set":
        session.set(key, deepcopy(value))
        model[key] = value
    elif verb == "put":
        session.data[key] = deepcopy(value)
        model[key] = value
    elif verb == "save":
        assert session.save()
    elif verb == "look":
        assert session.look() == model
    elif key in model and verb == "get":
        assert typed(session.get(key)) == typed(model[key])
    elif verb == "grow" and isinstance(model.get(key), list):
        session.get(key).append(1)
        model[key] = [*model[key], 1]
    elif verb == "drop":
        session.data.pop(key, None)
        model.pop(key, None)


@given(st.dictionaries(KEYS, VALUES), STEPS, st.lists(VALUES, min_size=1))
def test_whatever_is_done_is_stored(
    data: dict[str, Any], steps: list[tuple[str, str]], values: list[Any]
) -> None:
    manager = SessionManager(DictStore())
    session = manager.open(begin(manager, **deepcopy(data)))
    model = {**data}

    for number, (verb, key) in enumerate(steps):
        step(session, model, verb, key, values[number % len(values)])

    assert session.has_changed() == (
        typed(manager.open(session.id).data) != typed(model)
    )
    assert session.save()
    assert typed(manager.open(session.id).data) == typed(model)


def test_a_value_that_was_got_may_change(manager: SessionManager) -> None:
    session = manager.open(begin(manager, cart=[], page=1))

    session.get("cart").append("book")

    assert session.has_changed()
    assert session.save()
    assert manager.open(session.id).data == {"cart": ["book"], "page": 1}


def test_a_first_key_may_look_like_a_tag(manager: SessionManager) -> None:
    session = manager.open(begin(manager))

    session.set("!tuple", 1)
    session.save()

    assert manager.open(session.id).data == {"!tuple": 1}


@pytest.mark.parametrize("value", [1, True, "text", None])
def test_the_same_value_set_again_is_not_stored(
    manager: SessionManager, store: PausingDecorator, value: object
) -> None:
    session = manager.open(begin(manager, key=value, cart=[1]))
    store.take_calls()

    session.set("key", value)

    assert session.save()
    assert store.take_calls() == ["get_with_meta"]


@pytest.mark.parametrize(("old", "new"), [(1, True), (0, False), (1, 1.0), (0.0, -0.0)])
def test_an_equal_value_of_another_kind_is_stored(
    manager: SessionManager, old: object, new: object
) -> None:
    session = manager.open(begin(manager, key=old))

    session.set("key", new)
    session.save()

    assert repr(manager.open(session.id).data) == repr({"key": new})


def test_a_value_that_was_set_may_change_later(manager: SessionManager) -> None:
    session = manager.open(begin(manager, cart=[]))
    cart: list[int] = []

    for number in range(3):
        session.set("cart", cart)
        assert session.save()
        cart.append(number)
        assert session.save()
        assert manager.open(session.id).data == {"cart": cart}


def test_a_value_that_was_got_may_change_after_a_save(manager: SessionManager) -> None:
    session = manager.open(begin(manager, cart=[]))
    cart = session.get("cart")

    session.set("page", 1)
    assert session.save()
    cart.append("book")
    assert session.save()

    assert manager.open(session.id).data == {"cart": ["book"], "page": 1}


def test_what_others_stored_is_merged_with_a_value_that_was_set(
    manager: SessionManager,
) -> None:
    session = manager.open(begin(manager, mine=0, theirs=0))
    session.set("mine", 1)
    use(manager, session.id, theirs=2)

    assert session.save()

    assert session.look() == {"mine": 1, "theirs": 2}
    assert manager.open(session.id).data == {"mine": 1, "theirs": 2}


def test_a_value_that_cannot_be_kept_is_refused_after_it_was_set(
    manager: SessionManager,
) -> None:
    session = manager.open(begin(manager, key=1))
    session.set("key", object())

    with pytest.raises(TypeError, match=r"session\['key'\] is of the type object"):
        session.save()
