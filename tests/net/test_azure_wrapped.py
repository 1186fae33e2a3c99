"""`AzureBlockBlobStore` under each wrapper, under the contracts."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from minimalkv import get_store_from_url
from minimalkv._hstores import HDictStore
from minimalkv._key_value_store import KeyValueStore
from minimalkv.cache import CacheDecorator
from minimalkv.crypt import HMACDecorator
from minimalkv.decorator import (
    PrefixDecorator,
    ReadOnlyDecorator,
    URLEncodeKeysDecorator,
)
from minimalkv.testing import ReadOnlyContract, TimeToLiveContract, UrlContract
from minimalkv.ttl import TimeToLiveDecorator
from tests.backends.azure import AzureServer
from tests.net.under_azure import OnAzure
from tests.under_contract import Encoding, Ours

Store = KeyValueStore


class TestPrefixDecorator(OnAzure, UrlContract):
    """Beside the blobs of others, which no `delete_prefix` reaches."""

    h = True

    @pytest.fixture
    def store(self, inner: Store) -> Store:
        inner.put_many(dict.fromkeys(["a/pre", "a/prE-key", "key", "a/b"], b""))
        return PrefixDecorator("a/pre-", inner)


class TestReadOnlyDecorator(Ours, ReadOnlyContract):
    @pytest.fixture
    def store(self, azure_server: AzureServer) -> Iterator[Store]:
        with closing(get_store_from_url(azure_server.url())) as inner:
            yield ReadOnlyDecorator(inner)

    def fill(self, store: Any, values: Any) -> None:
        store._dstore.put_many(values)

    def raw_set(self, store: Any, key: str, data: bytes) -> None:
        store._dstore.put(key, data)


class TestTimeToLiveDecorator(OnAzure, TimeToLiveContract):
    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return TimeToLiveDecorator(inner)


class TestHMACDecorator(OnAzure):
    h = True

    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return HMACDecorator(b"secret", inner)


class TestCacheDecorator(OnAzure, UrlContract):
    """A store before which another one remembers, which another object does not."""

    h = True

    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return CacheDecorator(HDictStore(), inner)

    def reopen(self, store: Store) -> Store:
        return store


class TestURLEncodeKeysDecorator(Encoding, OnAzure, UrlContract):
    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return URLEncodeKeysDecorator(inner)
