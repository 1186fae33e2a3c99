"""The default credential of Azure, which is sent over TLS."""

import pickle
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.storage.blob import generate_blob_sas

from minimalkv import (
    AccessDenied,
    InvalidArgument,
    InvalidURL,
    StoreUnavailable,
    get_store_from_url,
)
from minimalkv.net.azurestore import AzureBlockBlobStore
from tests.backends.azure import AzureServer
from tests.backends.process import HOST
from tests.net.azure_secure import SecureAzure, log_in
from tests.proxy import Answer, Proxy, Request


@pytest.fixture(scope="module")
def secure() -> Iterator[SecureAzure]:
    server = SecureAzure()
    server.begin()
    try:
        server.wait()
        yield server
    finally:
        server.stop()


@pytest.fixture
def logged_in(
    secure: SecureAzure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", secure.ca_file)
    return log_in(tmp_path, monkeypatch)


def _by_default(server: SecureAzure) -> str:
    return server.url().replace(server.credentials.as_userinfo(), "devstoreaccount1@")


def test_default_credential_opens_a_container(
    secure: SecureAzure, logged_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(get_store_from_url(_by_default(secure))) as store:
        store.put("a b", b"value")
        store.copy("a b", "copy")
        assert store.get("copy") == b"value"
        store.delete_many(["a b", "copy"])
        assert store.keys() == []
        with closing(pickle.loads(pickle.dumps(store))) as copied:
            copied.put("key", b"value")
            assert logged_in not in repr(copied.__dict__)
        # It signs URLs with a key that it asks for once.
        urls = {store.url_for("key", expires=secs) for secs in (60, 3600)}
        monkeypatch.setenv("PATH", "")
        urls.add(store.url_for("key", expires=6 * 24 * 3600))
        assert len(urls) == 3
        assert all("skoid=" in url for url in urls)


@pytest.mark.usefixtures("logged_in")
def test_key_that_signs_has_room_for_clocks_that_differ(secure: SecureAzure) -> None:
    longest = 7 * 24 * 3600 - 15 * 60
    with closing(get_store_from_url(_by_default(secure))) as store:
        for _ in range(10):
            signed = parse_qs(urlsplit(store.url_for("key", expires=longest)).query)
            now = datetime.now(UTC)
            begins, ends = (
                datetime.fromisoformat(signed[name][0]) for name in ("skt", "ske")
            )
            assert now - begins > timedelta(minutes=14)
            assert ends - begins == timedelta(days=7)
            assert datetime.fromisoformat(signed["se"][0]) <= ends
        with pytest.raises(InvalidArgument, match="603900 seconds"):
            store.url_for("key", expires=longest + 1)


@pytest.mark.usefixtures("logged_in")
def test_account_is_known_where_its_host_does_not_name_it(
    secure: SecureAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = socket.getaddrinfo

    def find(host: str, *args: Any, **kwargs: Any) -> Any:
        return known(HOST if host == secure.name else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", find)
    url = _by_default(secure)
    with closing(get_store_from_url(url)) as store:
        store.put("key", b"value")
    container = secure.namespace(url)
    store = AzureBlockBlobStore(
        container=container,
        account_name="devstoreaccount1",
        blob_endpoint=secure.endpoint.replace(HOST, secure.name),
    )
    with closing(store):
        assert store.get("key") == b"value"
        # Azurite does not know the signatures of the SDK's version.
        signed = parse_qs(urlsplit(store.url_for("key")).query)
        expected = generate_blob_sas(
            "devstoreaccount1",
            container,
            "key",
            user_delegation_key=store._calls.connection.client.delegated["key"][0],
            permission="r",
            expiry=signed["se"][0],
            protocol="https",
        )
        assert signed == parse_qs(expected)


@pytest.mark.usefixtures("logged_in")
def test_large_body_is_sent_again_where_azure_asks_who_it_is(
    secure: SecureAzure, azure_server: AzureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy(azure_server.port, tls=True) as proxy:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", proxy.ca_file)
        proxy.fault = _Challenge()
        store = AzureBlockBlobStore(
            container="photos",
            account_name="devstoreaccount1",
            blob_endpoint=f"https://{HOST}:{proxy.port}/devstoreaccount1",
            timeout=5,
        )
        with closing(store):
            store.put("key", bytes(300 * 1024))
        assert proxy.methods == ["PUT", "PUT"]
        lengths = [request.headers["content-length"] for request in proxy.requests]
        assert lengths == [str(300 * 1024)] * 2
        assert not any("transfer-encoding" in r.headers for r in proxy.requests)
        assert proxy.received_bytes > 2 * 300 * 1024


class _Challenge(Answer):
    """Wants a token of another tenant at first, as Azure does."""

    _PLACE = "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000009"

    def __init__(self) -> None:
        super().__init__(
            "HTTP/1.1 401 X\r\nWWW-Authenticate: Bearer "
            f"authorization_uri={self._PLACE}/oauth2/authorize "
            "resource_id=https://storage.azure.com\r\n"
            "x-ms-error-code: InvalidAuthenticationInfo\r\n"
            "Content-Length: 0\r\n\r\n".encode()
        )

    def take(self, request: Request) -> bool:
        if self.asked:
            self.reply = (
                b'HTTP/1.1 201 Created\r\nETag: "0x1"\r\nContent-Length: 0\r\n\r\n'
            )
        self.asked = True
        return super().take(request)

    asked = False


def test_machine_that_is_not_logged_in_is_told_what_to_do(
    secure: SecureAzure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(tmp_path, monkeypatch, "echo 'Please run az login' >&2; exit 1")
    uses: list[Any] = [lambda s: s.get("key"), lambda s: s.copy("key", "copy")]
    with closing(get_store_from_url(_by_default(secure))) as store:
        for use in uses:
            with pytest.raises(AccessDenied, match="log this machine in"):
                use(store)


def test_certificate_is_checked(secure: SecureAzure) -> None:
    store = get_store_from_url(secure.url())
    with closing(store), pytest.raises(StoreUnavailable, match="CERTIFICATE_VERIFY"):
        store.get("key")


def test_default_credential_is_not_sent_in_clear() -> None:
    with pytest.raises(InvalidURL, match="HTTPS"):
        get_store_from_url("azure://me@photos?blob_endpoint=http://127.0.0.1")
