"""All ways to say who somebody is to Azure, and where it is."""

import pickle
from contextlib import closing
from datetime import UTC, datetime, timedelta
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
    Unsupported,
    get_store,
    get_store_from_url,
)
from minimalkv.net.azurestore import AzureBlockBlobStore
from tests.backends.azure import AzureServer
from tests.backends.base import Credentials
from tests.net.uses import Source

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
    ("key", "kind", "reason"),
    [
        ("d3Jvbmcga2V5", AccessDenied, "does not accept"),
        ("wrongsecret", InvalidArgument, "no Base64"),
    ],
)
def test_wrong_key_is_named_and_not_shown(
    azure_server: AzureServer, key: str, kind: Any, reason: str
) -> None:
    url = azure_server.url(credentials=Credentials("devstoreaccount1", key))
    with closing(get_store_from_url(url)) as store:
        uses: list[Any] = [store.get, store.head, store.delete, store.__contains__]
        # Only the server can know of a whole key that it is another one.
        uses += [store.url_for, lambda key: store.copy(key, "copy")] * (
            kind is InvalidArgument
        )
        for use in uses:
            with pytest.raises(kind, match=reason) as caught:
                use("key")
            error = caught.value
            shown = f"{error}{error.__cause__!r}{error.__context__!r}{store!r}"
            assert key not in shown


def test_store_without_a_key_copies_what_is_public(azure_server: AzureServer) -> None:
    url = azure_server.url(create=False, public=True)
    with closing(get_store_from_url(url)) as store:
        store.put("key", b"value")
    container = azure_server.namespace(url)
    place = f"BlobEndpoint={azure_server.endpoint}"
    with closing(AzureBlockBlobStore(place, container)) as store:
        assert store.get("key") == b"value"
        assert not store.url_support
        # To write takes more, and it is the server that says so.
        with pytest.raises(AccessDenied):
            store.copy("key", "copy")


def test_key_without_an_account_signs_nothing() -> None:
    with closing(AzureBlockBlobStore("AccountKey=a2V5;BlobEndpoint=h", "c")) as store:
        assert not store.url_support


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"conn_string": "a=b", "container": ""},
        {"conn_string": "a=b", "container": 5},
        {"conn_string": "a=b", "container": "c", "max_connections": 0},
        {"conn_string": "a=b", "container": "c", "max_block_size": -1},
        {"conn_string": "a=b", "container": "c", "max_block_size": 4001 * _MIB},
        {"conn_string": "a=b", "container": "c", "max_single_put_size": True},
        {"conn_string": "a=b", "container": "c", "max_single_put_size": 5001 * _MIB},
        {"conn_string": "a=b", "container": "c", "socket_timeout": (1, 2, 3)},
        {"conn_string": "a=b", "container": "c", "timeout": -1},
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


def test_numbers_may_be_texts_as_in_urls() -> None:
    texts: Any = {"max_block_size": "64*1024", "socket_timeout": "(20, 100)"}
    store = AzureBlockBlobStore("a=b", "c", **texts)
    assert (store.max_block_size, store.socket_timeout) == (65536, (20, 100))


def test_secret_in_the_place_of_the_container_is_not_shown() -> None:
    secret = "AccountName=me;AccountKey=hunter2"
    with pytest.raises(InvalidArgument, match="container") as caught:
        AzureBlockBlobStore("photos", secret)
    assert "hunter2" not in str(caught.value)
