"""What Google alone is asked; what every backend is asked is in test_requests."""

import io
import logging
from typing import Any

import pytest

from minimalkv import KeyExists, PreconditionFailed, StoreUnavailable
from minimalkv.net._attempts import MAX_TRIES
from tests.net.backend import GCS, one_of
from tests.net.uses import VALUE
from tests.proxy import Answer, Drop, Proxy, Request

backend = one_of("gcs")

_MIB = 2**20
_STOCK = "no-cache, no-store, max-age=0, must-revalidate"


def test_all_calls_go_over_one_connection(store: Any, proxy: Proxy) -> None:
    store.get_file("key", io.BytesIO())
    store.delete("missing")
    _, file = store.stream("key", 3)
    file.read()
    store.copy("key", "copy")
    store.put_file("file", io.BytesIO(bytes(20 * _MIB)))
    assert proxy.connections == 0
    assert len({request.connection for request in proxy.requests}) == 1


def test_large_value_is_sent_in_parts_of_a_multiple(store: Any, proxy: Proxy) -> None:
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
    store: Any, proxy: Proxy
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


def test_part_that_is_not_taken_is_sent_again(store: Any, proxy: Proxy) -> None:
    stuck = b"HTTP/1.1 308 Resume\r\nContent-Length: 0\r\n\r\n"
    for times in (1, 2):
        proxy.reset_counts()
        proxy.fault = Answer(stuck, on=lambda r: r.method == "PUT", times=times)
        store.put_file("stuck", io.BytesIO(bytes(9 * _MIB)))
        assert proxy.methods == ["POST", *["PUT"] * (times + 3)]
        assert store.head("stuck").size == 9 * _MIB
        store.delete("stuck")
    proxy.reset_counts()
    proxy.fault = Answer(stuck, on=lambda request: request.method == "PUT")
    with pytest.raises(StoreUnavailable, match="did not take what was sent"):
        store.put_file("stuck", io.BytesIO(bytes(9 * _MIB)))
    assert proxy.methods == ["POST", *["PUT"] * MAX_TRIES, "DELETE"]
    proxy.fault = None
    assert "stuck" not in store


def test_part_that_goes_back_is_an_error(store: Any, proxy: Proxy) -> None:
    again = b"HTTP/1.1 308 Resume\r\nContent-Length: 0\r\nRange: bytes=0-99\r\n\r\n"
    proxy.fault = Answer(
        again, on=lambda request: proxy.methods == ["POST", "PUT", "PUT"]
    )
    with pytest.raises(StoreUnavailable, match="did not go on"):
        store.put_file("stuck", io.BytesIO(bytes(9 * _MIB)))
    assert proxy.methods == ["POST", "PUT", "PUT", "DELETE"]


def test_listing_asks_for_no_more_than_is_wanted(store: Any, proxy: Proxy) -> None:
    assert store.keys() == ["key", "number", "other"]
    (request,) = proxy.requests
    assert request.query["maxResults"] == "1000"
    assert request.query["fields"] == "nextPageToken,prefixes,items(name)"


def test_server_without_batches_deletes_one_by_one(store: Any, proxy: Proxy) -> None:
    store.put_many({"a": b"", "b": b""})
    proxy.fault = GCS.refusal(404, on=lambda request: request.path.startswith("/batch"))
    store.delete_many(["a", "b", "missing"])
    proxy.fault = None
    assert store.get_many(["a", "b"]) == {}


# Conditions: fake-gcs-server looks at them only where a value is sent in one request.


def test_condition_of_a_large_value_is_in_its_first_request(
    store: Any, proxy: Proxy
) -> None:
    etag = store.head("key").etag
    for key, options, asked in (
        ("new", {"if_absent": True}, "0"),
        ("key", {"if_match": etag}, etag),
    ):
        proxy.reset_counts()
        store.put_file(key, io.BytesIO(bytes(9 * _MIB)), **options)
        # What goes to the address of an upload belongs to it.
        assert proxy.methods[:2] == ["POST", "PUT"]
        assert proxy.requests[0].query["ifGenerationMatch"] == asked


@pytest.mark.parametrize("at_the_end", [False, True])
def test_large_value_that_comes_too_late_is_told_so(
    backend: GCS, store: Any, proxy: Proxy, at_the_end: bool
) -> None:
    def is_it(request: Request) -> bool:
        span = request.headers.get("content-range", "*")
        return backend.is_write(request) and (
            "*" not in span if at_the_end else span == "*"
        )

    large = bytes(9 * _MIB)
    etag = store.head("key").etag
    proxy.fault = GCS.refusal(412, on=is_it)
    with pytest.raises(KeyExists):
        store.put_file("other", io.BytesIO(large + b"end"), if_absent=True)
    with pytest.raises(PreconditionFailed):
        store.put_file("key", io.BytesIO(large + b"end"), if_match=etag)
    assert proxy.fault.happened >= 2


def test_etag_of_another_kind_of_store_matches_nothing(
    store: Any, proxy: Proxy
) -> None:
    use: Any
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
    store: Any, proxy: Proxy
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


def test_update_keeps_headers_that_are_asked_for(store: Any, proxy: Proxy) -> None:
    headers = {"Cache-Control": _STOCK, "Content-Disposition": "attachment"}
    store.put("key", b"1", headers=headers)
    store.increment("key")
    assert proxy.methods == ["POST", "GET", "GET", "POST"]
    assert (store.get("key"), store.head("key").headers) == (b"2", headers)


def test_headers_of_a_value_that_is_gone_are_none(store: Any) -> None:
    store.put("key", b"1", headers={"Cache-Control": _STOCK})
    change: Any
    for change in (lambda: store.put("key", b"2"), lambda: store.delete("key")):
        meta, file = store.stream("key")
        file.close()
        change()
        assert dict(meta.headers) == {}
        store.put("key", b"1", headers={"Cache-Control": _STOCK})


# Copies.


def test_copy_goes_on_until_it_is_done(store: Any, proxy: Proxy) -> None:
    body = b'{"done": false, "rewriteToken": "to/ken"}'
    half = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    proxy.fault = Answer(half, times=2)
    store.copy("key", "copy")
    tokens = [request.query.get("rewriteToken") for request in proxy.requests]
    assert tokens == [None, "to/ken", "to/ken"]
    assert store.get("copy") == VALUE


def test_damaged_upload_is_sent_again(backend: GCS, store: Any, proxy: Proxy) -> None:
    message = 'Provided CRC32C "AAAAAA==" doesn\'t match calculated CRC32C "rL0Y20==".'
    for is_new in (False, True):
        proxy.fault = GCS.refusal(
            400, message, on=lambda request: request.method == "POST", times=1
        )
        store.put("new", b"value", if_absent=is_new)
        assert store.get("new") == b"value"
        store.delete("new")


def test_log_does_not_let_its_readers_write(
    store: Any, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        store.put_file("new", io.BytesIO(bytes(9 * _MIB)))
    secrets = {r.query["upload_id"] for r in proxy.requests if "upload_id" in r.query}
    assert len(secrets) == 1
    assert "upload_id=***" in caplog.text
    assert secrets.pop() not in caplog.text


def test_upload_that_breaks_off_is_cancelled(store: Any, proxy: Proxy) -> None:
    proxy.fault = Drop(on=lambda request: request.method == "PUT")
    with pytest.raises(StoreUnavailable) as caught:
        store.put_file("new", io.BytesIO(bytes(12 * _MIB)))
    assert proxy.methods == ["POST", "PUT", "DELETE"]
    assert "upload_id" in proxy.requests[2].query
    # Whoever knows it may write.
    assert "upload_id" not in f"{caught.value} {caught.value.__cause__!r}"
    assert caught.value.__context__ is None
    proxy.fault = None
    writer = store.open_writer("new")
    writer.write(bytes(9 * _MIB))
    proxy.reset_counts()
    writer.abort()
    assert "DELETE" in proxy.methods
    assert "new" not in store
