"""`AzureBlockBlobStore` under every contract: alone, extended, under each wrapper."""

from typing import Any

import pytest

from minimalkv import get_store_from_url
from minimalkv.testing import (
    StoreStateMachine,
    TimeToLiveContract,
    UrlContract,
)
from tests.backends.azure import AzureServer
from tests.net import under_server as under
from tests.net.under_server import Store
from tests.servers import servers
from tests.under_contract import layers


class OnAzure(under.Opened):
    """A store on Azurite."""

    @pytest.fixture
    def url(self, azure_server: AzureServer) -> str:
        return azure_server.url(self.h)

    def raw_names(self, store: Store) -> set[str]:
        """Name the blobs; unpublished blocks, which nobody can remove, are none."""
        *_, innermost = layers(store)
        return set(innermost.blob_container_client.list_blob_names())


class Raw(OnAzure, under.OnServer, UrlContract):
    """A store whose values are the blobs themselves."""

    def raw_get(self, store: Any, key: str) -> bytes:
        data: bytes = self._blob(store, key).download_blob().readall()
        return data

    def raw_set(self, store: Any, key: str, data: bytes) -> None:
        self._blob(store, key).upload_blob(data, overwrite=True)

    def _blob(self, store: Any, key: str) -> Any:
        return store.blob_container_client.get_blob_client(key.replace("\\", ";5C"))


class TestHAzureBlockBlobStore(Raw):
    h = True
    race_rounds = 3
    race_updates = 8


class TestAzureBlockBlobStoreWithFewerKeys(OnAzure, under.OnServerWithFewerKeys):
    pass


@pytest.mark.stress
class TestAzureBlockBlobStore(Raw):
    race_rounds = 20
    race_updates = 25


class TestPrefixDecorator(under.Prefixed, OnAzure, UrlContract):
    pass


class TestTimeToLiveDecorator(under.Expiring, OnAzure, TimeToLiveContract):
    pass


@pytest.mark.stress  # it runs on files and Redis in `make test`
class TestHMACDecorator(under.Signed, OnAzure):
    pass


@pytest.mark.stress  # it runs on files and Redis in `make test`
class TestCacheDecorator(under.Cached, OnAzure, UrlContract):
    pass


@pytest.mark.stress  # it runs on files and Redis in `make test`
class TestURLEncodeKeysDecorator(under.Encoded, OnAzure, UrlContract):
    pass


@pytest.mark.stress  # it runs on files and Redis in `make test`
class TestReadOnlyDecorator(under.ReadOnly):
    @pytest.fixture
    def url(self, azure_server: AzureServer) -> str:
        return azure_server.url()


class Machine(StoreStateMachine):
    """Any calls in any order, compared with a dictionary."""

    def make_store(self) -> Store:
        return get_store_from_url(servers.azure().url())


Machine.TestCase.settings = under.BRIEF
TestMachine = pytest.mark.usefixtures("azure_server")(Machine.TestCase)
