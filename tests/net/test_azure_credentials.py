"""All ways to say who somebody is to Azure, and where it is."""

import pickle
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from azure.storage.blob import (
    AccountSasPermissions,
    ContainerSasPermissions,
    ResourceTypes,
    generate_account_sas,
    generate_container_sas,
)

from minimalkv import (
    AccessDenied,
    InvalidArgument,
    InvalidURL,
    StoreUnavailable,
    Unsupported,
    get_store,
    get_store_from_url,
)
from minimalkv.net.azurestore import AzureBlockBlobStore
from tests.backends.azure import AzureServer
from tests.backends.base import Credentials
from tests.net.azure_kit import Source
from tests.net.azure_secure import SecureAzure, log_in

_MIB = 2**20


def test_connection_string_is_enough(azure_server: AzureServer) -> None:
    url = azure_server.url(connection_string=azure_server.connection_string)
    with closing(get_store_from_url(url)) as store:
        store.put("key", b"value")
        assert store.url_support


def test_text_that_is_no_connection_string_is_refused_and_not_shown() -> None:
    for text in ("hunter2", "AccountKey=hunter2", "a=b;hunter2"):
        store = AzureBlockBlobStore(text, "container")
        with pytest.raises(InvalidArgument, match="conn_string") as caught:
            store.get("key")
        assert "hunter2" not in f"{caught.value!r}{caught.value.__cause__!r}"
        assert caught.value.__context__ is None


def test_endpoint_may_be_a_host(azure_server: AzureServer) -> None:
    place = azure_server.endpoint.removeprefix("http://")
    url = azure_server.url(blob_endpoint=place, default_endpoints_protocol="http")
    with closing(get_store_from_url(url)) as store:
        store.put("key", b"value")
        assert store.url_for("key").startswith(f"http://{place}/")


def test_public_cloud_is_meant_without_an_endpoint() -> None:
    with closing(get_store_from_url("azure://me:a2V5@photos")) as store:
        url = store.url_for("key")
    assert url.startswith("https://me.blob.core.windows.net/photos/key?")
    assert "spr=https" in url
    plain = "azure://me:a2V5@photos?default_endpoints_protocol=http"
    with closing(get_store_from_url(plain)) as store:
        assert store.url_for("key").startswith("http://me.blob.core.windows.net/")


def _later() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def _container_token(server: AzureServer, container: str, permission: str) -> str:
    return generate_container_sas(
        server.credentials.name,
        container,
        server.credentials.secret,
        permission=ContainerSasPermissions.from_string(permission),
        expiry=_later(),
    )


@pytest.mark.parametrize("question_mark", ["", "?"])
def test_shared_access_signature_opens_a_container(
    azure_server: AzureServer, question_mark: str
) -> None:
    url = azure_server.url()
    container = azure_server.namespace(url)
    secret = _container_token(azure_server, container, "rwdlc")
    key = quote(question_mark + secret, safe="")
    endpoint = quote(azure_server.endpoint, safe="")
    url = (
        f"hazure://devstoreaccount1:{key}@{container}?use_sas&blob_endpoint={endpoint}"
    )
    with closing(get_store_from_url(url)) as store:
        store.put("a b/u.txt", b"value")
        store.put_file("large", Source(9 * _MIB))
        store.copy("large", "copy")
        assert store.head("copy").size == 9 * _MIB
        assert store.add("new", b"1")
        assert store.update("new", lambda _: b"2") == b"2"
        assert sorted(store.iter_prefixes("/")) == ["a b/", "copy", "large", "new"]
        store.delete_many(["large", "copy"])
        assert store.keys() == ["a b/u.txt", "new"]
        assert not store.url_support
        with pytest.raises(Unsupported):
            store.url_for("new")
        copied = pickle.loads(pickle.dumps(store))
        with closing(copied):
            assert copied.get("new") == b"2"


def test_shared_access_signature_of_the_account_is_good_too(
    azure_server: AzureServer,
) -> None:
    secret = generate_account_sas(
        azure_server.credentials.name,
        azure_server.credentials.secret,
        resource_types=ResourceTypes(service=True, container=True, object=True),
        permission=AccountSasPermissions(True, True, True, True, True, create=True),
        expiry=_later(),
    )
    store = get_store(
        "hazure",
        create_if_missing=False,
        account_name=azure_server.credentials.name,
        account_key=secret,
        use_sas=True,
        container=azure_server.namespace(azure_server.url()),
        blob_endpoint=azure_server.endpoint,
    )
    with closing(store):
        store.put_many({"a": b"1", "b": b"2"})
        store.delete_many(["a", "b"])
        assert store.keys() == []


def test_missing_permission_is_named(azure_server: AzureServer) -> None:
    url = azure_server.url()
    container = azure_server.namespace(url)
    with closing(get_store_from_url(url)) as store:
        store.put_many({"key": b"value", "other": b"value"})
    store = AzureBlockBlobStore(
        container=container,
        create_if_missing=False,
        account_name=azure_server.credentials.name,
        account_key=_container_token(azure_server, container, "r"),
        use_sas=True,
        blob_endpoint=azure_server.endpoint,
    )
    with closing(store):
        assert store.get("key") == b"value"
        with pytest.raises(AccessDenied, match="'write'"):
            store.put("key", b"new")
        with pytest.raises(AccessDenied, match="'write'"):
            store.copy("key", "copy")
        with pytest.raises(AccessDenied, match="'delete'"):
            store.delete("key")
        with pytest.raises(AccessDenied, match="'list'"):
            store.keys()
        with pytest.raises(AccessDenied, match="'delete'") as caught:
            store.delete_many(["key", "other"])
        assert set(caught.value.failed_keys) == {"key", "other"}


def test_signature_does_not_create_containers(azure_server: AzureServer) -> None:
    with pytest.raises(InvalidURL, match="SAS"):
        get_store_from_url("azure://me:sig@photos?use_sas&create_if_missing=true")
    with pytest.raises(InvalidURL, match="token"):
        get_store_from_url("azure://me@photos?use_sas")
    with pytest.raises(InvalidArgument, match="token"):
        AzureBlockBlobStore(container="photos", account_name="me", use_sas=True)


@pytest.mark.parametrize(
    ("key", "reason"),
    [("d3Jvbmcga2V5", "does not accept"), ("wrongsecret", "Incorrect padding")],
)
def test_wrong_key_is_named_and_not_shown(
    azure_server: AzureServer, key: str, reason: str
) -> None:
    url = azure_server.url(credentials=Credentials("devstoreaccount1", key))
    with closing(get_store_from_url(url)) as store:
        for use in (store.get, store.head, store.delete, store.__contains__):
            with pytest.raises(AccessDenied, match=reason) as caught:
                use("key")
            assert key not in f"{caught.value}{caught.value.__cause__!r}{store!r}"


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"conn_string": "a=b", "container": ""},
        {"conn_string": "a=b", "container": 5},
        {"container": "photos"},
        {"container": "photos", "account_key": "a2V5"},
        {"container": "photos", "account_name": "me", "blob_endpoint": "http://h"},
        {"container": "photos", "account_name": "me", "blob_endpoint": "http://"},
        {"container": "photos", "account_name": "me", "blob_endpoint": "a b"},
        {"container": "photos", "account_name": "me", "blob_endpoint": "https://h?s=i"},
        {"container": "photos", "account_name": "me", "account_key": "a2V5;x=y"},
    ],
)
def test_what_does_not_suffice_is_refused(arguments: Any) -> None:
    with pytest.raises(InvalidArgument):
        AzureBlockBlobStore(**arguments)


# The default credential.


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
        with pytest.raises(InvalidArgument, match="week"):
            store.url_for("key", expires=8 * 24 * 3600)


def test_machine_that_is_not_logged_in_is_told_what_to_do(
    secure: SecureAzure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(tmp_path, monkeypatch, "echo 'Please run az login' >&2; exit 1")
    store = get_store_from_url(_by_default(secure))
    with closing(store), pytest.raises(AccessDenied, match="log this machine in"):
        store.get("key")


def test_certificate_is_checked(secure: SecureAzure) -> None:
    store = get_store_from_url(secure.url())
    with closing(store), pytest.raises(StoreUnavailable, match="CERTIFICATE_VERIFY"):
        store.get("key")


def test_default_credential_is_not_sent_in_clear() -> None:
    with pytest.raises(InvalidArgument, match="HTTPS"):
        get_store_from_url("azure://me@photos?blob_endpoint=http://127.0.0.1")
