"""Redis, and Redis under each wrapper, under the contracts with nothing skipped."""

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from minimalkv import Unsupported, get_store_from_url
from minimalkv.cache import CacheDecorator
from minimalkv.crypt import HMACDecorator
from minimalkv.decorator import (
    PrefixDecorator,
    ReadOnlyDecorator,
    URLEncodeKeysDecorator,
)
from minimalkv.fs import FilesystemStore
from minimalkv.memory import DictStore
from minimalkv.memory.redisstore import RedisStore
from minimalkv.testing import (
    ConditionalContract,
    CopyContract,
    ReadOnlyContract,
    StoreContract,
    StoreStateMachine,
    TimeToLiveContract,
    UrlContract,
)
from minimalkv.ttl import TimeToLiveDecorator
from tests.backends.redis import RedisServer
from tests.net.under_redis import OnRedis, Raw, Store
from tests.servers import servers
from tests.test_state_machine import BOUNDED
from tests.under_contract import Encoding, Ours

_KEY = b"secret"


class TestRedisStore(Raw):
    def make(self, server: RedisServer) -> Store:
        return get_store_from_url(server.url(h=False))


class TestHRedisStore(Raw):
    def make(self, server: RedisServer) -> Store:
        return get_store_from_url(server.url())


class TestRedisStoreOfClient(Raw):
    """The one form that upstream has."""

    @pytest.fixture
    def store(self, redis_server: RedisServer) -> Iterator[Store]:
        with redis_server.client(redis_server.url(h=False)) as client:
            yield RedisStore(client)

    def reopen(self, store: Any) -> Store:
        return RedisStore(store.redis)

    def test_store_survives_pickle(self, store: Store) -> None:
        with pytest.raises(Unsupported, match="RedisStore made of a client"):
            pickle.dumps(store)

    def test_pickled_store_keeps_its_default(self, store: Store) -> None:
        self.test_store_survives_pickle(store)


class TestPrefixDecorator(OnRedis, TimeToLiveContract):
    """Beside the keys of others, which no `delete_prefix` reaches."""

    def make(self, server: RedisServer) -> Store:
        inner = get_store_from_url(server.url())
        inner.put_many(dict.fromkeys(["a/b", "a/c", "a/bb", "key", "a/b /key"], b""))
        return PrefixDecorator("a/b/", inner)


class TestTimeToLiveDecorator(OnRedis, TimeToLiveContract):
    expired_take_room = True

    def make(self, server: RedisServer) -> Store:
        return TimeToLiveDecorator(get_store_from_url(server.url(h=False)))


class TestHMACDecorator(OnRedis, TimeToLiveContract):
    def make(self, server: RedisServer) -> Store:
        return HMACDecorator(_KEY, get_store_from_url(server.url()))


class TestURLEncodeKeysDecorator(Encoding, OnRedis, TimeToLiveContract):
    def make(self, server: RedisServer) -> Store:
        return URLEncodeKeysDecorator(get_store_from_url(server.url(h=False)))


class TestCacheDecorator(OnRedis, TimeToLiveContract):
    def make(self, server: RedisServer) -> Store:
        return CacheDecorator(DictStore(), get_store_from_url(server.url(h=False)))

    def reopen(self, store: Store) -> Store:
        return store  # another object would have another cache


class TestReadOnlyDecorator(Ours, ReadOnlyContract):
    @pytest.fixture
    def store(self, redis_server: RedisServer) -> Iterator[Store]:
        with ReadOnlyDecorator(get_store_from_url(redis_server.url())) as store:
            yield store

    def fill(self, store: Any, values: Any) -> None:
        store._dstore.put_many(values)

    def raw_set(self, store: Any, key: str, data: bytes) -> None:
        store._dstore.put(key, data)


class TestCacheInRedis(
    Ours, StoreContract, ConditionalContract, CopyContract, UrlContract
):
    """Redis as what stands in front of a slower store."""

    @pytest.fixture
    def store(self, redis_server: RedisServer, root: Path) -> Iterator[Store]:
        inner = FilesystemStore(root, fsync=False)
        cache = get_store_from_url(redis_server.url())
        with CacheDecorator(cache, inner) as store:
            yield store


class Machine(StoreStateMachine):
    def make_store(self) -> Store:
        return get_store_from_url(servers.redis().url())


Machine.TestCase.settings = BOUNDED
TestMachine = Machine.TestCase
