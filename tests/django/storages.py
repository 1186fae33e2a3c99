"""Storages of Django on every kind of store, for the tests of ours."""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from minimalkv import get_store_from_url
from minimalkv_django.storage import KVStorage
from tests.keeping import STORES

if TYPE_CHECKING:
    from tests.net.backend import Backend

_KINDS: Final = "memory hfs redis s3 azure gcs"


@pytest.fixture(params=os.environ.get(STORES, _KINDS).split())
def storage_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty store, of each kind in turn."""
    kind: str = request.param
    urls = {"memory": "hmemory://", "hfs": f"hfs://{tmp_path}/data?fsync=false"}
    return urls.get(kind) or backend_of(request, kind).url(**_OPTIONS.get(kind, {}))


# So that the first conditional write does no more than the others.
_OPTIONS: Final = {"s3": {"conditional": True}}


def backend_of(request: pytest.FixtureRequest, kind: str) -> "Backend":
    """Return what the tests know of a kind of backend, of which a server runs."""
    # It needs more than the tests on other versions of Django have.
    if kind == "redis":
        backend: Any = request.getfixturevalue("redis_server")
        return backend  # type: ignore[no-any-return]  # it has a url(), too
    from tests.net.backend import KINDS

    return KINDS[kind](request.getfixturevalue(f"{kind}_server"))


@pytest.fixture
def storage(storage_url: str) -> Iterator[KVStorage]:
    """Return a storage on an empty store, of each kind in turn."""
    with get_store_from_url(storage_url) as store:
        yield KVStorage(store)


@pytest.fixture
def memory() -> KVStorage:
    """Return a storage in memory, for what is the same on all."""
    return KVStorage(get_store_from_url("hmemory://"))


class Pipe:
    """A file that can be read once, in odd pieces."""

    def __init__(self, data: bytes, name: str | None = None) -> None:
        self._source = io.BytesIO(data)
        self.name = name

    def read(self, size: int = -1) -> bytes:
        return self._source.read(min(size, 70_001) if size >= 0 else -1)


def names_in(storage: KVStorage) -> list[str]:
    """Return the names of the files right in a storage."""
    return storage.listdir("")[1]


def read(storage: KVStorage, name: str) -> bytes:
    """Return what a file has."""
    with storage.open(name) as file:
        data: bytes = file.read()
    return data
