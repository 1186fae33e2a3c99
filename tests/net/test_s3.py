"""`Boto3Store` under every contract: alone, with extended keys, under each wrapper."""

import pickle
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

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
from tests.backends.s3 import S3Server
from tests.servers import servers
from tests.under_contract import Encoding, Ours, layers

Store = KeyValueStore


class OnS3(Ours, StoreContract, ConditionalContract, CopyContract):
    """A store on SeaweedFS, seen through another object on the same bucket."""

    h = False
    # A conditional write takes 14 ms there when others want to write the same key; the
    # store itself runs the races in full.
    race_rounds = 1
    race_updates = 3

    @pytest.fixture
    def inner(self, s3_server: S3Server) -> Iterator[Store]:
        with closing(get_store_from_url(s3_server.url(self.h))) as store:
            yield store

    def reopen(self, store: Store) -> Store:
        again: Store = pickle.loads(pickle.dumps(store))
        return again

    def raw_names(self, store: Store) -> set[str]:
        """Name the objects, and the uploads that were begun and not completed."""
        *_, innermost = layers(store)
        bucket, prefix = innermost.bucket, innermost.object_prefix
        objects = {found.key for found in bucket.objects.filter(Prefix=prefix)}
        uploads = {found.object_key for found in bucket.multipart_uploads.all()}
        return objects | {f"upload of {name}" for name in uploads}


class Raw(OnS3, UrlContract):
    """A store whose values are the objects themselves."""

    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return inner

    def raw_get(self, store: Any, key: str) -> bytes:
        name = key.replace("\\", ";5C")
        data: bytes = store.bucket.Object(name).get()["Body"].read()
        return data

    def raw_set(self, store: Any, key: str, data: bytes) -> None:
        store.bucket.Object(key.replace("\\", ";5C")).put(Body=data)


class TestBoto3Store(Raw):
    race_rounds = 5
    race_updates = 25


class TestHBoto3Store(Raw):
    h = True


class TestBoto3StoreWithPrefix(Raw):
    """On a part of the bucket, beside objects that are not its own."""

    @pytest.fixture
    def store(self, s3_server: S3Server) -> Iterator[Store]:
        url = s3_server.url(h=False).replace("?", "/in/?")
        with closing(get_store_from_url(url)) as store:
            yield store

    def raw_get(self, store: Any, key: str) -> bytes:
        return super().raw_get(store, f"in/{key}")

    def raw_set(self, store: Any, key: str, data: bytes) -> None:
        super().raw_set(store, f"in/{key}", data)


@pytest.fixture(scope="module")
def bucket_url(s3_server: S3Server) -> str:
    return s3_server.url()


class OnPart(OnS3):
    """A wrapper of a store that has a part of a bucket: that is made sooner."""

    h = True

    @pytest.fixture
    def inner(self, bucket_url: str) -> Iterator[Store]:
        url = bucket_url.replace("?", f"/{uuid.uuid4().hex}/?")
        with closing(get_store_from_url(url if self.h else url[1:])) as store:
            yield store


class TestPrefixDecorator(OnPart, UrlContract):
    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return PrefixDecorator("a/pre-", inner)


class TestReadOnlyDecorator(Ours, ReadOnlyContract):
    @pytest.fixture
    def store(self, s3_server: S3Server) -> Iterator[Store]:
        with closing(get_store_from_url(s3_server.url())) as inner:
            yield ReadOnlyDecorator(inner)

    def fill(self, store: Any, values: Any) -> None:
        store._dstore.put_many(values)

    def raw_set(self, store: Any, key: str, data: bytes) -> None:
        store._dstore.put(key, data)


class TestTimeToLiveDecorator(OnPart, TimeToLiveContract):
    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return TimeToLiveDecorator(inner)


class TestHMACDecorator(OnPart):
    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return HMACDecorator(b"secret", inner)


class TestCacheDecorator(OnPart, UrlContract):
    """A store before which another one remembers, which another object does not."""

    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return CacheDecorator(HDictStore(), inner)

    def reopen(self, store: Store) -> Store:
        return store


class Machine(StoreStateMachine):
    """Any calls in any order, compared with a dictionary."""

    def make_store(self) -> Store:
        url = servers.s3().url().replace("?", "/machine/?")
        return TimeToLiveDecorator(get_store_from_url(url))


TestMachine: Any = Machine.TestCase
TestMachine.settings = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


class TestURLEncodeKeysDecorator(Encoding, OnPart, UrlContract):
    h = False

    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return URLEncodeKeysDecorator(inner)
