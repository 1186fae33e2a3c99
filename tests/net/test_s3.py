"""`Boto3Store` under every contract: alone, with extended keys, under each wrapper."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from minimalkv import get_store_from_url
from minimalkv.testing import (
    StoreStateMachine,
    TimeToLiveContract,
    UrlContract,
)
from minimalkv.ttl import TimeToLiveDecorator
from tests.backends.s3 import S3Server
from tests.net import under_server as under
from tests.net.few_keys import FEW_KEYS
from tests.net.under_server import Store
from tests.servers import servers
from tests.under_contract import layers


class OnS3(under.Opened):
    """A store on SeaweedFS."""

    @pytest.fixture
    def url(self, s3_server: S3Server) -> str:
        return s3_server.url(self.h)

    @pytest.fixture(autouse=True)
    def _raw(self, s3_server: S3Server, url: str) -> Iterator[None]:
        self.place = {"Bucket": s3_server.namespace(url)}
        # Not by the bucket of the store, for which boto3 makes one more client.
        with s3_server.client() as self.raw:
            yield

    def raw_names(self, store: Store) -> set[str]:
        """Name the objects, and the uploads that were begun and not completed."""
        *_, innermost = layers(store)
        below = {"Prefix": innermost.object_prefix}
        objects = self.raw.list_objects_v2(**self.place, **below).get("Contents", ())
        uploads = self.raw.list_multipart_uploads(**self.place).get("Uploads", ())
        names = {found["Key"] for found in objects}
        return names | {f"upload of {found['Key']}" for found in uploads}


class Raw(OnS3, under.OnServer, UrlContract):
    """A store whose values are the objects themselves."""

    def raw_get(self, store: Any, key: str) -> bytes:
        answer = self.raw.get_object(**self.place, Key=self._name(store, key))
        data: bytes = answer["Body"].read()
        return data

    def raw_set(self, store: Any, key: str, data: bytes) -> None:
        self.raw.put_object(**self.place, Key=self._name(store, key), Body=data)

    def _name(self, store: Any, key: str) -> str:
        prefix: str = store.object_prefix
        return prefix + key.replace("\\", ";5C")


class TestHBoto3Store(Raw):
    h = True
    race_rounds = 3
    race_updates = 8


@pytest.mark.stress
class TestBoto3Store(Raw):
    race_rounds = 20
    race_updates = 25


class TestBoto3StoreWithPrefix(Raw):
    """On a part of the bucket, beside objects that are not its own."""

    nasty_keys = FEW_KEYS

    @pytest.fixture
    def url(self, s3_server: S3Server) -> str:
        return s3_server.url(h=False).replace("?", "/in/?")


@pytest.fixture(scope="module")
def bucket_url(s3_server: S3Server) -> str:
    return s3_server.url(h=False)


class OnPart(OnS3):
    """A part of a bucket: that is made sooner."""

    @pytest.fixture
    def url(self, bucket_url: str) -> str:
        part = bucket_url.replace("?", f"/{uuid.uuid4().hex}/?")
        return f"h{part}" if self.h else part


class TestPrefixDecorator(under.Prefixed, OnPart, UrlContract):
    pass


class TestTimeToLiveDecorator(under.Expiring, OnPart, TimeToLiveContract):
    h = True


@pytest.mark.stress  # it runs on files and Redis in `make test`
class TestHMACDecorator(under.Signed, OnPart):
    pass


@pytest.mark.stress  # it runs on files and Redis in `make test`
class TestCacheDecorator(under.Cached, OnPart, UrlContract):
    pass


@pytest.mark.stress  # it runs on files and Redis in `make test`
class TestURLEncodeKeysDecorator(under.Encoded, OnPart, UrlContract):
    pass


@pytest.mark.stress  # it runs on files and Redis in `make test`
class TestReadOnlyDecorator(under.ReadOnly):
    @pytest.fixture
    def url(self, s3_server: S3Server) -> str:
        return s3_server.url()


class Machine(StoreStateMachine):
    """Any calls in any order, compared with a dictionary."""

    def make_store(self) -> Store:
        url = servers.s3().url().replace("?", "/machine/?")
        return TimeToLiveDecorator(get_store_from_url(url))


Machine.TestCase.settings = under.BRIEF
TestMachine = pytest.mark.usefixtures("s3_server")(Machine.TestCase)
