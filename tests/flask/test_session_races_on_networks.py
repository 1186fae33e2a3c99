"""What another request does in the middle of one, on the stores behind a network."""

from collections.abc import Callable, Iterator

import pytest

from minimalkv import KeyValueStore
from tests.flask.test_session_races import (
    MOMENTS,
    Action,
    change,
    change_id,
    check_sign_in,
    check_sign_out,
    remove_all,
    signed_in,
)
from tests.flask.visitors import Visitor
from tests.net.backend import KINDS, Backend, on, one_of
from tests.pausing import PausingDecorator

backend = one_of(*KINDS)

Check = Callable[[Visitor, PausingDecorator, Action, int, str], bool]


@pytest.fixture
def inner(backend: Backend) -> Iterator[KeyValueStore]:
    with backend.opened(backend.url()) as inner:
        yield inner


@pytest.mark.parametrize(
    ("check", "action", "least"),
    [
        (check_sign_out, change, 3),
        (check_sign_out, change_id, 5),
        (check_sign_in, change, 3),
    ],
)
def test_what_happens_in_the_middle_of_a_request_is_final(
    inner: KeyValueStore, check: Check, action: Action, least: int
) -> None:
    assert least <= moments_that_came(inner, check, action) < len(MOMENTS)


# The server that stands for Google's deletes without looking at the condition.
@on("redis", "s3", "azure")
def test_removing_the_last_value_ends_no_session_that_began_meanwhile(
    inner: KeyValueStore,
) -> None:
    assert 3 <= moments_that_came(inner, check_sign_in, remove_all) < len(MOMENTS)


def moments_that_came(inner: KeyValueStore, check: Check, action: Action) -> int:
    came = 0
    for moment in MOMENTS:
        store = PausingDecorator(inner)
        if not check(signed_in(store), store, action, *moment):
            break
        came += 1
        inner.delete_prefix("mkv-")
    return came
