"""Every test runs on a store in memory and on one in files."""

import pytest
from flask import Flask

from minimalkv import KeyValueStore
from tests.flask.visitors import Visitor, make_app
from tests.keeping import clock, inner
from tests.watched import WatchedStore

__all__ = ["clock", "inner"]


@pytest.fixture
def store(inner: KeyValueStore) -> WatchedStore:
    return WatchedStore(inner)


@pytest.fixture
def app(store: WatchedStore) -> Flask:
    return make_app(store)


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    return Visitor(app)
