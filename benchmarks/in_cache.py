"""Caches of Django: on Redis against its own and django-redis, on files two others."""

import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import count
from multiprocessing import get_context
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from benchmarks.content import SESSION
from benchmarks.measure import Effort, Row, Rows, compare
from tests.servers import servers

_AIM_OF_BARE_GET: Final = 1.3
_AIM_OF_DISKCACHE: Final = 4.0
_AIM_OF_FILE_BASED: Final = 1 / 50
_AIM_OF_GROWTH: Final = 1.3
_ENTRIES: Final = 10_000
_FILLED_AT_ONCE: Final = 1000
_FINER: Final = 4
_SLOWER: Final = 4
_HUNDRED: Final = {f"many-{number}": SESSION for number in range(100)}
_numbers: Final = count()

Cache = Any  # the peers have few types


class Use(NamedTuple):
    """Something that is done with a cache.

    Attributes
    ----------
    name : str
        What.
    call : callable
        Does it.
    """

    name: str
    call: Callable[[Cache], object]


_USES: Final = (
    Use("get", lambda cache: cache.get("key")),
    Use("set", lambda cache: cache.set("key", SESSION)),
    Use("get_many(100)", lambda cache: cache.get_many(_HUNDRED)),
    Use("set_many(100)", lambda cache: cache.set_many(_HUNDRED)),
    Use("incr", lambda cache: cache.incr("number")),
    Use("add", lambda cache: cache.add(f"new-{next(_numbers)}", SESSION, 60)),
    Use("delete_many(100)", lambda cache: cache.delete_many(_HUNDRED)),
)


def rows(effort: Effort) -> Rows:
    """Measure the calls of a cache, with a session of 1 KiB as the value."""
    server = servers.redis()
    urls = server.url(h=False), server.url(h=False), server.url(h=False)
    # Django takes its settings once in a process, and others are measured with others.
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        yield from process.submit(_measure, urls, effort).result()


def _measure(urls: tuple[str, str, str], effort: Effort) -> list[Row]:
    from django.conf import settings

    settings.configure(SECRET_KEY="a key of the benchmarks")  # noqa: S106 - it protects nothing
    found = list(_on_redis(*urls, effort.finer(_FINER)))
    with TemporaryDirectory() as folder:
        return found + list(_on_files(folder, effort))


def _on_redis(ours_at: str, theirs_at: str, peers_at: str, effort: Effort) -> Rows:
    from django.core.cache.backends.redis import RedisCache
    from django_redis.cache import RedisCache as DjangoRedis

    from minimalkv_django.cache import KVCache

    ours = _filled(KVCache(ours_at, {}))
    peers = {
        "RedisCache": _filled(RedisCache(theirs_at, {})),
        "django-redis": _filled(DjangoRedis(peers_at, {})),
    }
    for use in _USES:
        for name, peer in peers.items():
            label = f"cache on redis, {use.name} / {name}"
            yield compare(
                label, partial(use.call, peer), partial(use.call, ours), effort, 1.0
            )
    yield compare(
        "cache on redis, get / redis-py get and pickle",
        _bare_get(theirs_at),
        lambda: ours.get("key"),
        effort,
        _AIM_OF_BARE_GET,
    )


def _bare_get(url: str) -> Callable[[], object]:
    from redis import Redis

    client = Redis.from_url(url)
    client.set("bare", pickle.dumps(SESSION, pickle.HIGHEST_PROTOCOL))

    def get() -> object:
        return pickle.loads(client.get("bare"))  # type: ignore[arg-type]  # noqa: S301 - it was put a moment ago

    return get


def _filled(cache: Cache) -> Cache:
    cache.set("key", SESSION)
    cache.set("number", 1, timeout=None)
    cache.set_many(_HUNDRED)
    return cache


def _on_files(folder: str, effort: Effort) -> Rows:
    from diskcache import DjangoCache
    from django.core.cache.backends.filebased import FileBasedCache

    from minimalkv_django.cache import KVCache

    small, large = (
        _filled(KVCache(f"fs://{folder}/{name}", {})) for name in ("small", "large")
    )
    disk = _filled(DjangoCache(f"{folder}/disk", {}))
    for use in _USES:
        yield compare(
            f"cache on files, {use.name} / diskcache",
            partial(use.call, disk),
            partial(use.call, small),
            effort,
            _AIM_OF_DISKCACHE if use.name == "set" else None,
        )
    yield compare(
        "cache on files, set of a new key / diskcache",
        lambda: disk.set(f"new-{next(_numbers)}", SESSION),
        lambda: small.set(f"new-{next(_numbers)}", SESSION),
        effort,
        _AIM_OF_DISKCACHE,
    )
    _crowd(large)
    yield compare(
        f"cache on files, set among {_ENTRIES} / among few",
        partial(small.set, "key", SESSION),
        partial(large.set, "key", SESSION),
        effort,
        _AIM_OF_GROWTH,
    )
    based = FileBasedCache(f"{folder}/based", {"OPTIONS": {"MAX_ENTRIES": 10**6}})
    _crowd_files(based)
    yield compare(
        f"cache on files, set among {_ENTRIES} / FileBasedCache",
        partial(based.set, "key", SESSION),
        partial(large.set, "key", SESSION),
        effort.slow(_SLOWER),
        _AIM_OF_FILE_BASED,
    )


def _crowd(cache: Cache) -> None:
    for begin in range(0, _ENTRIES, _FILLED_AT_ONCE):
        keys = (f"entry-{begin + number}" for number in range(_FILLED_AT_ONCE))
        cache.set_many(dict.fromkeys(keys, SESSION))


def _crowd_files(cache: Cache) -> None:
    """Fill it past its own set, which lists the whole folder each time."""
    cache._cull = lambda: None  # noqa: SLF001 - it would take an hour
    for number in range(_ENTRIES):
        cache.set(f"entry-{number}", SESSION)
    del cache._cull  # noqa: SLF001 - what is measured does it
