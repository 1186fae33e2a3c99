"""Every test runs on a store in memory and on one in files."""

import pytest

from minimalkv import KeyValueStore
from minimalkv.sessions import SessionManager
from tests.keeping import clock, inner
from tests.pausing import PausingDecorator
from tests.sessions.tools import LIFETIME

__all__ = ["clock", "inner"]


@pytest.fixture
def store(inner: KeyValueStore) -> PausingDecorator:
    return PausingDecorator(inner)


@pytest.fixture
def manager(store: PausingDecorator) -> SessionManager:
    return SessionManager(store, lifetime_secs=LIFETIME)
