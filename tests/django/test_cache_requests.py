"""How often a cache asks its store, and by how many connections."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import caches
from pytest_django import Settings

from minimalkv_django._cache_async import THREADS
from minimalkv_django.cache import KVCache
from tests.backends.redis import RedisServer
from tests.django.caches import new_cache
from tests.proxy import Proxy

HUNDRED = {f"key-{number}": [number] for number in range(100)}


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[Proxy]:
    with Proxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture
def far(redis_server: RedisServer, proxy: Proxy) -> KVCache:
    url = redis_server.through(redis_server.url(), proxy.port)
    cache = new_cache(url, OPTIONS={"timeout": 30})
    cache.set("number", 5)
    cache.incr("number")  # from then on, Redis knows the script
    cache.set("key", ["value"])
    return cache


@pytest.mark.parametrize(
    "use",
    [
        lambda cache: cache.get_many(HUNDRED),
        lambda cache: cache.set_many(HUNDRED),
        lambda cache: cache.set_many(HUNDRED, timeout=None),
        lambda cache: cache.delete_many(HUNDRED),
        lambda cache: cache.set_many(HUNDRED, timeout=0),
        lambda cache: cache.get("key"),
        lambda cache: cache.get("none"),
        lambda cache: cache.set("key", 1),
        lambda cache: cache.add("key", 1),
        lambda cache: cache.delete("key"),
        lambda cache: cache.touch("key"),
        lambda cache: cache.incr("number"),
        lambda cache: cache.has_key("key"),
        lambda cache: cache.get_or_set("key", 1),
        lambda cache: cache.ttl("key"),
    ],
)
def test_one_round_trip_suffices(
    far: KVCache, proxy: Proxy, use: Callable[[KVCache], object]
) -> None:
    proxy.reset_counts()

    use(far)

    assert proxy.round_trips == 1
    assert proxy.connections == 0


def test_no_operation_takes_more_than_three_round_trips(
    far: KVCache, proxy: Proxy
) -> None:
    far.set("fraction", 1.5)
    far.incr("fraction")  # from then on, Redis knows that script, too
    for use, most in (
        (lambda: far.get_or_set("new", 1), 2),
        (lambda: far.incr_version("key"), 3),
        (lambda: far.incr("fraction"), 3),
        (lambda: far.lock("door").acquire(), 1),
    ):
        proxy.reset_counts()
        use()
        assert proxy.round_trips == most


def test_fifty_tasks_share_ten_connections(far: KVCache, proxy: Proxy) -> None:
    proxy.settle_secs = 0
    proxy.reset_counts()
    url = far._location
    held = threading.active_count()

    async def visit(number: int) -> Any:
        # Each task has a cache of its own, as Django's have.
        cache = KVCache(url, {"KEY_PREFIX": "tasks", "OPTIONS": {"timeout": 30}})
        await cache.aset(f"key-{number}", [number])
        await cache.aincr_version(f"key-{number}")
        await cache.aget_many([f"key-{number}"], version=2)
        return await cache.aget(f"key-{number}", version=2)

    async def visits() -> list[Any]:
        return await asyncio.gather(*map(visit, range(50)))

    assert asyncio.run(visits()) == [[number] for number in range(50)]
    assert proxy.connections <= THREADS == 10
    assert threading.active_count() - held <= THREADS


def test_threads_and_aliases_share_one_store_for_a_url(settings: Settings) -> None:
    backend = {"BACKEND": "minimalkv_django.cache.KVCache"}
    url = "redis://localhost:1/0"
    settings.CACHES = {
        "default": {**backend, "LOCATION": url},
        "other": {**backend, "LOCATION": url, "KEY_PREFIX": "other"},
        "patient": {**backend, "LOCATION": url, "OPTIONS": {"timeout": 9}},
    }
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(caches["default"].store))  # type: ignore[attr-defined]  # it is ours
    thread.start()
    thread.join()

    store = caches["default"].store  # type: ignore[attr-defined]  # it is ours

    assert store is found[0] is caches["other"].store  # type: ignore[attr-defined]  # it is ours
    assert store is not caches["patient"].store  # type: ignore[attr-defined]  # it is ours
    caches["default"].close()
    assert store is KVCache(url, {}).store


def test_a_request_that_ends_keeps_the_connection(far: KVCache, proxy: Proxy) -> None:
    proxy.reset_counts()
    for _ in range(3):
        assert far.get("key") == ["value"]
        far.close()

    assert proxy.connections == 0


def test_long_keys_narrow_the_listing_of_redis(far: KVCache, proxy: Proxy) -> None:
    far.set_many({f"user-{n}": n for n in range(50)})
    proxy.reset_counts()

    assert far.delete_pattern("user-1*") == 11

    assert proxy.methods == ["SCAN", "DEL"]
