"""`GoogleCloudStore` under every contract: alone, extended, under each wrapper."""

import pickle
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import settings

from minimalkv import KeyNotFound, PreconditionFailed, get_store_from_url
from minimalkv._hstores import HDictStore, HGoogleCloudStore
from minimalkv._key_value_store import KeyValueStore
from minimalkv.cache import CacheDecorator
from minimalkv.crypt import HMACDecorator
from minimalkv.decorator import (
    PrefixDecorator,
    ReadOnlyDecorator,
    URLEncodeKeysDecorator,
)
from minimalkv.testing import (
    NASTY_KEYS,
    ConditionalContract,
    CopyContract,
    ReadOnlyContract,
    StoreContract,
    StoreStateMachine,
    TimeToLiveContract,
    UrlContract,
)
from minimalkv.ttl import TimeToLiveDecorator
from tests.backends.gcs import GCSServer
from tests.net.gcs_account import with_account
from tests.net.gcs_raw import RawBucket
from tests.servers import servers
from tests.test_state_machine import BOUNDED
from tests.under_contract import Encoding, Ours

Store = KeyValueStore


class OnGCS(Ours, StoreContract, ConditionalContract, CopyContract):
    """A store on fake-gcs-server, seen through another object on the same bucket."""

    h = False
    # The stores themselves run these in full.
    race_rounds = 1
    race_updates = 3
    nasty_keys = NASTY_KEYS[::8]

    @pytest.fixture
    def inner(self, gcs_server: GCSServer) -> Iterator[Store]:
        url = gcs_server.url(self.h)
        self.raw = RawBucket(gcs_server.port, gcs_server.namespace(url))
        with ExitStack() as self._open:
            yield self._open.enter_context(get_store_from_url(with_account(url)))

    def reopen(self, store: Store) -> Store:
        again: Store = pickle.loads(pickle.dumps(store))
        return self._open.enter_context(again)

    def raw_names(self, store: Store) -> set[str]:
        del store
        return self.raw.names()

    # fake-gcs-server deletes whichever version there is. So these show what they can,
    # one after the other; test_gcs_requests asserts what Google is asked to look at.

    def test_delete_takes_that_version_only(self, store: Store) -> None:
        store.put("key", b"old")
        old = store.head("key").etag
        store.delete("key", if_match=old)
        with pytest.raises(PreconditionFailed):
            store.delete("key", if_match=old)
        with pytest.raises(KeyNotFound):
            store.head("key")

    def test_update_to_nothing_begins_anew_when_somebody_was_faster(
        self, store: Store
    ) -> None:
        store.put("key", b"old")
        seen = []

        def drop(old: bytes | None) -> None:
            seen.append(old)
            if old is not None:
                store.delete("key")

        assert store.update("key", drop) is None
        assert seen == [b"old", None]


class Raw(OnGCS, UrlContract):
    """A store whose values are the objects themselves."""

    nasty_keys = NASTY_KEYS

    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return inner

    def raw_get(self, store: Store, key: str) -> bytes:
        del store
        return self.raw.read(key)

    def raw_set(self, store: Store, key: str, data: bytes) -> None:
        del store
        self.raw.write(key, data)


class TestGoogleCloudStore(Raw):
    race_rounds = 5
    race_updates = 25


class TestHGoogleCloudStore(Raw):
    h = True


class TestPrefixDecorator(OnGCS, UrlContract):
    """Beside the objects of others, which no `delete_prefix` reaches."""

    h = True

    @pytest.fixture
    def store(self, inner: Store) -> Store:
        for name in ("a/pre", "a/prE-key", "a/b", "key", "a/pre /key"):
            self.raw.write(name, b"")
        return PrefixDecorator("a/pre-", inner)


class TestTimeToLiveDecorator(OnGCS, TimeToLiveContract):
    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return TimeToLiveDecorator(inner)

    def test_one_of_many_replaces_an_expired_value(
        self, store: Store, advance: Callable[[float], None]
    ) -> None:
        store.put("key", b"old", 5)
        advance(6)
        assert [store.add("key", b"%d" % turn) for turn in range(2)] == [True, False]
        assert store.get("key") == b"0"

    def test_purge_leaves_what_is_rewritten_meanwhile(
        self, store: Store, advance: Callable[[float], None]
    ) -> None:
        store.put_many({"a": b"old", "b": b"old"}, 5)
        advance(6)
        store.put("a", b"new")
        assert store.purge_expired() == 1
        assert self.raw.names() == {"a"}


class TestHMACDecorator(OnGCS):
    h = True

    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return HMACDecorator(b"secret", inner)


class TestCacheDecorator(OnGCS, UrlContract):
    """A store before which another one remembers: it is another's that sees all."""

    h = True

    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return CacheDecorator(HDictStore(), inner)

    def reopen(self, store: Store) -> Store:
        return store


class TestURLEncodeKeysDecorator(Encoding, OnGCS, UrlContract):
    @pytest.fixture
    def store(self, inner: Store) -> Store:
        return URLEncodeKeysDecorator(inner)


class TestReadOnlyDecorator(Ours, ReadOnlyContract):
    @pytest.fixture
    def store(self, gcs_server: GCSServer) -> Iterator[Store]:
        with get_store_from_url(gcs_server.url()) as inner:
            yield ReadOnlyDecorator(inner)

    def fill(self, store: Any, values: Any) -> None:
        store._dstore.put_many(values)

    def raw_set(self, store: Any, key: str, data: bytes) -> None:
        store._dstore.put(key, data)


class Looking(HGoogleCloudStore):  # type: ignore[misc]  # made when it is asked for
    """A store that looks at a version itself before it deletes it.

    One call at a time, that is as good as if fake-gcs-server did.
    """

    def _delete(self, key: str, *, if_match: str | None = None) -> None:
        if if_match is not None:
            self.stream(key, 0, 0, if_match=if_match)[1].close()
        super()._delete(key, if_match=if_match)


class Machine(StoreStateMachine):
    """Any calls in any order, compared with a dictionary."""

    def make_store(self) -> Store:
        server = servers.gcs()
        return Looking(None, server.namespace(server.url()))


Machine.TestCase.settings = settings(
    BOUNDED, max_examples=12, stateful_step_count=25, deadline=None
)
TestMachine = pytest.mark.usefixtures("gcs_server")(Machine.TestCase)
