"""What is special about Redis under the contracts."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from minimalkv.testing import TimeToLiveContract
from tests.backends.redis import RedisServer
from tests.net.under_server import OnServer, Store
from tests.under_contract import Ours, layers

__all__ = ["OnRedis", "Raw", "Store"]

Advance = Callable[[float], None]


def innermost(store: Store) -> Any:
    """Return the store that no wrapper is."""
    *_, last = layers(store)
    return last


def age(client: Any, secs: float) -> None:
    """Let values have as much less to live as if that time had passed."""
    gone_ms = math.ceil(secs * 1000)
    for name in client.scan_iter(count=1000):
        left_ms = client.pttl(name)
        if left_ms > gone_ms:
            client.pexpire(name, left_ms - gone_ms)
        elif left_ms >= 0:
            client.delete(name)


class OnRedis(OnServer):
    """A store whose innermost store is Redis."""

    expired_take_room = False

    @pytest.fixture
    def url(self, redis_server: RedisServer) -> str:
        return redis_server.url(self.h)

    put_clocks_forward = Ours.advance

    @pytest.fixture
    def advance(self, store: Any, put_clocks_forward: Advance) -> Advance:
        def advance(secs: float) -> None:
            age(innermost(store).redis, secs)
            put_clocks_forward(secs)

        return advance

    def raw_names(self, store: Store) -> set[str]:
        names = innermost(store).redis.scan_iter(count=1000)
        return {name.decode() for name in names}


class Raw(OnRedis, TimeToLiveContract):
    """A store whose values are strings of Redis as they are."""

    race_rounds = 5
    race_updates = 25

    def raw_get(self, store: Any, key: str) -> bytes:
        data: bytes = store.redis.get(key)
        return data

    def raw_set(self, store: Any, key: str, data: bytes) -> None:
        store.redis.set(key, data)
