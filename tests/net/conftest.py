"""Each backend in turn, and a store on it behind a network that fails.

The servers are fixtures of tests/serving.py, a plugin of all tests.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.net.backend import KINDS, Backend, one_of
from tests.net.uses import fill
from tests.proxy import Proxy
from tests.serving import ready

__all__ = ["ready"]

_TIMEOUT_SECS = 5.0
HASTY_SECS = 0.8


backend = one_of(*KINDS)


@pytest.fixture(scope="module")
def proxy(backend: Backend) -> Iterator[Proxy]:
    # Nobody counts round trips but test_requests, which has a proxy of its own.
    with Proxy(backend.server.port, settle_secs=0) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def url(backend: Backend) -> str:
    return backend.url(timeout=_TIMEOUT_SECS)


@pytest.fixture(scope="module")
def shared(backend: Backend, url: str, proxy: Proxy) -> Iterator[Any]:
    with backend.opened(url, proxy.port) as store:
        # What a first conditional write does more than the others is done now.
        store.add("first", b"1")
        store.increment("first")
        store.put("first", b"3", if_match=store.head("first").etag)
        store.delete("first", if_match=store.head("first").etag)
        yield store


@pytest.fixture
def store(shared: Any, proxy: Proxy) -> Iterator[Any]:
    """Return a store behind the proxy, in which is what `fill` leaves."""
    proxy.fault = None
    fill(shared)
    proxy.reset_counts()
    yield shared
    proxy.fault = None


@pytest.fixture(scope="module")
def filled(backend: Backend, proxy: Proxy) -> Iterator[Any]:
    url = backend.url(timeout=_TIMEOUT_SECS)
    with backend.opened(url, proxy.port) as store:
        fill(store)
        yield store


@pytest.fixture
def unchanged(filled: Any, proxy: Proxy) -> Iterator[Any]:
    """Return a store like `store`, filled once for all tests that only read."""
    proxy.fault = None
    proxy.reset_counts()
    yield filled
    proxy.fault = None


@pytest.fixture
def hasty(backend: Backend, url: str, store: Any, proxy: Proxy) -> Iterator[Any]:
    """Return the same store, but one that waits so briefly that no test takes long."""
    del store
    brief = url.replace(f"timeout={_TIMEOUT_SECS}", f"timeout={HASTY_SECS}")
    assert brief != url
    with backend.opened(brief, proxy.port) as hasty:
        yield hasty


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once, so that many faults take little time."""
    monkeypatch.setattr(time, "sleep", lambda _: None)
