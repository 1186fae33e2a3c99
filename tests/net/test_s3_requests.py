"""How many requests S3 gets, and how many bytes go over the line."""

import io
import os
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any

import pytest

from minimalkv import InvalidArgument, KeyNotFound, get_store_from_url
from minimalkv._key_value_store import KeyValueStore
from minimalkv.net import _s3_copy
from tests.backends.s3 import S3Server
from tests.proxy import Answer, Proxy

_MIB = 2**20


@pytest.fixture(scope="module")
def proxy(s3_server: S3Server) -> Iterator[Proxy]:
    with Proxy(s3_server.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def crowded(s3_server: S3Server, proxy: Proxy) -> Iterator[KeyValueStore]:
    """Return a store with more keys than a page of a listing has."""
    url = s3_server.through(s3_server.url(), proxy.port)
    with closing(get_store_from_url(url)) as store:
        store.put_many({f"many/{n}": b"x" for n in range(1100)})
        yield store


@pytest.fixture
def store(crowded: KeyValueStore, proxy: Proxy) -> KeyValueStore:
    crowded.put("key", b"0123456789")
    proxy.fault = None
    proxy.reset_counts()
    return crowded


def test_each_verb_on_a_key_is_one_request(store: KeyValueStore, proxy: Proxy) -> None:
    verbs: list[Any] = [
        (lambda: store.put("new", b"value"), "PUT"),
        (lambda: store.get("key"), "GET"),
        (lambda: store.get_with_meta("key"), "GET"),
        (lambda: store.head("key"), "GET"),
        (lambda: "key" in store, "GET"),
        (lambda: "missing" in store, "GET"),
        (lambda: store.copy("key", "copy"), "PUT"),
        (lambda: store.put_file("file", io.BytesIO(b"value")), "PUT"),
        (lambda: store.put_file("file", io.BytesIO(bytes(4 * _MIB))), "PUT"),
        (lambda: store.open_writer("writer").close(), "PUT"),
        (lambda: store.get_file("key", io.BytesIO()), "GET"),
        (lambda: store.get_file("key", os.devnull), "GET"),
        (lambda: store.delete("new"), "DELETE"),
        (lambda: store.delete("missing"), "DELETE"),
        (lambda: store.delete_many(["file", "writer", "copy"]), "POST"),
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
    store.put_file("large", io.BytesIO(value))
    proxy.reset_counts()
    with store.open("large") as file:
        file.seek(-1024, io.SEEK_END)
        assert file.read() == value[-1024:]
    assert len(proxy.requests) <= 2
    assert proxy.sent_bytes <= _MIB
    store.delete("large")


def test_large_value_is_sent_in_parts(store: KeyValueStore, proxy: Proxy) -> None:
    store.put_file("parts", io.BytesIO(bytes(12 * _MIB)))
    assert proxy.methods == ["POST", "PUT", "PUT", "PUT", "POST"]
    assert store.head("parts").size == 12 * _MIB


def test_listing_gets_a_page_when_it_is_needed(
    store: KeyValueStore, proxy: Proxy
) -> None:
    assert len(list(islice(store.iter_keys("many/"), 1000))) == 1000
    assert len(proxy.requests) == 1
    proxy.reset_counts()
    assert len(list(store.iter_meta("many/"))) == 1100
    assert len(proxy.requests) == 2


def test_many_keys_are_deleted_a_thousand_at_once(
    s3_server: S3Server, proxy: Proxy
) -> None:
    url = s3_server.through(s3_server.url(), proxy.port)
    with closing(get_store_from_url(url)) as store:
        store.put_many({f"key-{n}": b"" for n in range(1005)})
        proxy.reset_counts()
        store.delete_many([f"key-{n}" for n in range(1005)])
        assert proxy.methods == ["POST", "POST"]
        assert store.keys() == []


def test_conditions_are_probed_once(s3_server: S3Server, proxy: Proxy) -> None:
    url = s3_server.through(s3_server.url(), proxy.port)
    with closing(get_store_from_url(url)) as store:
        store.add("first", b"1")
        proxy.reset_counts()
        store.add("second", b"2")
        store.put("second", b"3", if_match=store.head("second").etag)
        assert proxy.methods == ["PUT", "GET", "PUT"]
        assert store.keys() == ["first", "second"]


def test_nothing_connects_before_the_first_call(
    s3_server: S3Server, proxy: Proxy
) -> None:
    url = s3_server.through(s3_server.url(), proxy.port)
    proxy.reset_counts()
    with closing(get_store_from_url(url)) as store:
        assert repr(store)
        assert store.url_for("key")
        assert hash(store) == hash(store)
    assert proxy.connections == 0


def test_copy_of_what_is_too_large_for_one_request_goes_in_parts(
    store: KeyValueStore, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = os.urandom(_MIB) * 12
    described: dict[str, Any] = {
        "content_type": "text/x-own",
        "headers": {"Cache-Control": "no-store"},
    }
    store.put_file("source", io.BytesIO(value), **described)
    monkeypatch.setattr(_s3_copy, "LARGEST_COPY_BYTES", 10 * _MIB)
    monkeypatch.setattr(_s3_copy, "COPY_PART_BYTES", 5 * _MIB)
    proxy.fault = Answer(
        _too_large(),
        on=lambda request: (
            "x-amz-copy-source" in request.headers and "partNumber" not in request.query
        ),
    )
    proxy.reset_counts()
    store.copy("source", "dest")
    assert proxy.methods == ["PUT", "HEAD", "POST", "PUT", "PUT", "PUT", "POST"]
    data, meta = store.get_with_meta("dest")
    assert data == value
    assert (meta.content_type, meta.headers) == (
        "text/x-own",
        {"Cache-Control": "no-store"},
    )


def _too_large() -> bytes:
    body = b"<Error><Code>InvalidRequest</Code><Message>Too large</Message></Error>"
    head = f"HTTP/1.1 400 Bad Request\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def test_url_lives_for_a_week_at_most(store: KeyValueStore) -> None:
    week = 7 * 24 * 3600
    assert f"X-Amz-Expires={week}&" in store.url_for("key", expires=week)
    with pytest.raises(InvalidArgument):
        store.url_for("key", expires=week + 1)
