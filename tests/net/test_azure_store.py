"""What a store on Azure is made of, what it stores, and what version 1 left there."""

import io
import logging
import pickle
import time
import traceback
from contextlib import closing
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from minimalkv import (
    AccessDenied,
    InvalidArgument,
    InvalidKey,
    StoreError,
    StoreUnavailable,
    Unsupported,
    get_store,
    get_store_from_url,
)
from minimalkv._key_value_store import KeyValueStore
from minimalkv.net._azure_errors import Refusal
from minimalkv.net.azurestore import AzureBlockBlobStore
from tests.backends.azure import AzureServer
from tests.net.backend import Azure
from tests.net.by_upstream import run_upstream
from tests.net.by_url import send
from tests.net.uses import EVERY, Source, put_large
from tests.proxy import Answer, Cut, Fault, Proxy, Refuse, Stall

_SIGNATURE = "a-signature-that-nobody-may-see"


@pytest.fixture
def store(azure_server: AzureServer) -> Any:
    with closing(get_store_from_url(azure_server.url())) as store:
        yield store


# What version 1 promised.


def test_store_has_the_attributes_of_version_1() -> None:
    store = AzureBlockBlobStore(
        "CONN_STR", "CONTAINER", max_connections=42, checksum=True
    )
    for same in (store, pickle.loads(pickle.dumps(store))):
        assert (same.conn_string, same.container) == ("CONN_STR", "CONTAINER")
        assert (same.public, same.create_if_missing) == (False, True)
        assert (same.max_connections, same.checksum) == (42, True)
        assert (same.max_block_size, same.max_single_put_size) == (None, None)


def test_store_takes_the_arguments_of_version_1(azure_server: AzureServer) -> None:
    container = azure_server.namespace(azure_server.url(create=False))
    string = azure_server.connection_string
    sizes = (983_645, 756_235)
    store = AzureBlockBlobStore(
        string, container, False, True, 4, *sizes, True, (20, 100)
    )
    with closing(store):
        store.put("key", b"value")
        config = store.blob_container_client._config
        assert (config.max_block_size, config.max_single_put_size) == sizes
        blob = store.blob_container_client.get_blob_client("key")
        assert blob.download_blob().readall() == b"value"


def test_store_can_be_got_by_names(azure_server: AzureServer) -> None:
    store = get_store(
        "hazure",
        account_name=azure_server.credentials.name,
        account_key=azure_server.credentials.secret,
        container=azure_server.namespace(azure_server.url()),
        blob_endpoint=azure_server.endpoint,
        max_block_size=["4*1024*1024"],
    )
    with closing(store):
        store.put("a/b", b"value")
        assert store.keys() == ["a/b"]


_UPSTREAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
from minimalkv._mixins import ExtendedKeyspaceMixin
from minimalkv.net.azurestore import AzureBlockBlobStore

class HAzureBlockBlobStore(ExtendedKeyspaceMixin, AzureBlockBlobStore):
    pass

string, name, verb = sys.argv[2:]
store = HAzureBlockBlobStore(string, name, checksum=True, max_block_size=2**20)
if verb == "write":
    store.put("a b/c", b"upstream")
    store.put("odd'!`#$%&()+,-.<=>?@[]^_{}~", b"odd")
    store.put("long-" + "k" * 240 + "/" + "l" * 240, b"long")
print(json.dumps({key: store.get(key).decode() for key in store.keys()}))
store.close()
"""


def test_what_upstream_wrote_is_read_and_the_other_way_round(
    azure_server: AzureServer,
) -> None:
    url = azure_server.url()
    arguments = [azure_server.connection_string, azure_server.namespace(url)]
    written = run_upstream(_UPSTREAM, *arguments, "write")
    assert len(written) == 3
    with closing(get_store_from_url(url)) as store:
        assert {key: store.get(key).decode() for key in store} == written
        for key in written:
            assert store.head(key).md5
            store.delete(key)
        store.put("ours/u", b"ours")
        store.put_file("large", Source(6 * 2**20))
    zeros = "\0" * 6 * 2**20
    found = run_upstream(_UPSTREAM, *arguments, "read")
    assert found == {"ours/u": "ours", "large": zeros}


# What is stored.


def test_names_are_written_as_azure_keeps_them(store: Any) -> None:
    names = {
        "a\\b": "a;5Cb",
        "a.": "a;2E",
        "a..": "a.;2E",
        "a./b": "a;2E/b",
        "\\.": ";5C;2E",
        "a.b": "a.b",
        "...x": "...x",
        ".x": ".x",
    }
    store.put_many({key: key.encode() for key in names})
    assert set(store.blob_container_client.list_blob_names()) == set(names.values())
    assert set(store) == set(names)
    assert store.get_many(names) == {key: key.encode() for key in names}
    for prefix in ("a.", "a", "a\\", "a./", ".", "..", "\\"):
        assert set(store.keys(prefix)) == {k for k in names if k.startswith(prefix)}
    assert set(store.iter_prefixes("/", "a.")) == {"a.", "a..", "a./", "a.b"}


def test_names_of_others_are_no_keys(store: Any) -> None:
    client = store.blob_container_client
    for name in ("a;b", "ä", "a//b", "/a", "a\nb", "b.", "c./d"):
        client.upload_blob(name, b"foreign")
    store.put("key", b"value")
    assert store.keys() == [meta.key for meta in store.iter_meta()] == ["key"]
    # That there is no key in it, the listing of the others does not tell.
    assert sorted(store.iter_prefixes("/")) == ["a/", "key"]
    assert store.delete_prefix("") == 1


def test_name_may_have_1024_characters_escapes_included(store: Any) -> None:
    part = "p" * 203
    longest = "/".join([part] * 5) + "/" + "q" * 4
    assert len(longest) == 1024
    store.put(longest, b"value")
    assert store.keys(longest[:-1]) == [longest]
    with pytest.raises(InvalidKey, match="1026"):
        store.put(longest[:-1] + ".", b"value")
    assert store.keys("x" * 2000) == []


def test_headers_are_kept(store: KeyValueStore) -> None:
    headers = {
        "Cache-Control": "max-age=60",
        "Content-Disposition": 'inline; filename="a b.txt"',
        "Content-Encoding": "gzip",
    }
    described: Any = {"content_type": "text/x-own", "headers": headers}
    store.put("small", b"not gzipped at all", **described)
    store.put_file("large", Source(5 * 2**20), **described)
    store.copy("small", "copy")
    listed = {meta.key: meta for meta in store.iter_meta()}
    for key in ("small", "large", "copy"):
        for meta in (store.head(key), listed[key], store.stream(key, 1, 2)[0]):
            assert (meta.content_type, meta.headers) == ("text/x-own", headers)
    assert store.get("small") == b"not gzipped at all"
    target = io.BytesIO()
    store.get_file("small", target)
    assert target.getvalue() == b"not gzipped at all"


def test_header_beyond_ascii_is_refused_before_anything_is_sent(
    store: KeyValueStore,
) -> None:
    for options in (
        {"content_type": "text/plain; x=ü"},
        {"headers": {"Content-Disposition": 'inline; filename="é.png"'}},
    ):
        given: Any = options
        with pytest.raises(InvalidArgument, match="ASCII"):
            store.put("key", b"value", **given)
    assert store.keys() == []


def test_facts_are_the_same_wherever_they_come_from(store: KeyValueStore) -> None:
    store.put("key.png", b"value")
    head = store.head("key.png")
    assert head.content_type == "image/png"
    assert head.modified is not None
    assert head == next(store.iter_meta()) == store.get_with_meta("key.png")[1]
    assert head == store.stream("key.png", 2, 3)[0]


# Pages of a listing that Azurite does not give.


def _page(blobs: str) -> Answer:
    body = f"\ufeff<?xml version='1.0'?><EnumerationResults><Blobs>{blobs}</Blobs>"
    text = f"{body}<NextMarker /></EnumerationResults>".encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n"
    return Answer(head.encode() + text)


def test_folders_and_encoded_names_of_a_listing_are_understood(
    azure_server: AzureServer,
) -> None:
    with Proxy(azure_server.port) as proxy:
        url = azure_server.through(azure_server.url(), proxy.port)
        with closing(get_store_from_url(url)) as store:
            proxy.fault = _page(
                "<Blob><Name>folder</Name><Properties>"
                "<ResourceType>directory</ResourceType></Properties></Blob>"
                '<Blob><Name Encoded="true">a%20b%0A</Name><Properties>'
                "<Content-Length>5</Content-Length></Properties></Blob>"
            )
            assert store.keys() == ["a b\n"]
            (meta,) = store.iter_meta()
            assert (meta.size, meta.md5, meta.modified) == (5, None, None)
            proxy.fault = _page("<Blob></Blob>")
            with pytest.raises(StoreUnavailable, match="listing"):
                store.keys()


# URLs.


def test_url_gets_and_puts(store: KeyValueStore) -> None:
    key = "a b/u+%.png"
    put = store.url_for(key, method="PUT", expires=60)
    assert send(put, "PUT", b"value", x_ms_blob_type="BlockBlob")[0] == 201
    assert store.get(key) == b"value"
    get = store.url_for(key, content_type="text/x-own", download_name='ä "b".png')
    status, body, headers = send(get, "GET")
    assert (status, body) == (200, b"value")
    assert headers["Content-Type"] == "text/x-own"
    assert headers["Content-Disposition"] == (
        "attachment; filename=\"_ _b_.png\"; filename*=UTF-8''%C3%A4%20%22b%22.png"
    )
    assert send(get, "DELETE")[0] == 403
    assert send(get, "PUT", b"new", x_ms_blob_type="BlockBlob")[0] == 403
    assert send(put, "GET")[0] == 403
    assert send(get.replace("u%2B", "v"), "GET")[0] == 403
    assert store.get(key) == b"value"


def test_url_says_what_it_can_only(store: KeyValueStore) -> None:
    for options in ({"content_type": "image/png"}, {"download_name": "name"}):
        given: Any = options
        with pytest.raises(Unsupported, match="x-ms-blob-content-type"):
            store.url_for("key", method="PUT", **given)
    with pytest.raises(InvalidArgument, match="hundred years"):
        store.url_for("key", expires=1e12)
    query = parse_qs(urlsplit(store.url_for("key", expires=0.5)).query)
    assert (query["sp"], query["sr"]) == (["r"], ["b"])


# Secrets.


def _with_token(server: AzureServer, port: int) -> KeyValueStore:
    return AzureBlockBlobStore(
        container="photos",
        create_if_missing=False,
        account_name=server.credentials.name,
        account_key=f"sv=2021-12-02&sp=r&sig={_SIGNATURE}",
        use_sas=True,
        blob_endpoint=server.endpoint.replace(str(server.port), str(port)),
        timeout=0.2,
    )


@pytest.mark.parametrize(
    "fault",
    [None, Refuse(), Cut(), Cut(after=30), Stall(), Azure.refusal(503), Cut(body=5)],
    ids=lambda fault: type(fault).__name__,
)
def test_no_error_and_no_log_shows_a_token(
    azure_server: AzureServer,
    fault: Fault | None,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    caplog.set_level(logging.DEBUG)
    with Proxy(azure_server.port) as proxy:
        proxy.fault = fault
        with closing(_with_token(azure_server, proxy.port)) as store:
            names = ("get", "in", "keys", "put", "copy", "add", "delete_many")
            for use in [*(EVERY[name] for name in names), put_large]:
                with pytest.raises(StoreError) as caught:
                    use(store)
                told = "".join(traceback.format_exception(caught.value))
                assert _SIGNATURE not in told
                assert _SIGNATURE not in _all_texts(caught.value)
            settings: Any = vars(store)["_calls"].connection.settings
            shown = f"{store!r}{store}{settings!r}{vars(store)!r}"
            assert _SIGNATURE not in shown
    assert _SIGNATURE not in caplog.text
    assert "photos" in caplog.text


def _all_texts(error: BaseException | None) -> str:
    texts = ""
    while error is not None:
        texts += f"{error!r}{error}"
        error = error.__cause__ or error.__context__
    return texts


def test_error_names_what_azure_called_it(store: KeyValueStore) -> None:
    with pytest.raises(KeyError) as caught:
        store.get("missing")
    cause = caught.value.__cause__
    assert isinstance(cause, Refusal)
    assert (cause.status, cause.code) == (404, "BlobNotFound")


def test_unknown_account_is_refused(azure_server: AzureServer) -> None:
    url = azure_server.url().replace("devstoreaccount1", "nobody")
    store = get_store_from_url(url)
    with closing(store), pytest.raises((AccessDenied, StoreUnavailable)):
        store.get("key")
