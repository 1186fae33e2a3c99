"""What many do at once, in threads, tasks and processes, is lost to nobody."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import repeat
from typing import Any

import pytest

from minimalkv_django.cache import KVCache
from tests import workers
from tests.django.caches import LOCAL, Later, new_cache, url_of
from tests.django.test_cache_values import plant

CALLERS = 300


def at_once(function: Callable[[Any], Any], arguments: Any, threads: int) -> list[Any]:
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, arguments))


def test_of_many_that_add_one_wins(near_cache: KVCache, later: Later) -> None:
    for _ in range(2):
        won = at_once(
            lambda number: near_cache.add("key", ["value", number], 60),
            range(CALLERS),
            30,
        )
        assert won.count(True) == 1
        assert near_cache.get("key") == ["value", won.index(True)]
        # The same right after it expired.
        later.let_expire(near_cache, "key", secs=60)


def test_of_many_that_add_somewhere_else_one_wins(cache: KVCache) -> None:
    for number in range(3):
        won = at_once(partial(cache.add, f"key-{number}"), range(8), 8)
        assert won.count(True) == 1


@pytest.mark.parametrize("kind", [kind for kind in LOCAL if kind != "memory"])
def test_processes_lose_no_count_and_only_one_adds(
    request: pytest.FixtureRequest, kind: str
) -> None:
    url = url_of(request, kind)
    cache = new_cache(url)
    cache.set("count", 0)
    # Half of the keys have just expired.
    cache.set_many({f"key-{n}": "old" for n in range(0, 100, 2)}, timeout=0.001)

    printed = workers.run_all("use_cache", 3, url, cache.key_prefix, 100)

    # Of 300 that add one key, one does.
    assert sum(map(int, printed)) == 101
    assert cache.get("count") == 300
    assert len(cache.keys("key-*")) == 100


def test_of_many_that_get_or_set_all_see_the_winners_value(
    near_cache: KVCache,
) -> None:
    found = at_once(
        lambda number: near_cache.get_or_set("key", lambda: (number,)), range(64), 16
    )

    assert set(found) == {near_cache.get("key")}


def test_of_many_that_replace_garbage_none_fails(near_cache: KVCache) -> None:
    plant(near_cache, "key", b"garbage")

    found = at_once(lambda n: near_cache.get_or_set("key", (n,)), range(64), 16)

    assert all(0 <= n < 64 for (n,) in found)
    assert near_cache.get("key") in found


def test_of_many_that_delete_one_did_it(cache: KVCache) -> None:
    for number in range(3):
        cache.set("key", [number])
        deleted = at_once(lambda _: cache.delete("key"), range(8), 8)
        # fake-gcs-server deletes without looking at the condition.
        assert deleted.count(True) == 1 or "gcs" in cache._location
        assert cache.get("key") is None


def test_of_many_that_delete_only_one_did_it(near_cache: KVCache) -> None:
    for number in range(20):
        near_cache.set("key", [number])
        deleted = at_once(lambda _: near_cache.delete("key"), range(16), 16)
        assert deleted.count(True) == 1


def test_no_count_is_lost_between_threads(near_cache: KVCache) -> None:
    near_cache.set("key", 0, 1000)

    def count(times: int) -> None:
        for _ in range(times):
            near_cache.incr("key")

    at_once(count, repeat(1000, 8), 8)

    assert near_cache.get("key") == 8000
    assert 0 < (near_cache.ttl("key") or 0) <= 1000


@pytest.mark.parametrize(
    "times", [25, pytest.param(250, marks=pytest.mark.stress)], ids=str
)
def test_no_count_is_lost_anywhere(cache: KVCache, times: int) -> None:
    cache.set("key", 0)

    def count(_: object) -> None:
        for _ in range(times):
            cache.incr("key")

    at_once(count, range(8), 8)

    assert cache.get("key") == 8 * times


def test_no_count_is_lost_between_tasks(near_cache: KVCache) -> None:
    near_cache.set("key", 0)
    near_cache.set("down", 0.5)

    async def count() -> list[int]:
        await asyncio.gather(*(near_cache.adecr("down") for _ in range(100)))
        return await asyncio.gather(*(near_cache.aincr("key") for _ in range(1000)))

    assert sorted(asyncio.run(count())) == list(range(1, 1001))
    assert near_cache.get("key") == 1000
    assert near_cache.get("down") == -99.5


def test_threads_see_whole_values(cache: KVCache) -> None:
    values = [bytes([number]) * 20_000 for number in range(4)]
    cache.set("key", values[0])

    def use(number: int) -> bool:
        cache.set("key", values[number % 4])
        return cache.get("key") in values

    assert all(at_once(use, range(24), 8))
