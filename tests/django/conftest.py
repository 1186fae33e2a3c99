"""Every test runs on a store in memory and on one in files."""

import django
import pytest
from pytest_django import Settings

from minimalkv import KeyValueStore
from minimalkv_django.sessions import SessionStore
from tests.django.visitors import Visitor
from tests.keeping import clock, inner
from tests.watched import WatchedStore

__all__ = ["clock", "inner"]

# Before 5.1, the sessions of Django have no methods to be awaited.
collect_ignore = [] if django.VERSION >= (5, 1) else ["test_session_async.py"]


@pytest.fixture
def store(inner: KeyValueStore, settings: Settings) -> WatchedStore:
    settings.MINIMALKV_SESSION_STORE = watched = WatchedStore(inner)
    return watched


@pytest.fixture
def session(store: WatchedStore) -> SessionStore:
    assert store.calls == []
    return SessionStore()


@pytest.fixture
def visitor(store: WatchedStore) -> Visitor:
    assert store.calls == []
    return Visitor()
