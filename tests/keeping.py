"""What the tests of sessions start from, in the core and in both frameworks."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

# Some of them keep the function that tells the time, which `clock` sets to another.
from minimalkv import (
    KeyValueStore,
    _clock,
    _foreign,  # noqa: F401 - loaded before
    cache,  # noqa: F401 - the same
    get_store_from_url,
    ttl,  # noqa: F401 - the same
)
from tests.clocks import FakeClock

STORES: Final = "MINIMALKV_TEST_STORES"
"""The variable that names other stores: ``redis`` is known, too."""


@pytest.fixture(params=os.environ.get(STORES, "memory hfs").split())
def inner(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyValueStore]:
    """Return a store in memory, then one in files, or those of the variable."""
    with get_store_from_url(_url(request, tmp_path)) as inner:
        yield inner


def _url(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "redis":
        url: str = request.getfixturevalue("redis_server").url()
        return url
    urls = {"memory": "memory://", "hfs": f"hfs://{folder}/data?fsync=false"}
    return urls[request.param]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Set what sessions take for the time; stores have clocks of their own."""
    fake = FakeClock()
    monkeypatch.setattr(_clock, "now", fake)
    return fake
