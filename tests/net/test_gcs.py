"""`GoogleCloudStore` under every contract: alone, extended, under each wrapper."""

from collections.abc import Callable

import pytest

from minimalkv import KeyNotFound, PreconditionFailed
from minimalkv._hstores import HGoogleCloudStore
from minimalkv.testing import (
    StoreStateMachine,
    TimeToLiveContract,
    UrlContract,
)
from tests.backends.gcs import GCSServer
from tests.net import under_server as under
from tests.net.gcs_account import with_account
from tests.net.gcs_raw import RawBucket
from tests.net.under_server import Store
from tests.servers import servers


class OnGCS(under.Opened):
    """A store on fake-gcs-server."""

    @pytest.fixture
    def url(self, gcs_server: GCSServer) -> str:
        url = gcs_server.url(self.h)
        self.raw = RawBucket(gcs_server.port, gcs_server.namespace(url))
        return with_account(url)

    def raw_names(self, store: Store) -> set[str]:
        del store
        return self.raw.names()

    # fake-gcs-server deletes whichever version there is. So these show what they can,
    # one after the other; test_requests asserts what Google is asked to look at.

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


class Raw(OnGCS, under.OnServer, UrlContract):
    """A store whose values are the objects themselves."""

    def raw_get(self, store: Store, key: str) -> bytes:
        del store
        return self.raw.read(key)

    def raw_set(self, store: Store, key: str, data: bytes) -> None:
        del store
        self.raw.write(key, data)


class TestHGoogleCloudStore(Raw):
    h = True
    race_rounds = 5
    race_updates = 25


class TestGoogleCloudStoreWithFewerKeys(OnGCS, under.OnServerWithFewerKeys):
    pass


@pytest.mark.stress
class TestGoogleCloudStore(Raw):
    race_rounds = 20
    race_updates = 25


class TestPrefixDecorator(under.Prefixed, OnGCS, UrlContract):
    pass


class TestTimeToLiveDecorator(under.Expiring, OnGCS, TimeToLiveContract):
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


@pytest.mark.stress  # it runs on files and Redis in `make test`
class TestHMACDecorator(under.Signed, OnGCS):
    pass


@pytest.mark.stress  # it runs on files and Redis in `make test`
class TestCacheDecorator(under.Cached, OnGCS, UrlContract):
    pass


@pytest.mark.stress  # it runs on files and Redis in `make test`
class TestURLEncodeKeysDecorator(under.Encoded, OnGCS, UrlContract):
    pass


@pytest.mark.stress  # it runs on files and Redis in `make test`
class TestReadOnlyDecorator(under.ReadOnly):
    @pytest.fixture
    def url(self, gcs_server: GCSServer) -> str:
        return gcs_server.url()


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


Machine.TestCase.settings = under.BRIEF
TestMachine = pytest.mark.usefixtures("gcs_server")(Machine.TestCase)
