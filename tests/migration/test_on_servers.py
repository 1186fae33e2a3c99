"""The migration wrapper from files to Redis and to S3, under the contracts."""

from pathlib import Path
from typing import Any

import pytest

from minimalkv._hstores import HFilesystemStore
from minimalkv.migration import MigrationDecorator
from minimalkv.testing import TimeToLiveContract, UrlContract
from tests.backends.s3 import S3Server
from tests.net.under_redis import OnRedis
from tests.net.under_server import Store, Wrapped


class FromFiles(Wrapped):
    """What a test is to read is in the old store."""

    @pytest.fixture
    def store(self, inner: Store, root: Path) -> Store:
        return MigrationDecorator(HFilesystemStore(root, fsync=False), inner)

    def fill(self, store: Any, values: Any) -> None:
        store.old.put_many(values)

    def raw_set(self, store: Any, key: str, data: bytes) -> None:
        store._dstore.delete(key)
        store.old.put(key, data)


class TestFromFilesToRedis(FromFiles, OnRedis, TimeToLiveContract):
    h = True


@pytest.mark.stress
class TestFromFilesToS3(FromFiles, UrlContract):
    h = True

    @pytest.fixture
    def url(self, s3_server: S3Server) -> str:
        return s3_server.url(self.h)
