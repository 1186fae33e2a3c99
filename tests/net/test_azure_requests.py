"""How many requests Azure gets, and how many bytes go over the line."""

import io
import os
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from minimalkv import KeyNotFound, StoreError, get_store_from_url
from minimalkv._key_value_store import KeyValueStore
from minimalkv.net import _azure_copy, _azure_listing
from tests.backends.azure import AzureServer
from tests.net.azure_kit import Source, refusal
from tests.proxy import Answer, Proxy, Request

_MIB = 2**20


@pytest.fixture(scope="module")
def proxy(azure_server: AzureServer) -> Iterator[Proxy]:
    with Proxy(azure_server.port) as proxy:
        yield proxy


@pytest.fixture
def store(azure_server: AzureServer, proxy: Proxy) -> Iterator[KeyValueStore]:
    url = azure_server.through(azure_server.url(), proxy.port)
    proxy.fault = None
    with closing(get_store_from_url(url)) as store:
        store.put_many({f"many/{number}": b"x" for number in range(25)})
        store.put("key", b"0123456789")
        store.put("empty", b"")
        proxy.reset_counts()
        yield store


def test_each_verb_on_a_key_is_one_request(store: KeyValueStore, proxy: Proxy) -> None:
    etag, other = store.head("key").etag, store.head("empty").etag
    verbs: list[Any] = [
        (lambda: store.put("new", b"value"), "PUT"),
        (lambda: store.add("added", b"value"), "PUT"),
        (lambda: store.put("key", b"0123456789", if_match=etag), "PUT"),
        (lambda: store.get("key"), "GET"),
        (lambda: store.get("empty"), "GET"),
        (lambda: store.get_with_meta("key"), "GET"),
        (lambda: store.head("key"), "HEAD"),
        (lambda: store.head("empty"), "HEAD"),
        (lambda: "key" in store, "HEAD"),
        (lambda: "missing" in store, "HEAD"),
        (lambda: store.copy("key", "copy"), "PUT"),
        (lambda: store.put_file("file", io.BytesIO(b"value")), "PUT"),
        (lambda: store.put_file("file", Source(4 * _MIB)), "PUT"),
        (lambda: store.put("large", bytes(20 * _MIB)), "PUT"),
        (lambda: store.open_writer("writer").close(), "PUT"),
        (lambda: store.get_file("key", io.BytesIO()), "GET"),
        (lambda: store.get_file("large", os.devnull), "GET"),
        (lambda: store.delete("new"), "DELETE"),
        (lambda: store.delete("missing"), "DELETE"),
        (lambda: store.delete("empty", if_match=other), "DELETE"),
        (lambda: store.delete_many(["file", "writer", "copy"]), "POST"),
        (lambda: store.delete_many(["large"]), "DELETE"),
        (lambda: store.ping(), "HEAD"),
        (lambda: list(store.iter_prefixes("/")), "GET"),
    ]
    for verb, method in verbs:
        proxy.reset_counts()
        verb()
        assert proxy.methods == [method]


def test_missing_key_is_known_after_one_request(
    store: KeyValueStore, proxy: Proxy
) -> None:
    for read in (store.get, store.head, store.open, store.stream, store.get_with_meta):
        proxy.reset_counts()
        with pytest.raises(KeyNotFound):
            read("missing")
        assert len(proxy.requests) == 1


def test_open_and_read_of_a_small_value_is_one_request(
    store: KeyValueStore, proxy: Proxy
) -> None:
    with store.open("key") as file:
        assert file.read() == b"0123456789"
        file.seek(2)
        assert file.read(3) == b"234"
    assert proxy.methods == ["GET"]


def test_range_from_the_beginning_is_one_request(
    store: KeyValueStore, proxy: Proxy
) -> None:
    for start, stop in [(0, None), (3, None), (2, 5), (9, 100), (0, 0), (7, 7)]:
        proxy.reset_counts()
        _, file = store.stream("key", start, stop)
        with file:
            assert file.read() == b"0123456789"[start:stop]
        assert len(proxy.requests) == 1


def test_range_from_the_end_asks_for_the_size_first(
    store: KeyValueStore, proxy: Proxy
) -> None:
    for start in (-4, -10, -50):
        proxy.reset_counts()
        meta, file = store.stream("key", start)
        with file:
            assert file.read() == b"0123456789"[start:]
        assert proxy.methods == ["HEAD", "GET"]
        assert proxy.requests[1].headers["if-match"] == f'"{meta.etag}"'


def test_end_of_a_large_value_takes_two_requests_and_little(
    store: KeyValueStore, proxy: Proxy
) -> None:
    value = os.urandom(_MIB) * 64
    store.put_file("large", io.BytesIO(value))
    proxy.reset_counts()
    with store.open("large") as file:
        file.seek(-1024, io.SEEK_END)
        assert file.read() == value[-1024:]
    assert len(proxy.requests) <= 2
    assert proxy.sent_bytes <= _MIB
    store.delete("large")


def test_large_value_is_sent_in_blocks(store: KeyValueStore, proxy: Proxy) -> None:
    store.put_file("blocks", Source(9 * _MIB))
    kinds = [request.query["comp"] for request in proxy.requests]
    assert kinds == ["block"] * 3 + ["blocklist"]
    assert store.head("blocks").size == 9 * _MIB
    ids = [request.query.get("blockid", "") for request in proxy.requests[:3]]
    # As long as those of the SDK, or its unfinished uploads are in the way of ours.
    assert [len(block) for block in ids] == [64] * 3


def test_listing_gets_a_page_when_it_is_needed(
    store: KeyValueStore, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_azure_listing, "PAGE_NAMES", 10)
    assert len(list(islice(store.iter_keys("many/"), 10))) == 10
    assert len(proxy.requests) == 1
    proxy.reset_counts()
    assert len({meta.key for meta in store.iter_meta("many/")}) == 25
    assert len(proxy.requests) == 3
    proxy.reset_counts()
    assert sorted(store.iter_prefixes("/")) == ["empty", "key", "many/"]
    assert store.keys("no such") == store.keys("ä") == store.keys("a;b") == []
    assert len(proxy.requests) <= 4


def test_many_keys_are_deleted_256_at_once(store: KeyValueStore, proxy: Proxy) -> None:
    store.put("a b/c?d", b"")
    keys = [f"many/{number}" for number in range(300)]
    store.delete_many([*keys, "a b/c?d"])
    assert proxy.methods[-2:] == ["POST", "POST"]
    assert sorted(store) == ["empty", "key"]


def test_keys_are_deleted_singly_where_batches_are_refused(
    store: KeyValueStore, proxy: Proxy
) -> None:
    proxy.fault = refusal("400 Bad Request", "NotSupported", on=_is_batch)
    store.delete_many(["key", "empty", "missing"])
    assert proxy.methods == ["POST", "DELETE", "DELETE", "DELETE"]
    proxy.fault = None
    assert store.keys("key") == store.keys("empty") == []


def test_keys_that_a_batch_leaves_are_named(store: KeyValueStore, proxy: Proxy) -> None:
    proxy.fault = refusal(
        "409 Conflict",
        "SnapshotsPresent",
        on=lambda r: r.method != "POST" or _is_batch(r),
    )
    with pytest.raises(StoreError, match="SnapshotsPresent") as caught:
        store.delete_many(["key", "empty"])
    assert caught.value.failed_keys == ("key", "empty")


def _is_batch(request: Request) -> bool:
    return request.query.get("comp") == "batch"


def test_nothing_connects_before_the_first_call(
    azure_server: AzureServer, proxy: Proxy
) -> None:
    url = azure_server.through(azure_server.url(), proxy.port)
    proxy.reset_counts()
    with closing(get_store_from_url(url)) as store:
        assert repr(store)
        assert store.url_for("key")
    assert proxy.connections == 0


# Copies that Azure does not do by one request.


def _refuse_to_copy(status: str = "409 Conflict") -> Answer:
    return refusal(
        status,
        "CannotVerifyCopySource",
        on=lambda request: "x-ms-requires-sync" in request.headers,
    )


def test_copy_names_its_source_and_may_read_it(
    store: KeyValueStore, proxy: Proxy
) -> None:
    store.copy("key", "a b")
    source = urlsplit(proxy.requests[0].headers["x-ms-copy-source"])
    assert source.path.endswith("/key")
    assert parse_qs(source.query)["sp"] == ["r"]


def test_empty_value_is_copied_where_azure_cannot(
    store: KeyValueStore, proxy: Proxy
) -> None:
    store.put("empty", b"", content_type="text/x-own")
    proxy.reset_counts()
    proxy.fault = _refuse_to_copy()
    store.copy("empty", "copy")
    assert proxy.methods == ["PUT", "HEAD", "PUT"]
    assert store.get("copy") == b""
    assert store.head("copy").content_type == "text/x-own"


def test_copy_of_what_is_too_large_goes_in_parts(
    store: KeyValueStore, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"Cache-Control": "no-store"}
    store.put("large", bytes(2500), content_type="text/x-own", headers=headers)
    etag = store.head("large").etag
    proxy.reset_counts()
    monkeypatch.setattr(_azure_copy, "LARGEST_COPY_BYTES", 1000)
    proxy.fault = CopyOfParts()
    store.copy("large", "copy")
    single, head, *parts, commit = proxy.requests
    assert single.headers["x-ms-requires-sync"] == "true"
    assert head.method == "HEAD"
    ranges = [part.headers["x-ms-source-range"] for part in parts]
    assert ranges == ["bytes=0-999", "bytes=1000-1999", "bytes=2000-2499"]
    assert {part.headers["x-ms-source-if-match"] for part in parts} == {f'"{etag}"'}
    assert len({part.query["blockid"] for part in parts}) == 3
    assert commit.query["comp"] == "blocklist"
    assert commit.headers["x-ms-blob-content-type"] == "text/x-own"
    assert commit.headers["x-ms-blob-cache-control"] == "no-store"


class CopyOfParts(Answer):
    """Answers as Azure would, where Azurite has no such operation."""

    def __init__(self) -> None:
        super().__init__(b"", on=lambda request: request.method == "PUT")

    def take(self, request: Request) -> bool:
        is_whole = "comp" not in request.query
        fault = _refuse_to_copy()
        done = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
        self.reply = fault.reply if is_whole else done
        return super().take(request)


def test_copy_that_is_refused_says_so(store: KeyValueStore, proxy: Proxy) -> None:
    proxy.fault = _refuse_to_copy()
    with pytest.raises(StoreError, match="refused to copy 'key'"):
        store.copy("key", "copy")
    proxy.fault = _refuse_to_copy("404 Not Found")
    with pytest.raises(KeyNotFound):
        store.copy("key", "copy")
    proxy.fault = None
    assert "copy" not in store
