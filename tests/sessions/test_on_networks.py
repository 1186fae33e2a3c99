"""What sessions promise, on each store that is reached over a network."""

from collections.abc import Iterator
from typing import Any

import pytest

from minimalkv.sessions import SessionManager, ref_of
from tests.net.backend import KINDS, Backend, on, one_of
from tests.pausing import PausingDecorator
from tests.sessions.test_moments import (
    test_a_new_id_in_the_middle_of_a_request_is_final,
    test_a_sign_out_in_the_middle_of_a_request_is_final,
)
from tests.sessions.tools import LIFETIME, begin, check_two_processes, use
from tests.waiting import wait_until

# They run here as well.
__all__ = [
    "test_a_new_id_in_the_middle_of_a_request_is_final",
    "test_a_sign_out_in_the_middle_of_a_request_is_final",
]

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


# Time.


def test_a_session_and_its_record_end_in_time(
    manager: SessionManager, store: PausingDecorator
) -> None:
    session_id = begin(manager, user="Ada")
    left_secs = manager.store.ttl(f"mkv-session-{ref_of(session_id)}")
    assert left_secs is not None
    assert LIFETIME - 60 < left_secs <= LIFETIME

    assert use(manager, session_id).save(0.3)
    wait_until(lambda: manager.open(session_id).data == {})

    assert manager.open(session_id).is_new
    wait_until(lambda: manager.purge() == 0 and list(store) == [])
