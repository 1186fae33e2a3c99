"""A store on a server, alone and in each wrapper, for the contracts."""

import pickle
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import settings

from minimalkv import get_store_from_url
from minimalkv._contract.keys import KeyContract
from minimalkv._contract.listing import ListingContract
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
)
from minimalkv.ttl import TimeToLiveDecorator
from tests.net.few_keys import FEW_KEYS
from tests.test_state_machine import BOUNDED
from tests.under_contract import Encoding, Ours

Store = KeyValueStore

BRIEF = settings(BOUNDED, max_examples=12, stateful_step_count=25, deadline=None)
"""For a state machine each of whose steps asks a server."""


class Opened:
    """A store on a server, seen through another object on the same namespace.

    Attributes
    ----------
    h : bool
        Whether keys may contain ``/`` and space.
    """

    h = False

    @pytest.fixture(autouse=True)
    def _closes(self) -> Iterator[None]:
        with ExitStack() as self._open:
            yield

    @pytest.fixture
    def url(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    def inner(self, url: str) -> Store:
        return self._open.enter_context(get_store_from_url(url))

    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return inner

    def reopen(self, store: Store) -> Store:
        again: Store = pickle.loads(pickle.dumps(store))
        return self._open.enter_context(again)


class OnServer(Opened, Ours, StoreContract, ConditionalContract, CopyContract):
    """Under all contracts that each server keeps."""

    # Those that run for long do these in full.
    race_rounds = 1
    race_updates = 2


class OnServerWithFewerKeys(Opened, KeyContract, ListingContract):
    """Without ``/`` and space in its keys, and otherwise the same as with them."""

    nasty_keys = FEW_KEYS
    nasty_prefixes = FEW_KEYS


# The wrappers, to stand before the class of a server.


class Wrapped(OnServer):
    """A store in a wrapper: it runs all, and less often than the store itself."""

    nasty_keys = FEW_KEYS
    nasty_prefixes = FEW_KEYS
    busy_rounds = 1
    race_threads = 4
    race_writes = 10
    etag_puts = 20


class Prefixed(Wrapped):
    """Beside the values of others, which no `delete_prefix` reaches."""

    h = True
    prefix = "a/pre-"
    others: tuple[str, ...] = ("a/pre", "a/prE-key", "a/pre /key", "key")

    @pytest.fixture
    def store(self, inner: Store) -> Store:
        inner.put_many(dict.fromkeys(self.others, b""))
        return PrefixDecorator(self.prefix, inner)


class Expiring(Wrapped):
    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return TimeToLiveDecorator(inner)


class Signed(Wrapped):
    h = True

    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return HMACDecorator(b"secret", inner)


class Cached(Wrapped):
    """Behind a store that remembers: another object has another cache."""

    h = True

    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return CacheDecorator(HDictStore(), inner)

    def reopen(self, store: Store) -> Store:
        return store


class Encoded(Encoding, Wrapped):
    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return URLEncodeKeysDecorator(inner)


class ReadOnly(Ours, ReadOnlyContract):
    """What may not be written, on what the test writes itself."""

    h = True

    @pytest.fixture
    def url(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    def store(self, url: str) -> Iterator[Store]:
        with get_store_from_url(url) as inner:
            yield ReadOnlyDecorator(inner)

    def fill(self, store: Any, values: Any) -> None:
        store._dstore.put_many(values)

    def raw_set(self, store: Any, key: str, data: bytes) -> None:
        store._dstore.put(key, data)
