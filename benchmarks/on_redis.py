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
_LARGE_ROUNDS = 4


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
    yield from _values(client, store, effort, "1 KiB", AIM)
    large = effort.more(_LARGE_ROUNDS)
    yield from _values(client, store, large, "1 MiB", AIM_OF_LARGE_PUT)

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


def _values(
    client: Redis, store: KeyValueStore, effort: Effort, size: str, aim_of_put: float
) -> Rows:
    item = size.replace(" ", "-"), os.urandom(_SIZES[size])
    renew = partial(_reconnect, client, store, item)
    yield compare(
        f"redis put {size} / redis-py set",
        partial(client.set, *item),
        partial(store.put, *item),
        effort,
        aim_of_put,
        prepare=renew,
    )
    yield compare(
        f"redis get {size} / redis-py get",
        partial(client.get, item[0]),
        partial(store.get, item[0]),
        effort,
        AIM,
        prepare=renew,
    )


def _reconnect(
    client: Redis, store: KeyValueStore, item: tuple[str, bytes], calls: int
) -> None:
    # The kernel gives every socket a buffer of another size: with the same two for all
    # of the rounds, a large get took from 0.5 to 1.7 of the time, by chance.
    del calls
    client.connection_pool.disconnect()
    store.close()
    client.set(*item)
    store.put(*item)


def _many(client: Redis, store: KeyValueStore, effort: Effort) -> Rows:
    items = {f"key-{number}": os.urandom(100) for number in range(_MANY)}
    yield compare(
        f"redis put_many of {_MANY} for a minute / MULTI of redis-py",
        partial(_set_all, client, items),
        partial(store.put_many, items, 60),
        effort,
        AIM_OF_MANY,
    )
    for name, theirs in (
        ("mget", partial(client.mget, list(items))),
        ("pipeline", partial(_get_all, client, list(items))),
    ):
        yield compare(
            f"redis get_many of {_MANY} / {name} of redis-py",
            theirs,
            partial(store.get_many, items),
            effort,
        )


def _set_all(client: Redis, items: dict[str, bytes]) -> None:
    pipeline = client.pipeline()
    for key, value in items.items():
        pipeline.set(key, value, px=60_000)
    pipeline.execute()


def _get_all(client: Redis, keys: list[str]) -> object:
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        pipeline.get(key)
    return pipeline.execute()
