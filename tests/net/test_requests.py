"""How many requests each backend gets, what they ask, and how much is sent."""

import io
import os
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest

from minimalkv import KeyNotFound, PreconditionFailed
from minimalkv._contract.tools import sample
from tests.net.backend import OBJECT_STORES, Backend, ObjectStore, on
from tests.net.uses import LARGE_BYTES, Source
from tests.proxy import Proxy

_MIB = 2**20
_LARGE = sample(_MIB) * 64
_CROWD = 1100


@pytest.fixture(scope="module")
def proxy(backend: Backend) -> Iterator[Proxy]:
    with Proxy(backend.server.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def crowded(backend: Backend, proxy: Proxy) -> Iterator[Any]:
    """Return a store with more keys than a page of most listings has."""
    url = backend.url()
    with backend.opened(url) as store:
        store.put_many({f"many/{number}": b"x" for number in range(_CROWD)})
    with backend.opened(url, proxy.port) as store:
        # What a first conditional write does more than the others is done now.
        store.add("number", b"5")
        store.increment("number")
        store.put("number", b"5", if_match=store.head("number").etag)
        store.add("deleted", b"")
        store.delete("deleted", if_match=store.head("deleted").etag)
        yield store


@pytest.fixture
def store(crowded: Any, proxy: Proxy) -> Any:
    crowded.put("key", b"0123456789")
    crowded.put("empty", b"")
    crowded.delete_many(["new", "large"])
    proxy.reset_counts()
    return crowded


Verb = Callable[[Any, str], object]


def _write(store: Any, _: str) -> None:
    with store.open_writer("new") as writer:
        writer.write(b"value")


def _read_end(store: Any, _: str) -> None:
    with store.open("key") as file:
        file.seek(-2, io.SEEK_END)
        assert file.read() == b"89"


# Each takes the etag of "key", and is sent as the second text says.
VERBS: dict[str, tuple[Verb, str]] = {
    "get": (lambda store, _: store.get("key"), "read"),
    "get of empty": (lambda store, _: store.get("empty"), "read"),
    "get_with_meta": (lambda store, _: store.get_with_meta("key"), "read"),
    "get_file": (lambda store, _: store.get_file("key", io.BytesIO()), "read"),
    "get_file by name": (lambda store, _: store.get_file("key", os.devnull), "read"),
    "open": (_read_end, "read"),
    "head": (lambda store, _: store.head("key"), "look"),
    "in": (lambda store, _: "key" in store, "look"),
    "not in": (lambda store, _: "missing" in store, "look"),
    "put": (lambda store, _: store.put("new", b"value"), "write"),
    "put_file": (lambda store, _: store.put_file("new", io.BytesIO(b"1")), "write"),
    "put_file by name": (lambda store, _: store.put_file("new", __file__), "write"),
    "open_writer": (_write, "write"),
    "add": (lambda store, _: store.add("new", b"value"), "write"),
    "put if it matches": (
        lambda store, etag: store.put("key", b"value", if_match=etag),
        "write if",
    ),
    "copy": (lambda store, _: store.copy("key", "new"), "copy"),
    "delete": (lambda store, _: store.delete("key"), "delete"),
    "delete of nothing": (lambda store, _: store.delete("missing"), "delete"),
    "delete if it matches": (
        lambda store, etag: store.delete("key", if_match=etag),
        "delete if",
    ),
    "delete_many": (
        lambda store, _: store.delete_many(["key", "empty", "missing"]),
        "delete many",
    ),
    "delete_many of one": (
        lambda store, _: store.delete_many(["key"]),
        "delete one of many",
    ),
    "ping": (lambda store, _: store.ping(), "ping"),
}


@pytest.mark.parametrize("name", VERBS)
def test_each_verb_is_one_request_on_a_connection_that_is_there(
    backend: Backend, store: Any, proxy: Proxy, name: str
) -> None:
    verb, kind = VERBS[name]
    etag = store.head("key").etag
    proxy.reset_counts()
    verb(store, etag)
    assert proxy.round_trips == 1
    assert proxy.connections == 0
    if backend.methods:
        assert proxy.methods == [backend.methods[kind]]


def test_missing_key_is_known_after_one_request(store: Any, proxy: Proxy) -> None:
    for read in (store.get, store.head, store.open, store.stream, store.get_with_meta):
        proxy.reset_counts()
        with pytest.raises(KeyNotFound):
            read("missing")
        assert proxy.round_trips == 1


def test_open_and_read_of_a_small_value_is_one_request(
    store: Any, proxy: Proxy
) -> None:
    with store.open("key") as file:
        assert file.read() == b"0123456789"
        file.seek(2)
        assert file.read(3) == b"234"
    assert proxy.round_trips == 1


def test_range_from_the_beginning_is_one_request(store: Any, proxy: Proxy) -> None:
    for start, stop in [(0, None), (3, None), (2, 5), (9, 100), (0, 0), (7, 7)]:
        proxy.reset_counts()
        _, file = store.stream("key", start, stop)
        with file:
            assert file.read() == b"0123456789"[start:stop]
        assert proxy.round_trips == 1


@on("redis", "s3", "gcs")  # Azure has to be asked for the size: see test_azure_requests
def test_range_from_the_end_is_one_request(store: Any, proxy: Proxy) -> None:
    for start in (-4, -10):
        proxy.reset_counts()
        _, file = store.stream("key", start)
        with file:
            assert file.read() == b"0123456789"[start:]
        assert proxy.round_trips == 1


def test_update_is_two_requests(store: Any, proxy: Proxy) -> None:
    assert store.update("key", lambda old: old + b"+") == b"0123456789+"
    assert proxy.round_trips == 2


def test_nothing_connects_before_the_first_call(backend: Backend, proxy: Proxy) -> None:
    url = backend.url()
    proxy.reset_counts()
    with backend.opened(url, proxy.port) as store:
        assert repr(store)
        assert hash(store) == hash(store)
        if store.url_support:
            assert store.url_for("key")
        assert proxy.connections == 0
        store.put("key", b"value")
        assert store.get("key") == b"value"
        assert proxy.connections == 1


# Large values.


def test_end_of_a_large_value_takes_two_requests_and_little(
    backend: Backend, store: Any, proxy: Proxy
) -> None:
    store.put("large", _LARGE)

    def open_end() -> bytes:
        with store.open("large") as file:
            file.seek(-1024, io.SEEK_END)
            data: bytes = file.read()
        return data

    def stream_end() -> bytes:
        with store.stream("large", -1024)[1] as file:
            data: bytes = file.read()
        return data

    # What is opened in Redis is got as a whole.
    ways = [stream_end, open_end] if backend.name in OBJECT_STORES else [stream_end]
    for read in ways:
        proxy.reset_counts()
        assert read() == _LARGE[-1024:]
        assert proxy.round_trips <= 2
        assert proxy.sent_bytes <= _MIB


@on(*OBJECT_STORES)
def test_value_that_fits_is_sent_at_once(
    backend: ObjectStore, store: Any, proxy: Proxy
) -> None:
    puts: list[Callable[[], object]] = [
        lambda: store.put_file("large", Source(backend.put_file_bytes)),
        lambda: store.put("large", bytes(backend.put_bytes)),
    ]
    for put in puts:
        proxy.reset_counts()
        put()
        assert proxy.methods == [backend.methods["write"]]
        assert proxy.round_trips == 1
    proxy.reset_counts()
    assert store.get("large") == bytes(backend.put_bytes)
    assert proxy.methods == [backend.methods["read"]]


# Many keys.


@on("s3", "gcs")  # Azure's pages have 5000 keys: see test_azure_requests
def test_listing_gets_a_page_when_it_is_needed(store: Any, proxy: Proxy) -> None:
    assert len(list(islice(store.iter_keys("many/"), 1000))) == 1000
    assert proxy.round_trips == 1
    proxy.reset_counts()
    assert len(list(store.iter_meta("many/"))) == _CROWD
    assert proxy.round_trips == 2


@on(*OBJECT_STORES)
def test_folders_are_listed_by_the_server(
    backend: ObjectStore, store: Any, proxy: Proxy
) -> None:
    assert sorted(store.iter_prefixes("/")) == ["empty", "key", "many/", "number"]
    assert proxy.methods == [backend.methods["list"]]
    assert proxy.requests[0].query["delimiter"] == "/"
    assert proxy.sent_bytes < 20_000


@on(*OBJECT_STORES)
def test_as_many_keys_are_deleted_at_once_as_may_be(
    backend: ObjectStore, store: Any, proxy: Proxy
) -> None:
    odd = "a b/c?d&e%20f+g"
    kept = store.keys("many/10")
    keys = [f"missing-{number}" for number in range(backend.deleted_at_once)]
    store.put_many({"key": b"", odd: b""})
    proxy.reset_counts()
    store.delete_many([odd, *keys, "key"])
    assert proxy.methods == [backend.methods["delete many"]] * 2
    assert store.get_many(["key", odd]) == {}
    assert store.keys("many/10") == kept


# Conditions: fake-gcs-server looks at few of them, so what counts is what is asked.


@on(*OBJECT_STORES)
def test_conditions_are_on_the_wire(
    backend: ObjectStore, store: Any, proxy: Proxy
) -> None:
    etag = store.head("key").etag
    uses: list[tuple[Callable[[], object], str]] = [
        (lambda: store.put("new", b"", if_absent=True), "*"),
        (lambda: store.add("newer", b""), "*"),
        (lambda: store.put_file("newest", io.BytesIO(b""), if_absent=True), "*"),
        (lambda: store.stream("key", if_match=etag)[1].close(), etag),
        (lambda: store.stream("key", 5, if_match=etag)[1].close(), etag),
        (lambda: store.stream("key", 50, if_match=etag)[1].close(), etag),
        (lambda: store.stream("key", 5, 5, if_match=etag)[1].close(), etag),
        (lambda: store.delete("key", if_match=etag), etag),
    ]
    for use, asked in uses:
        proxy.reset_counts()
        use()
        assert {backend.condition(request) for request in proxy.requests} == {asked}
    store.delete_many(["newer", "newest"])


@on(*OBJECT_STORES)
def test_conditions_of_calls_with_more_requests_are_on_the_wire(
    backend: ObjectStore, store: Any, proxy: Proxy
) -> None:
    # The first of this kind may find out more than the others.
    store.put_file("large", Source(LARGE_BYTES), if_absent=True)
    store.delete("large")
    etag = store.head("key").etag
    number = store.head("number").etag
    uses: list[tuple[Callable[[], object], str]] = [
        (lambda: store.update("new", lambda _: b""), "*"),
        (lambda: store.increment("number", 0), number),
        (lambda: store.put_file("large", Source(LARGE_BYTES), if_absent=True), "*"),
        (lambda: store.put_file("key", Source(LARGE_BYTES), if_match=etag), etag),
    ]
    for use, asked in uses:
        proxy.reset_counts()
        use()
        found = [backend.condition(request) for request in proxy.requests]
        assert [condition for condition in found if condition] == [asked]
    etag = store.head("key").etag
    proxy.reset_counts()
    store.update("key", lambda _: None)
    assert backend.condition(proxy.requests[-1]) == etag


@on(*OBJECT_STORES)
def test_open_file_asks_for_the_version_it_began_with(
    backend: ObjectStore, store: Any, proxy: Proxy
) -> None:
    store.put("key", bytes(_MIB))
    etag = store.head("key").etag
    with store.open("key") as file:
        file.read(1)
        proxy.reset_counts()
        file.seek(900_000)
        file.read(1)
        assert [backend.condition(request) for request in proxy.requests] == [etag]
        store.put("key", bytes([1]) * _MIB)
        file.seek(600_000)
        with pytest.raises(PreconditionFailed):
            file.read(1)
