"""What Google alone refuses; what every backend has to bear is in test_faults."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from minimalkv import KeyNotFound, StoreError, StoreUnavailable
from minimalkv.net._gcs_body import Checksum
from minimalkv.net._gcs_errors import NO_BUCKET
from minimalkv.net.gcstore import GoogleCloudStore
from tests.backends.process import HOST
from tests.net.backend import EMULATOR, GCS, one_of
from tests.net.gcs_account import anonymous
from tests.net.uses import EVERY, LARGE_BYTES, READS, VALUE, put_large
from tests.proxy import Answer, Cut, Drop, Proxy, Request, Stall

backend = one_of("gcs")

_UNKNOWN = "may have happened"
_LIMIT = "The object exceeded the rate limit for object mutation operations."


def test_404_that_does_not_say_why_is_no_missing_key(store: Any, proxy: Proxy) -> None:
    proxy.fault = Answer(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    for name in ("get", "head", "in", "open", "stream", "get_many"):
        with pytest.raises(StoreUnavailable, match="without saying what is missing"):
            READS[name](store)


# Where no emulator is named, only the words of Google are believed.


@pytest.fixture
def real(store: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return the same store, but one that takes the server for Google itself."""
    monkeypatch.delenv(EMULATOR)
    monkeypatch.setenv("API_ENDPOINT_OVERRIDE", f"http://{HOST}:{proxy.port}")
    with GoogleCloudStore(anonymous(), store.bucket_name, timeout=1) as real:
        assert "key" in real
        proxy.reset_counts()
        yield real


def _page(body: bytes) -> bytes:
    head = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: %d"
    return head % len(body) + b"\r\n\r\n" + body


@pytest.mark.parametrize("body", [b"<html>404 Not Found</html>", b"Not Found", b"{}"])
def test_page_of_a_gateway_is_no_missing_value_or_bucket(
    real: Any, proxy: Proxy, body: bytes
) -> None:
    proxy.fault = Answer(_page(body))
    for name, use in EVERY.items():
        if "match" in name or name == "delete_many":
            continue
        with pytest.raises(StoreUnavailable, match="without saying what is missing"):
            use(real)
    for name in ("put if it matches", "delete if it matches"):
        with pytest.raises(StoreUnavailable):
            EVERY[name](real)
    with pytest.raises(StoreUnavailable) as caught:
        real.delete_many(["key", "other"])
    assert set(caught.value.failed_keys) == {"key", "other"}
    assert not any(request.path == "/storage/v1/b" for request in proxy.requests)
    proxy.fault = None
    assert real.get("key") == VALUE


def test_what_google_says_is_missing_is(real: Any, proxy: Proxy) -> None:
    text = f"No such object: {real.bucket_name}/key"
    for fault in (GCS.refusal(404, text), Answer(_page(text.encode()))):
        proxy.fault = fault
        with pytest.raises(KeyNotFound):
            real.get("key")
        assert "key" not in real
        assert real.get_many(["key"]) == {}
        real.delete("key")
    proxy.fault = GCS.refusal(404, NO_BUCKET)
    with pytest.raises(StoreError, match="which project"):
        real.get("key")


def test_vague_part_of_a_batch_is_asked_again(real: Any, proxy: Proxy) -> None:
    # fake-gcs-server is vague.
    with pytest.raises(StoreUnavailable) as caught:
        real.delete_many(["key", "missing", "gone"])
    assert set(caught.value.failed_keys) == {"missing", "gone"}
    assert sorted(proxy.methods) == ["DELETE", "DELETE", "POST"]


# Values that are altered on their way.


def test_small_value_that_is_opened_is_checked(store: Any, proxy: Proxy) -> None:
    altered = (
        b"HTTP/1.1 206 Partial Content\r\nX-Goog-Generation: 1234567\r\n"
        b"X-Goog-Hash: crc32c=%s\r\nContent-Length: 40\r\n"
        b"Content-Range: bytes 0-39/40\r\n\r\n%s"
    )
    good = b"good" * 10
    proxy.fault = Answer(altered % (Checksum(good).text.encode(), b"bad!" * 10))
    with pytest.raises(StoreUnavailable, match="CRC-32C"):
        store.open("key").read()
    proxy.fault = Answer(altered % (Checksum(good).text.encode(), good))
    with store.open("key") as file:
        assert file.read() == good


# TLS.


@pytest.fixture
def secure(
    backend: GCS, store: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Any, Proxy]]:
    """Return a store that speaks TLS, and the proxy that it speaks to."""
    with Proxy(backend.server.port, tls=True) as proxy:
        monkeypatch.setenv(EMULATOR, f"https://{HOST}:{proxy.port}")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", proxy.ca_file)
        with GoogleCloudStore(None, store.bucket_name, timeout=2) as secure:
            yield secure, proxy


def test_tls_that_ends_within_a_value_is_tried_again(
    secure: tuple[Any, Proxy],
) -> None:
    store, proxy = secure
    proxy.fault = Drop(after=100_000, times=2)
    store.put("new", bytes(4 * 2**20))
    assert proxy.methods == ["POST"] * 3
    proxy.fault = Drop(after=100_000)
    with pytest.raises(StoreUnavailable, match="broke off the connection"):
        store.put("new", bytes(4 * 2**20))


def test_certificate_of_a_stranger_is_not_tried_again(
    secure: tuple[Any, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, proxy = secure
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    for is_new in (False, True):
        proxy.reset_counts()
        with pytest.raises(StoreUnavailable, match=r"certificate.*Nothing was written"):
            store.put("new", b"value", if_absent=is_new)
        assert proxy.requests == []


# How long it takes.


def test_cancelling_takes_no_timeout(backend: GCS, store: Any, proxy: Proxy) -> None:
    url = backend.url(timeout=30)
    with backend.opened(url, proxy.port) as patient:
        for fault in (Stall, Drop):
            writer = patient.open_writer("new")
            writer.write(bytes(9 * 2**20))
            proxy.reset_counts()
            proxy.fault = fault(on=lambda request: request.method == "DELETE")
            started = time.monotonic()
            writer.abort()
            assert time.monotonic() - started < 10
            assert proxy.methods.count("DELETE") == 1


@pytest.mark.parametrize("part", [1, 2])
def test_large_value_whose_answer_is_lost_is_not_sent_twice(
    store: Any, proxy: Proxy, part: int
) -> None:
    # It would be appended a second time: fake-gcs-server is no Google there.
    def is_it(request: Request) -> bool:
        return request.method == "PUT" and proxy.methods.count("PUT") == part

    for is_new in (False, True):
        proxy.reset_counts()
        proxy.fault = Cut(on=is_it)
        with pytest.raises(StoreUnavailable, match=_UNKNOWN):
            put_large(store, if_absent=is_new)
        assert proxy.methods == ["POST", *["PUT"] * part, "DELETE"]
        proxy.fault = None
        found = store.get_many(["new"])
        assert found == ({} if part == 1 else {"new": bytes(LARGE_BYTES)})
        store.delete("new")


def test_upload_that_is_gone_may_have_happened(store: Any, proxy: Proxy) -> None:
    for status in (404, 410):
        proxy.fault = GCS.refusal(status, on=lambda request: request.method == "PUT")
        with pytest.raises(StoreUnavailable, match="not there any more"):
            put_large(store)


def test_write_too_often_is_tried_again(
    backend: GCS, store: Any, hasty: Any, proxy: Proxy
) -> None:
    for is_new in (False, True):
        proxy.reset_counts()
        proxy.fault = backend.refusal(429, _LIMIT, on=backend.is_write, times=3)
        store.put("new", b"value", if_absent=is_new)
        assert proxy.methods == ["POST"] * 4
        store.delete("new")
    proxy.fault = backend.refusal(429, _LIMIT, on=backend.is_write)
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match="Nothing was written"):
        hasty.put("new", b"value", if_absent=True)
    assert 0.05 < time.monotonic() - started < 1


def test_part_for_which_the_server_is_busy_is_sent_again(
    store: Any, proxy: Proxy
) -> None:
    proxy.fault = GCS.refusal(503, on=lambda r: r.method == "DELETE", times=1)
    store.delete("key")
    proxy.fault = GCS.refusal(429, on=lambda r: r.method == "PUT", times=2)
    put_large(store)
    assert proxy.methods.count("PUT") == 4
    assert store.get("new") == bytes(LARGE_BYTES)
