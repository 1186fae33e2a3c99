"""How many requests Google gets, what they say, and how many bytes go over the line."""

import io
import os
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from minimalkv import KeyExists, KeyNotFound, PreconditionFailed, StoreUnavailable
from minimalkv._key_value_store import KeyValueStore
from tests.backends.gcs import GCSServer
from tests.net.through_gcs import answer, is_write, store_through
from tests.proxy import Answer, Drop, Proxy, Request

_MIB = 2**20
_STOCK = "no-cache, no-store, max-age=0, must-revalidate"


@pytest.fixture(scope="module")
def proxy(gcs_server: GCSServer) -> Iterator[Proxy]:
    with Proxy(gcs_server.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def crowded(gcs_server: GCSServer, proxy: Proxy) -> Iterator[KeyValueStore]:
    """Return a store with more keys than a page of a listing has."""
    with store_through(gcs_server, proxy.port) as store:
        store.put_many({f"many/{n}": b"x" for n in range(1100)})
        yield store


@pytest.fixture
def store(crowded: KeyValueStore, proxy: Proxy) -> KeyValueStore:
    proxy.fault = None
    crowded.put("key", b"0123456789")
    proxy.reset_counts()
    return crowded


def test_each_verb_on_a_key_is_one_request(store: KeyValueStore, proxy: Proxy) -> None:
    verbs: list[Any] = [
        (lambda: store.put("new", b"value"), "POST"),
        (lambda: store.get("key"), "GET"),
        (lambda: store.get_with_meta("key"), "GET"),
        (lambda: store.head("key"), "GET"),
        (lambda: "key" in store, "GET"),
        (lambda: "missing" in store, "GET"),
        (lambda: store.copy("key", "copy"), "POST"),
        (lambda: store.put_file("file", io.BytesIO(b"value")), "POST"),
        (lambda: store.put_file("file", io.BytesIO(bytes(8 * _MIB))), "POST"),
        (lambda: store.put("file", bytes(9 * _MIB)), "POST"),
        (lambda: store.open_writer("writer").close(), "POST"),
        (lambda: store.get_file("key", io.BytesIO()), "GET"),
        (lambda: store.get_file("key", os.devnull), "GET"),
        (lambda: store.delete("new"), "DELETE"),
        (lambda: store.delete("missing"), "DELETE"),
        (lambda: store.delete_many(["file", "writer", "copy", "missing"]), "POST"),
        (lambda: store.ping(), "GET"),
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


def test_update_is_two_requests(store: KeyValueStore, proxy: Proxy) -> None:
    store.update("key", lambda old: (old or b"") + b"+")
    assert proxy.methods == ["GET", "POST"]


def test_open_and_read_of_a_small_value_is_one_request(
    store: KeyValueStore, proxy: Proxy
) -> None:
    with store.open("key") as file:
        assert file.read() == b"0123456789"
        file.seek(2)
        assert file.read(3) == b"234"
    assert proxy.methods == ["GET"]


def test_each_range_is_one_request(store: KeyValueStore, proxy: Proxy) -> None:
    for start, stop in [(0, None), (3, None), (2, 5), (-4, None), (0, 0), (7, 7)]:
        proxy.reset_counts()
        _, file = store.stream("key", start, stop)
        with file:
            assert file.read() == b"0123456789"[start:stop]
        assert proxy.methods == ["GET"]


def test_end_of_a_large_value_takes_two_requests_and_little(
    store: KeyValueStore, proxy: Proxy
) -> None:
    value = os.urandom(_MIB) * 64
    store.put("large", value)
    proxy.reset_counts()
    with store.open("large") as file:
        file.seek(-1024, io.SEEK_END)
        assert file.read() == value[-1024:]
    assert len(proxy.requests) <= 2
    assert proxy.sent_bytes <= _MIB
    store.delete("large")


def test_all_calls_go_over_one_connection(store: KeyValueStore, proxy: Proxy) -> None:
    store.get_file("key", io.BytesIO())
    store.delete("missing")
    _, file = store.stream("key", 3)
    file.read()
    store.copy("key", "copy")
    store.put_file("file", io.BytesIO(bytes(20 * _MIB)))
    assert proxy.connections == 0
    assert len({request.connection for request in proxy.requests}) == 1


def test_large_value_is_sent_in_parts_of_a_multiple(
    store: KeyValueStore, proxy: Proxy
) -> None:
    for size, spans in [
        (12 * _MIB, ["bytes 0-8388607/*", "bytes 8388608-12582911/*", "*/12582912"]),
        (9 * _MIB + 1, ["bytes 0-8388607/*", "bytes 8388608-9437184/9437185"]),
        (16 * _MIB, ["bytes 0-8388607/*", "bytes 8388608-16777215/*", "*/16777216"]),
    ]:
        proxy.reset_counts()
        store.put_file("parts", io.BytesIO(bytes(size)), content_type="text/x-own")
        begin, *parts = proxy.requests
        assert begin.query["uploadType"] == "resumable"
        sent = [part.headers["content-range"] for part in parts]
        assert [span.removeprefix("bytes ") for span in sent] == [
            span.removeprefix("bytes ") for span in spans
        ]
        assert "x-goog-hash" in parts[-1].headers
        assert store.head("parts").size == size
        assert store.head("parts").content_type == "text/x-own"


def test_part_that_is_stored_in_part_is_sent_again_from_there(
    store: KeyValueStore, proxy: Proxy
) -> None:
    more = b"HTTP/1.1 308 Resume\r\nContent-Length: 0\r\nRange: bytes=0-%d\r\n\r\n"
    proxy.fault = Answer(
        more % (2 * _MIB - 1), on=lambda request: request.method == "PUT", times=1
    )
    store.put_file("parts", io.BytesIO(bytes(8 * _MIB + 5)))
    spans = [request.headers.get("content-range") for request in proxy.requests]
    assert spans[1:] == [
        "bytes 0-8388607/*",
        "bytes 2097152-8388607/*",
        "bytes 8388608-8388612/8388613",
    ]


def test_part_that_is_not_taken_is_an_error(store: KeyValueStore, proxy: Proxy) -> None:
    stuck = b"HTTP/1.1 308 Resume\r\nContent-Length: 0\r\n\r\n"
    proxy.fault = Answer(stuck, on=lambda request: request.method == "PUT")
    with pytest.raises(StoreUnavailable, match="may have happened"):
        store.put_file("stuck", io.BytesIO(bytes(9 * _MIB)))
    assert proxy.methods == ["POST", "PUT", "DELETE"]
    proxy.fault = None
    assert "stuck" not in store


def test_listing_gets_a_page_when_it_is_needed(
    store: KeyValueStore, proxy: Proxy
) -> None:
    assert len(list(islice(store.iter_keys("many/"), 1000))) == 1000
    assert [request.query["maxResults"] for request in proxy.requests] == ["1000"]
    assert proxy.requests[0].query["fields"] == "nextPageToken,prefixes,items(name)"
    proxy.reset_counts()
    assert len(list(store.iter_meta("many/"))) == 1100
    assert len(proxy.requests) == 2


def test_folders_are_listed_by_the_server(store: KeyValueStore, proxy: Proxy) -> None:
    assert "many/" in store.iter_prefixes("/")
    assert proxy.requests[0].query["delimiter"] == "/"
    assert proxy.sent_bytes < 20_000


def test_many_keys_are_deleted_a_hundred_at_once(
    gcs_server: GCSServer, proxy: Proxy
) -> None:
    with store_through(gcs_server, proxy.port) as store:
        store.put_many({f"key-{n}": b"" for n in range(205)})
        proxy.reset_counts()
        store.delete_many([f"key-{n}" for n in range(210)])
        assert [request.path for request in proxy.requests] == ["/batch/storage/v1"] * 3
        assert store.keys() == []


def test_server_without_batches_deletes_one_by_one(
    store: KeyValueStore, proxy: Proxy
) -> None:
    store.put_many({"a": b"", "b": b""})
    proxy.fault = answer(
        "404 Not Found", on=lambda request: request.path.startswith("/batch")
    )
    store.delete_many(["a", "b", "missing"])
    proxy.fault = None
    assert store.get_many(["a", "b"]) == {}


# Conditions: fake-gcs-server looks at them only where a value is sent in one request.


def test_conditions_are_on_the_wire(store: KeyValueStore, proxy: Proxy) -> None:
    etag = store.head("key").etag
    large = bytes(9 * _MIB)
    uses: list[Any] = [
        (lambda: store.put("new", b"", if_absent=True), "0"),
        (lambda: store.put_file("new2", io.BytesIO(b""), if_absent=True), "0"),
        (lambda: store.put_file("new3", io.BytesIO(large), if_absent=True), "0"),
        (lambda: store.stream("key", if_match=etag)[1].close(), etag),
        (lambda: store.stream("key", 5, if_match=etag)[1].close(), etag),
        (lambda: store.stream("key", 50, if_match=etag)[1].close(), etag),
        (lambda: store.stream("key", 5, 5, if_match=etag)[1].close(), etag),
        (lambda: store.put_file("key", io.BytesIO(large), if_match=etag), etag),
        (lambda: store.delete("key", if_match=etag), etag),
    ]
    for use, asked in uses:
        proxy.reset_counts()
        use()
        # What goes to the address of an upload belongs to its first request.
        found = [r.query.get("ifGenerationMatch") for r in proxy.requests]
        assert set(found[:1] if "PUT" in proxy.methods else found) == {asked}


def test_open_file_asks_for_the_version_it_began_with(
    store: KeyValueStore, proxy: Proxy
) -> None:
    store.put("key", bytes(_MIB))
    etag = store.head("key").etag
    with store.open("key") as file:
        proxy.reset_counts()
        file.seek(900_000)
        file.read(1)
        assert proxy.requests[0].query["ifGenerationMatch"] == etag
        store.put("key", bytes([1]) * _MIB)
        file.seek(600_000)
        with pytest.raises(PreconditionFailed):
            file.read(1)


@pytest.mark.parametrize(
    ("status", "message"), [("412 No", "no"), ("404 No", "No such object: b/key")]
)
def test_version_that_is_gone_is_a_failed_precondition(
    store: KeyValueStore, proxy: Proxy, status: str, message: str
) -> None:
    etag = store.head("key").etag
    proxy.fault = answer(status, message)
    uses: list[Any] = [
        lambda: store.delete("key", if_match=etag),
        lambda: store.stream("key", if_match=etag),
        lambda: store.stream("key", 5, 5, if_match=etag),
    ]
    for use in uses:
        with pytest.raises(PreconditionFailed):
            use()


@pytest.mark.parametrize("at_the_end", [False, True])
def test_large_value_that_comes_too_late_is_told_so(
    store: KeyValueStore, proxy: Proxy, at_the_end: bool
) -> None:
    def is_it(request: Request) -> bool:
        span = request.headers.get("content-range", "*")
        return is_write(request) and ("*" not in span if at_the_end else span == "*")

    large = bytes(9 * _MIB)
    etag = store.head("key").etag
    proxy.fault = answer("412 Precondition Failed", on=is_it)
    with pytest.raises(KeyExists):
        store.put_file("other", io.BytesIO(large + b"end"), if_absent=True)
    with pytest.raises(PreconditionFailed):
        store.put_file("key", io.BytesIO(large + b"end"), if_match=etag)
    assert proxy.fault.happened >= 2


def test_etag_of_another_kind_of_store_matches_nothing(
    store: KeyValueStore, proxy: Proxy
) -> None:
    for etag in ("0", "00", "-1", "1.0", "5d41402abc4b2a76b9719d911017c592", "٣"):
        for use in (
            lambda etag=etag: store.put("key", b"", if_match=etag),
            lambda etag=etag: store.delete("key", if_match=etag),
            lambda etag=etag: store.stream("key", if_match=etag),
        ):
            with pytest.raises(PreconditionFailed):
                use()
    assert proxy.requests == []


# What Google sends with a value in the place of its own headers.


def test_headers_that_come_with_no_value_are_asked_for(
    store: KeyValueStore, proxy: Proxy
) -> None:
    for headers in ({"Cache-Control": _STOCK}, {"Content-Disposition": "attachment"}):
        store.put("key", b"1", headers=headers)
        proxy.reset_counts()
        data, meta = store.get_with_meta("key")
        assert (data, meta.size, len(proxy.requests)) == (b"1", 1, 1)
        assert "not asked for" in repr(meta)
        assert meta.headers == headers
        assert dict(meta.headers) == headers
        assert len(proxy.requests) == 2


def test_update_keeps_headers_that_are_asked_for(
    store: KeyValueStore, proxy: Proxy
) -> None:
    headers = {"Cache-Control": _STOCK, "Content-Disposition": "attachment"}
    store.put("key", b"1", headers=headers)
    store.increment("key")
    assert proxy.methods == ["POST", "GET", "GET", "POST"]
    assert (store.get("key"), store.head("key").headers) == (b"2", headers)


def test_headers_of_a_value_that_is_gone_are_none(store: KeyValueStore) -> None:
    store.put("key", b"1", headers={"Cache-Control": _STOCK})
    for change in (lambda: store.put("key", b"2"), lambda: store.delete("key")):
        meta, file = store.stream("key")
        file.close()
        change()
        assert dict(meta.headers) == {}
        store.put("key", b"1", headers={"Cache-Control": _STOCK})


# Copies.


def test_copy_goes_on_until_it_is_done(store: KeyValueStore, proxy: Proxy) -> None:
    body = b'{"done": false, "rewriteToken": "to/ken"}'
    half = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    proxy.fault = Answer(half, times=2)
    store.copy("key", "copy")
    tokens = [request.query.get("rewriteToken") for request in proxy.requests]
    assert tokens == [None, "to/ken", "to/ken"]
    assert store.get("copy") == b"0123456789"


def test_damaged_upload_is_sent_again(store: KeyValueStore, proxy: Proxy) -> None:
    message = 'Provided CRC32C "AAAAAA==" doesn\'t match calculated CRC32C "rL0Y20==".'
    for is_new in (False, True):
        proxy.fault = answer("400 Bad Request", message, on=is_write, times=1)
        store.put("new", b"value", if_absent=is_new)
        assert store.get("new") == b"value"
        store.delete("new")


def test_upload_that_breaks_off_is_cancelled(store: Any, proxy: Proxy) -> None:
    proxy.fault = Drop(on=lambda request: request.method == "PUT")
    with pytest.raises(StoreUnavailable) as caught:
        store.put_file("new", io.BytesIO(bytes(12 * _MIB)))
    assert proxy.methods == ["POST", "PUT", "DELETE"]
    assert "upload_id" in proxy.requests[2].query
    # Whoever knows it may write.
    assert "upload_id" not in f"{caught.value} {caught.value.__cause__!r}"
    assert caught.value.__suppress_context__
    proxy.fault = None
    writer = store.open_writer("new")
    writer.write(bytes(9 * _MIB))
    proxy.reset_counts()
    writer.abort()
    assert "DELETE" in proxy.methods
    assert "new" not in store
