"""Every option of an Azure URL for what it does."""

import hashlib
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from minimalkv import StoreError, StoreUnavailable, get_store_from_url
from minimalkv._contract.tools import together
from minimalkv._key_value_store import KeyValueStore
from tests.backends.azure import AzureServer
from tests.backends.process import HOST
from tests.net.by_url import send
from tests.net.uses import Source
from tests.proxy import Proxy

_MIB = 2**20


@pytest.fixture(scope="module")
def proxy(azure_server: AzureServer) -> Iterator[Proxy]:
    with Proxy(azure_server.port) as proxy:
        yield proxy


@contextmanager
def opened(
    server: AzureServer, proxy: Proxy, **options: Any
) -> Iterator[KeyValueStore]:
    url = server.through(server.url(**options), proxy.port)
    with closing(get_store_from_url(url)) as store:
        proxy.reset_counts()
        yield store


# The container.


def test_container_of_a_bad_name_says_what_a_name_is(azure_server: AzureServer) -> None:
    url = azure_server.url().replace("bucket-", "Bucket--")
    store = get_store_from_url(url)
    with closing(store), pytest.raises(StoreError, match="3 to 63"):
        store.put("key", b"value")


@pytest.mark.parametrize("public", [True, False])
def test_public_container_is_for_everybody(
    azure_server: AzureServer, public: bool
) -> None:
    url = azure_server.url(create=False, public=public)
    with closing(get_store_from_url(url)) as store:
        store.put("a b", b"value")
        plain = f"{azure_server.endpoint}/{azure_server.namespace(url)}/a%20b"
        assert (store.url_for("a b") == plain) is public
        assert send(plain, "GET")[0] == (200 if public else 403)
        assert send(store.url_for("a b"), "GET")[:2] == (200, b"value")
        assert "sig=" in store.url_for("a b", expires=60)


# How values are sent.


def test_sizes_may_be_products(azure_server: AzureServer, proxy: Proxy) -> None:
    with opened(
        azure_server, proxy, max_block_size="64*1024", max_single_put_size="128*1024"
    ) as store:
        value = bytes(range(256)) * 1024
        store.put("below", value[: 128 * 1024])
        assert [request.query for request in proxy.requests] == [{}]
        proxy.reset_counts()
        store.put("above", value)
        assert _sent(proxy) == [65536] * 4
        proxy.reset_counts()
        store.put_file("file", Source(150_000))
        assert sorted(_sent(proxy)) == [150_000 - 2 * 65536, 65536, 65536]
        assert store.get("above") == value


def _sent(proxy: Proxy) -> list[int]:
    *blocks, last = proxy.requests
    assert last.query["comp"] == "blocklist"
    return [int(block.headers["content-length"]) for block in blocks]


def test_what_is_sent_at_once_may_be_less_than_a_block(
    azure_server: AzureServer, proxy: Proxy
) -> None:
    with opened(azure_server, proxy, max_single_put_size=1000) as store:
        for length, kinds in [(1000, [None]), (1001, ["block", "blocklist"])]:
            proxy.reset_counts()
            store.put_file("key", Source(length))
            assert [request.query.get("comp") for request in proxy.requests] == kinds
            assert store.get_with_meta("key")[0] == bytes(length)
            assert store.head("key").md5 == _md5(bytes(length))


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def test_checksum_goes_along_and_stays(azure_server: AzureServer, proxy: Proxy) -> None:
    value = bytes(range(256)) * 20_000
    for checksum in (True, False):
        options = {} if checksum else {"checksum": False}
        with opened(azure_server, proxy, **options) as store:
            store.put("key", b"value")
            with store.open_writer("large") as writer:
                writer.write(value)
            for request in proxy.requests[:-1]:
                assert ("content-md5" in request.headers) is checksum
            known = {meta.key: meta.md5 for meta in store.iter_meta()}
            assert known == {
                "key": _md5(b"value"),
                "large": _md5(value) if checksum else None,
            }
            assert store.head("large").md5 == known["large"]
            assert store.stream("large", 5, 6)[0].md5 == known["large"]
            assert store.get("large") == value
            proxy.reset_counts()
            with store.open("large") as file:
                assert file.read() == value
            asked = "x-ms-range-get-content-md5"
            assert all((asked in r.headers) is checksum for r in proxy.requests)


def test_large_values_in_bytes_are_stored_whatever_others_do(
    azure_server: AzureServer,
) -> None:
    url = azure_server.url(max_single_put_size=_MIB, max_block_size=_MIB)

    def put(number: int) -> None:
        with closing(get_store_from_url(url)) as store:
            store.put("large", bytes([number]) * 5 * _MIB)

    together(6, put)
    with closing(get_store_from_url(url)) as store:
        data = store.get("large")
        assert data == data[:1] * 5 * _MIB


@pytest.mark.parametrize("connections", [1, 3])
def test_no_more_requests_are_sent_at_once_than_allowed(
    azure_server: AzureServer, proxy: Proxy, connections: int
) -> None:
    values = {f"key-{number}": b"value" for number in range(12)}
    with opened(
        azure_server, proxy, max_connections=connections, max_block_size=_MIB
    ) as store:
        before = proxy.connections
        store.put_many(values)
        assert store.get_many(values) == values
        store.put_file("large", Source(8 * _MIB))
        assert 1 <= proxy.connections - before <= connections


@pytest.mark.parametrize(
    ("options", "longest_secs"),
    [
        ({"timeout": 0.3}, 1.0),
        ({"socket_timeout": "(20,0.3)", "timeout": 20}, 2.0),
        ({"socket_timeout": 0.3}, 1.0),
        ({"socket_timeout": "(20, 100)", "timeout": 0.3}, 1.0),
    ],
)
def test_waits_are_as_long_as_they_were_told(
    azure_server: AzureServer, options: dict[str, Any], longest_secs: float
) -> None:
    url = azure_server.url(**options)
    with socket.create_server((HOST, 0)) as silent:
        port = silent.getsockname()[1]
        with closing(get_store_from_url(azure_server.through(url, port))) as store:
            started = time.monotonic()
            with pytest.raises(StoreUnavailable, match="in time"):
                store.get("key")
            assert time.monotonic() - started < longest_secs


def test_waits_are_those_of_the_old_option() -> None:
    store: Any = get_store_from_url("azure://me:a2V5@photos?socket_timeout=(20,100)")
    settings = store._calls.connection.settings
    assert (settings.connect_secs, settings.read_secs) == (20, 100)
    assert settings.timeout == 100


def test_proxy_of_the_environment_is_used(
    azure_server: AzureServer, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://{HOST}:{proxy.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    url = azure_server.url()
    proxy.reset_counts()
    with closing(get_store_from_url(url)) as store:
        store.ping()
        (seen,) = proxy.requests
        assert seen.target.startswith(f"{azure_server.endpoint}/")
        # It is looked at once.
        monkeypatch.delenv("http_proxy")
        store.ping()
        assert len(proxy.requests) == 2
