"""The example site on every store."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.example_site.visitor import open_site, store_of
from tests.serving import SERVERS

STORES = {
    "memory": "memory://",
    "hmemory": "hmemory://",
    "fs": "fs://{folder}?fsync=false",
    "hfs": "hfs://{folder}?fsync=false",
}


@pytest.fixture(params=[*STORES, *SERVERS])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    name = request.param
    url = STORES.get(name) or request.getfixturevalue(name).url()
    app = open_site(url, tmp_path)
    with store_of(app):
        yield app


@pytest.fixture
def files(tmp_path: Path) -> Flask:
    return open_site(STORES["hfs"], tmp_path)
