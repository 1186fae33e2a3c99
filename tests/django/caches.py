"""Caches of Django on every kind of store, each with a prefix that nobody else has."""

import os
import time
from collections.abc import Callable
from inspect import isasyncgenfunction
from itertools import count
from typing import Any, Final, NamedTuple

import pytest
from asgiref.sync import async_to_sync

from minimalkv import _clock
from minimalkv_django.cache import KVCache
from tests.django.storages import backend_of
from tests.keeping import STORES

KINDS: Final = os.environ.get(STORES, "memory hfs redis s3 azure gcs").split()
LOCAL: Final = [kind for kind in KINDS if kind in ("memory", "hfs", "redis")]
"""Where locks and long races are."""

_numbers: Final = count(1)
_urls: Final[dict[str, str]] = {}


def url_of(request: pytest.FixtureRequest, kind: str) -> str:
    """Return the URL of the store of a kind that all tests of caches share."""
    if kind == "memory":
        return "memory://"
    if kind not in _urls:
        if kind == "hfs":
            factory = request.getfixturevalue("tmp_path_factory")
            _urls[kind] = f"hfs://{factory.mktemp('cache')}/data"
        else:
            # So that the first conditional write does no more than the others.
            options = {"conditional": True} if kind == "s3" else {}
            _urls[kind] = backend_of(request, kind).url(**options)
    if kind == "gcs":
        request.getfixturevalue("gcs_server")
    return _urls[kind]


def new_cache(location: object, **params: Any) -> KVCache:
    """Return a cache with a prefix of its own, unless one is given."""
    prefix = f"prefix-{next(_numbers)}"
    return KVCache(location, {"KEY_PREFIX": prefix, **params})


def patient_cache(location: object) -> KVCache:
    """Return a cache that waits for a server of a busy machine."""
    return new_cache(location, OPTIONS={"timeout": 30})


@pytest.fixture(params=KINDS)
def cache(request: pytest.FixtureRequest) -> KVCache:
    """Return an empty cache, in a store of each kind in turn."""
    return patient_cache(url_of(request, request.param))


@pytest.fixture(params=LOCAL)
def near_cache(request: pytest.FixtureRequest) -> KVCache:
    """Return an empty cache in memory, then in files, then in Redis."""
    return patient_cache(url_of(request, request.param))


class Awaiting:
    """Calls the methods of a cache that have to be awaited, by the names without a."""

    def __init__(self, cache: KVCache) -> None:
        self._cache = cache

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._cache, f"a{name}")
        if not isasyncgenfunction(method):
            return async_to_sync(method)

        async def listed(*args: Any, **kwargs: Any) -> list[Any]:
            return [one async for one in method(*args, **kwargs)]

        return async_to_sync(listed)


@pytest.fixture(params=["called", "awaited"])
def calls(request: pytest.FixtureRequest, cache: KVCache) -> Any:
    """Return a cache, then the same whose methods are awaited."""
    return cache if request.param == "called" else Awaiting(cache)


class Later(NamedTuple):
    """Time, as a test lets it pass."""

    is_real: bool
    advance: Callable[[float], None]

    def let_expire(self, cache: KVCache, *keys: object, secs: float) -> None:
        """Let values expire that live for so many seconds, but no others."""
        if not self.is_real:
            self.advance(secs)
            return
        # Redis has a clock of its own: what is left to live is made short there.
        for key in keys:
            left = cache.pttl(key)
            assert left is not None
            assert secs - 30 < left / 1000 <= secs
            cache.touch(key, 0.001)
        deadline = time.monotonic() + 10
        while any(key in cache for key in keys):
            assert time.monotonic() < deadline


class _Ahead:
    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.secs = 0.0

    def __call__(self) -> float:
        return self.clock() + self.secs


@pytest.fixture
def later(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Later:
    """Return what lets time pass in the store of the cache of the test."""
    name = "cache" if "cache" in request.fixturenames else "near_cache"
    store = request.getfixturevalue(name).store
    if not hasattr(store, "_clock"):
        return Later(is_real=True, advance=lambda _: None)
    clock = _Ahead(store._clock)
    day = _Ahead(_clock.now)
    monkeypatch.setattr(store, "_clock", clock)
    monkeypatch.setattr(_clock, "now", day)

    def advance(secs: float) -> None:
        clock.secs += secs
        day.secs += secs

    return Later(is_real=False, advance=advance)
