"""A store on Azurite, for the contracts."""

import pickle
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from minimalkv import get_store_from_url
from minimalkv._key_value_store import KeyValueStore
from minimalkv.testing import (
    NASTY_KEYS,
    ConditionalContract,
    CopyContract,
    StoreContract,
)
from tests.backends.azure import AzureServer
from tests.under_contract import Ours, layers

Store = KeyValueStore


class OnAzure(Ours, StoreContract, ConditionalContract, CopyContract):
    """A store on Azurite, seen through another object on the same container."""

    h = False
    # The stores themselves run these in full.
    race_rounds = 1
    race_updates = 2
    nasty_keys = NASTY_KEYS[::8]

    @pytest.fixture
    def inner(self, azure_server: AzureServer) -> Iterator[Store]:
        with ExitStack() as self._open:
            url = azure_server.url(self.h)
            yield self._open.enter_context(get_store_from_url(url))

    def reopen(self, store: Store) -> Store:
        again: Store = pickle.loads(pickle.dumps(store))
        return self._open.enter_context(again)

    def raw_names(self, store: Store) -> set[str]:
        """Name the blobs; unpublished blocks, which nobody can remove, are none."""
        *_, innermost = layers(store)
        return set(innermost.blob_container_client.list_blob_names())
