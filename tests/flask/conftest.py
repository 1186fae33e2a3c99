"""Every test runs on a store in memory and on one in files."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from minimalkv import get_store_from_url
from tests.flask.visitors import Visitor, WatchedStore, make_app


@pytest.fixture(params=["memory", "hfs"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WatchedStore]:
    urls = {"memory": "memory://", "hfs": f"hfs://{tmp_path}/data?fsync=false"}
    with get_store_from_url(urls[request.param]) as inner:
        yield WatchedStore(inner)


@pytest.fixture
def app(store: WatchedStore) -> Flask:
    return make_app(store)


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    return Visitor(app)
