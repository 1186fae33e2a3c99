"""The example site on every store."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from flask import Flask
from pytest_django import Settings

from tests.backends.s3 import S3Server
from tests.example_site.visitor import add_django, open_site, store_of
from tests.serving import SERVERS

STORES = {
    "memory": "memory://",
    "hmemory": "hmemory://",
    "fs": "fs://{folder}?fsync=false",
    "hfs": "hfs://{folder}?fsync=false",
}


# The pages are the same on all: two in this process, two servers, the rest in
# `make stress`.
_QUICK: Final = ("memory", "hfs", "redis_server", "s3_server")
_PLACES: Final = [
    name if name in _QUICK else pytest.param(name, marks=pytest.mark.stress)
    for name in (*STORES, *SERVERS)
]


@pytest.fixture(params=_PLACES)
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    name = request.param
    url = STORES.get(name) or request.getfixturevalue(name).url()
    app = open_site(url, tmp_path)
    with store_of(app):
        yield app


@pytest.fixture
def files(tmp_path: Path) -> Flask:
    return open_site(STORES["hfs"], tmp_path)


@pytest.fixture
def s3_site(s3_server: S3Server, tmp_path: Path) -> Iterator[Flask]:
    """Return the site on a store that takes files from browsers itself."""
    app = open_site(s3_server.url(), tmp_path)
    with store_of(app):
        yield app


@pytest.fixture
def project(settings: Settings) -> Iterator[Settings]:
    """Return the settings of a Django that leaves the database of other tests alone.

    Django's own client does the same: what looks for stale connections would fail.
    """
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield settings
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def site(app: Flask, project: Settings) -> Flask:
    """Both sides, on every store."""
    return add_django(app, project)


@pytest.fixture
def site_of_files(files: Flask, project: Settings) -> Flask:
    return add_django(files, project)
