"""Every test runs on a store in memory and on one in files."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from minimalkv import KeyValueStore, get_store_from_url
from tests.flask.uploading import Site
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


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with get_store_from_url(f"hfs://{tmp_path}/data?fsync=false") as inner:
        yield Site(WatchedStore(inner))
