"""Copies inside Azure, also of what it does not copy by one request."""

from collections.abc import Iterator
from itertools import count
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from minimalkv import KeyNotFound, StoreError, StoreUnavailable
from minimalkv.net import _azure_copy, _azure_urls
from tests.net.backend import Azure, one_of
from tests.proxy import Answer, Proxy, Request

backend = one_of("azure")


@pytest.fixture
def store(backend: Azure, proxy: Proxy) -> Iterator[Any]:
    proxy.fault = None
    with backend.opened(backend.url(), proxy.port) as store:
        store.put("key", b"0123456789")
        proxy.reset_counts()
        yield store


def _refuse_to_copy(status: int = 409) -> Answer:
    return Azure.refusal(
        status,
        "CannotVerifyCopySource",
        on=lambda request: "x-ms-requires-sync" in request.headers,
    )


def test_copy_names_its_source_and_may_read_it(store: Any, proxy: Proxy) -> None:
    store.copy("key", "a b")
    source = urlsplit(proxy.requests[0].headers["x-ms-copy-source"])
    assert source.path.endswith("/key")
    assert parse_qs(source.query)["sp"] == ["r"]


def test_empty_value_is_copied_where_azure_cannot(store: Any, proxy: Proxy) -> None:
    store.put("empty", b"", content_type="text/x-own")
    proxy.reset_counts()
    proxy.fault = _refuse_to_copy()
    store.copy("empty", "copy")
    assert proxy.methods == ["PUT", "HEAD", "PUT"]
    assert store.get("copy") == b""
    assert store.head("copy").content_type == "text/x-own"


def test_copy_of_what_is_too_large_goes_in_parts(
    store: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"Cache-Control": "no-store"}
    store.put("large", bytes(2500), content_type="text/x-own", headers=headers)
    etag = store.head("large").etag
    proxy.reset_counts()
    monkeypatch.setattr(_azure_copy, "LARGEST_COPY_BYTES", 1000)
    proxy.fault = CopyOfParts()
    store.copy("large", "copy")
    single, head, *parts, commit = proxy.requests
    assert len(parts) == 3
    assert single.headers["x-ms-requires-sync"] == "true"
    assert head.method == "HEAD"
    ranges = {part.headers["x-ms-source-range"] for part in parts}
    assert ranges == {"bytes=0-999", "bytes=1000-1999", "bytes=2000-2499"}
    assert {part.headers["x-ms-source-if-match"] for part in parts} == {f'"{etag}"'}
    assert len({part.query["blockid"] for part in parts}) == 3
    assert commit.query["comp"] == "blocklist"
    assert commit.headers["x-ms-blob-content-type"] == "text/x-own"
    assert commit.headers["x-ms-blob-cache-control"] == "no-store"


class CopyOfParts(Answer):
    """Answers as Azure would, where Azurite has no such operation."""

    def __init__(self, changed: int = 0) -> None:
        super().__init__(b"", on=lambda request: request.method == "PUT")
        self._changed = changed

    def take(self, request: Request) -> bool:
        self.reply = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
        if "comp" not in request.query:
            self.reply = _refuse_to_copy().reply
        elif self._changed and request.query["comp"] == "block":
            self._changed -= 1
            self.reply = Azure.refusal(412, "SourceConditionNotMet").reply
        return super().take(request)


@pytest.fixture
def in_parts(store: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_azure_copy, "LARGEST_COPY_BYTES", 1000)
    headers = {"Cache-Control": "no-store"}
    store.put("large", bytes(2500), content_type="text/x-own", headers=headers)
    proxy.reset_counts()


@pytest.mark.usefixtures("in_parts")
def test_each_part_is_read_with_a_signature_of_its_own(
    store: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = count(2_000_000_000)
    clock = SimpleNamespace(time=lambda: next(seconds))
    monkeypatch.setattr(_azure_urls, "time", clock)
    proxy.fault = CopyOfParts()
    store.copy("large", "copy")
    sources = [request.headers.get("x-ms-copy-source") for request in proxy.requests]
    assert len(set(filter(None, sources))) == 4


@pytest.mark.usefixtures("in_parts")
def test_copy_of_what_is_replaced_meanwhile_begins_again(
    store: Any, proxy: Proxy
) -> None:
    proxy.fault = CopyOfParts(changed=1)
    store.copy("large", "copy")
    assert proxy.methods.count("HEAD") == 2
    assert proxy.requests[-1].query["comp"] == "blocklist"
    proxy.fault = CopyOfParts(changed=10**6)
    with pytest.raises(StoreUnavailable, match="'large' is replaced faster"):
        store.copy("large", "copy")


@pytest.mark.usefixtures("in_parts")
def test_parts_that_the_server_cannot_copy_go_through_this_machine(
    store: Any, proxy: Proxy
) -> None:
    # Azurite copies no parts, and says so.
    proxy.fault = _refuse_to_copy()
    store.copy("large", "copy")
    assert proxy.fault.happened == 1
    value, meta = store.get_with_meta("copy")
    assert value == bytes(2500)
    assert meta.content_type == "text/x-own"
    assert meta.headers == {"Cache-Control": "no-store"}


def test_copy_that_is_refused_says_so(store: Any, proxy: Proxy) -> None:
    proxy.fault = _refuse_to_copy()
    with pytest.raises(StoreError, match="refused to copy 'key'"):
        store.copy("key", "copy")
    proxy.fault = _refuse_to_copy(404)
    with pytest.raises(KeyNotFound):
        store.copy("key", "copy")
    proxy.fault = None
    assert "copy" not in store
