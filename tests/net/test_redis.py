"""Redis, and Redis under each wrapper, under the contracts with nothing skipped."""

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from minimalkv import Unsupported, get_store_from_url
from minimalkv.cache import CacheDecorator
from minimalkv.fs import FilesystemStore
from minimalkv.memory.redisstore import RedisStore
from minimalkv.testing import (
    ConditionalContract,
    CopyContract,
    StoreContract,
    StoreStateMachine,
    TimeToLiveContract,
    UrlContract,
)
from tests.backends.redis import RedisServer
from tests.net import under_server as under
from tests.net.under_redis import OnRedis, Raw
from tests.net.under_server import Store
from tests.servers import servers
from tests.test_state_machine import BOUNDED
from tests.under_contract import Ours


class TestRedisStore(Raw):
    pass


class TestHRedisStore(Raw):
    h = True


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


class TestPrefixDecorator(under.Prefixed, OnRedis, TimeToLiveContract):
    prefix = "a/b/"
    others = ("a/b", "a/bb", "a/c", "a/b /key", "key")


class TestTimeToLiveDecorator(under.Expiring, OnRedis, TimeToLiveContract):
    expired_take_room = True


class TestHMACDecorator(under.Signed, OnRedis, TimeToLiveContract):
    pass


class TestCacheDecorator(under.Cached, OnRedis, TimeToLiveContract):
    pass


class TestURLEncodeKeysDecorator(under.Encoded, OnRedis, TimeToLiveContract):
    pass


class TestReadOnlyDecorator(under.ReadOnly):
    @pytest.fixture
    def url(self, redis_server: RedisServer) -> str:
        return redis_server.url()


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
