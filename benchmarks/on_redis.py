"""Redis: against redis-py, its client and its pipelines."""

import os
from functools import partial
from urllib.parse import urlsplit

from redis import Redis

from benchmarks.measure import Effort, Rows, compare
from minimalkv import KeyValueStore, get_store_from_url
from tests.servers import servers

AIM = 1.1
AIM_OF_LARGE_PUT = 0.5
AIM_OF_MANY = 0.5

_SIZES = {"1 KiB": 1024, "1 MiB": 2**20}
_MANY = 100


def rows(effort: Effort) -> Rows:
    """Measure `get` and `put` of two sizes, and calls about facts and many keys."""
    server = servers.redis()
    url = server.url()
    client = Redis(
        server.host,
        server.port,
        db=int(urlsplit(url).path[1:]),
        password=server.credentials.secret,
    )
    with client, get_store_from_url(url) as store:
        yield from _one(client, store, effort)
        yield from _many(client, store, effort)


def _one(client: Redis, store: KeyValueStore, effort: Effort) -> Rows:
    for name, size in _SIZES.items():
        key, value = name.replace(" ", "-"), os.urandom(size)
        large = size > _SIZES["1 KiB"]
        yield compare(
            f"redis put {name} / redis-py set",
            partial(client.set, key, value),
            partial(store.put, key, value),
            effort,
            AIM_OF_LARGE_PUT if large else AIM,
        )
        yield compare(
            f"redis get {name} / redis-py get",
            partial(client.get, key),
            partial(store.get, key),
            effort,
            AIM,
        )

    def value_and_life() -> object:
        pipeline = client.pipeline()
        pipeline.get("1-KiB")
        pipeline.pttl("1-KiB")
        return pipeline.execute()

    yield compare(
        "redis get_with_meta 1 KiB / MULTI of redis-py",
        value_and_life,
        partial(store.get_with_meta, "1-KiB"),
        effort,
        AIM,
    )


def _many(client: Redis, store: KeyValueStore, effort: Effort) -> Rows:
    items = {f"key-{number}": os.urandom(100) for number in range(_MANY)}

    def set_all() -> None:
        pipeline = client.pipeline()
        for key, value in items.items():
            pipeline.set(key, value, px=60_000)
        pipeline.execute()

    yield compare(
        f"redis put_many of {_MANY} for a minute / MULTI of redis-py",
        set_all,
        partial(store.put_many, items, 60),
        effort,
        AIM_OF_MANY,
    )
    yield compare(
        f"redis get_many of {_MANY} / redis-py mget",
        lambda: client.mget(list(items)),
        partial(store.get_many, items),
        effort,
    )
