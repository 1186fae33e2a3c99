"""`AzureBlockBlobStore` under every contract, alone and with extended keys."""

from typing import Any

import pytest
from hypothesis import settings

from minimalkv import get_store_from_url
from minimalkv._key_value_store import KeyValueStore
from minimalkv.testing import NASTY_KEYS, StoreStateMachine, UrlContract
from tests.net.under_azure import OnAzure
from tests.servers import servers
from tests.test_state_machine import BOUNDED

Store = KeyValueStore


class Raw(OnAzure, UrlContract):
    """A store whose values are the blobs themselves."""

    nasty_keys = NASTY_KEYS

    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return inner

    def raw_get(self, store: Any, key: str) -> bytes:
        blob = store.blob_container_client.get_blob_client(key.replace("\\", ";5C"))
        data: bytes = blob.download_blob().readall()
        return data

    def raw_set(self, store: Any, key: str, data: bytes) -> None:
        blob = store.blob_container_client.get_blob_client(key.replace("\\", ";5C"))
        blob.upload_blob(data, overwrite=True)


class TestAzureBlockBlobStore(Raw):
    race_rounds = 3
    race_updates = 8


class TestHAzureBlockBlobStore(Raw):
    h = True


class Machine(StoreStateMachine):
    """Any calls in any order, compared with a dictionary."""

    def make_store(self) -> Store:
        return get_store_from_url(servers.azure().url())


Machine.TestCase.settings = settings(
    BOUNDED, max_examples=12, stateful_step_count=25, deadline=None
)
TestMachine = pytest.mark.usefixtures("azure_server")(Machine.TestCase)
