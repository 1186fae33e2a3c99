"""What is more to say about `GoogleCloudStore`, and what minimalkv 1.11 wrote."""

import gzip
import json
import pickle
import subprocess
import threading
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from minimalkv import InvalidArgument, InvalidKey, Unsupported, get_store_from_url
from minimalkv._get_store import get_store
from minimalkv._hstores import HGoogleCloudStore
from minimalkv.net.gcstore import GoogleCloudStore
from tests import upstream
from tests.backends.gcs import GCSServer
from tests.net.backend import EMULATOR
from tests.net.by_url import send
from tests.net.gcs_account import EMAIL, account_json, anonymous, with_account
from tests.net.gcs_raw import RawBucket

_GCSFS = "2024.12.0"  # of the time of minimalkv 1.11; newer ones want gRPC


def test_arguments_are_those_of_upstream() -> None:
    store = GoogleCloudStore("path_to_json", "test_bucket", False, "US-CENTRAL1", "p")
    for same in (store, pickle.loads(pickle.dumps(store))):
        assert same.bucket_name == "test_bucket"
        assert same.create_if_missing is False
        assert same.bucket_creation_location == "US-CENTRAL1"
        assert same.project_name == "p"
    assert GoogleCloudStore("path_to_json", "bucket").project_name is None
    assert GoogleCloudStore(account_json(), "bucket").project_name == "test-project"
    assert GoogleCloudStore(anonymous(), "bucket").project_name is None


def test_get_store_takes_the_same_names(gcs_server: GCSServer) -> None:
    name = gcs_server.namespace(gcs_server.url())
    for credentials in (account_json(), anonymous()):
        with get_store("hgcs", credentials=credentials, bucket_name=name) as store:
            assert isinstance(store, HGoogleCloudStore)
            store.put("a/b", b"value")
            assert store.get("a/b") == b"value"


def test_no_secret_is_shown() -> None:
    store = get_store_from_url(with_account("gcs://my-bucket?project=p"))
    assert repr(store) == "<GoogleCloudStore 'my-bucket'>"
    assert "PRIVATE" not in f"{store!r} {store} {vars(store)}"


def test_store_of_what_does_not_pickle_says_so() -> None:
    odd: Any = anonymous()
    odd.lock = threading.Lock()
    store = GoogleCloudStore(odd, "bucket")
    with pytest.raises(Unsupported, match="does not pickle"):
        pickle.dumps(store)


def test_facts_are_the_same_from_everywhere(gcs_server: GCSServer) -> None:
    with get_store_from_url(gcs_server.url()) as store:
        store.put("a/b.txt", b"value")
        head = store.head("a/b.txt")
        _, got = store.get_with_meta("a/b.txt")
        (listed,) = store.iter_meta()
        assert listed == head
        assert got._replace(modified=head.modified) == head
        assert head.md5 == "2063c1608d6e0baf80249c42e2be5804"
        assert head.modified is not None
        assert got.modified == head.modified.replace(microsecond=0)


def test_headers_need_not_be_ascii(gcs_server: GCSServer) -> None:
    headers = {"Content-Disposition": 'inline; filename="é.png"'}
    with get_store_from_url(gcs_server.url()) as store:
        store.put("key", b"value", content_type="text/plain; x=ü", headers=headers)
        store.copy("key", "copy")
        for key in ("key", "copy"):
            for meta in (store.head(key), store.get_with_meta(key)[1]):
                assert meta.content_type == "text/plain; x=ü"
                assert meta.headers == headers


def test_compressed_value_comes_as_it_was_stored(gcs_server: GCSServer) -> None:
    packed = gzip.compress(b"text " * 1000)
    headers = {"Content-Encoding": "gzip"}
    with get_store_from_url(gcs_server.url()) as store:
        store.put("page", packed, content_type="text/html", headers=headers)
        data, meta = store.get_with_meta("page")
        assert (data, meta.size, meta.headers) == (packed, len(packed), headers)
        _, file = store.stream("page", 5, 50)
        assert file.read() == packed[5:50]
        with store.open("page") as opened:
            assert opened.read() == packed


def test_object_that_is_no_key_is_not_listed(gcs_server: GCSServer) -> None:
    url = gcs_server.url()
    raw = RawBucket(gcs_server.port, gcs_server.namespace(url))
    for name in ("a/", "a//b", "é", "a;b", "..", "a/../b", "ok/key", "x\ny"):
        raw.write(name, b"")
    with get_store_from_url(url) as store:
        assert store.keys() == ["ok/key"]
        assert [meta.key for meta in store.iter_meta()] == ["ok/key"]
        # A folder is one as long as its own name is fine, whatever is in it.
        assert sorted(store.iter_prefixes("/")) == ["a/", "ok/"]
        assert list(store.iter_prefixes("/", "ok/")) == ["ok/key"]
        assert store.delete_prefix("") == 1


def test_key_that_is_too_long_for_google_is_refused(gcs_server: GCSServer) -> None:
    # As version 1 allowed it elsewhere.
    with (
        get_store_from_url(gcs_server.url(h=False)) as store,
        pytest.raises(InvalidKey, match="Google Cloud Storage takes 1024"),
    ):
        store.get("k" * 1025)


def test_bucket_is_there_for_other_business(gcs_server: GCSServer) -> None:
    url = gcs_server.url()
    with get_store_from_url(url) as store:
        assert isinstance(store, GoogleCloudStore)
        assert store.bucket.name == gcs_server.namespace(url)
        assert store.bucket.client is store.bucket.client
        assert store.bucket.exists()


def test_url_gets_and_puts(gcs_server: GCSServer) -> None:
    # Whoever uses it need not sign here: fake-gcs-server never looks at signatures.
    with get_store_from_url(with_account(gcs_server.url())) as store:
        key = "a b/u+%.png"
        put = store.url_for(key, method="PUT", content_type="image/png", expires=60)
        assert send(put, "PUT", b"value", Content_Type="image/png")[0] == 200
        assert store.get_with_meta(key)[0] == b"value"
        assert store.head(key).content_type == "image/png"
        assert send(store.url_for(key), "GET")[:2] == (200, b"value")


def test_url_says_what_was_asked_for(gcs_server: GCSServer) -> None:
    with get_store_from_url(with_account(gcs_server.url())) as store:
        get = store.url_for(
            "key", expires=59.5, content_type="text/x-own", download_name='ä "b".png'
        )
        asked = parse_qs(urlsplit(get).query)
        assert asked["response-content-type"] == ["text/x-own"]
        assert asked["response-content-disposition"] == [
            "attachment; filename=\"_ _b_.png\"; filename*=UTF-8''%C3%A4%20%22b%22.png"
        ]
        assert asked["X-Goog-Expires"] == ["60"]
        assert asked["X-Goog-SignedHeaders"] == ["host"]
        assert asked["X-Goog-Credential"][0].startswith(EMAIL)
        put = store.url_for("key", method="PUT", content_type="image/png")
        asked = parse_qs(urlsplit(put).query)
        assert asked["X-Goog-SignedHeaders"] == ["content-type;host"]
        assert asked["X-Goog-Expires"] == ["3600"]
        with pytest.raises(Unsupported, match="download_name"):
            store.url_for("key", method="PUT", download_name="name")
        with pytest.raises(InvalidArgument, match="a week"):
            store.url_for("key", expires=8 * 24 * 3600)
        assert len({store.url_for("key", expires=n) for n in (1, 2)}) == 2


# What minimalkv 1.11 wrote.

_UPSTREAM = """
import json, sys
from google.auth.credentials import AnonymousCredentials
from minimalkv._mixins import ExtendedKeyspaceMixin
from minimalkv.net.gcstore import GoogleCloudStore

class HGoogleCloudStore(ExtendedKeyspaceMixin, GoogleCloudStore):
    pass

name, verb = sys.argv[1:]
store = HGoogleCloudStore(AnonymousCredentials(), name, project="p")
if verb == "write":
    store.put("a b/c", b"upstream")
    store.put("odd'!`#$%&()+,-.<=>?@[]^_{}~", b"odd")
    store.put("empty", b"")
    store.put("long-" + "k" * 240 + "/" + "l" * 240, b"long")
print(json.dumps({key: store.get(key).decode() for key in store.keys()}))
"""


def _upstream_with_gcsfs() -> None:
    python = Path(upstream.python())
    stamp = python.parents[1] / f"ready-gcsfs-{_GCSFS}"
    if not stamp.exists():
        wanted = [f"gcsfs=={_GCSFS}", "google-cloud-storage"]
        install = [str(python), "-m", "pip", "install", "-q", *wanted]
        subprocess.run(install, check=True)
        stamp.touch()


def test_what_upstream_wrote_is_read_and_the_other_way_round(
    gcs_server: GCSServer,
) -> None:
    _upstream_with_gcsfs()
    url = gcs_server.url()
    name = gcs_server.namespace(url)
    written = json.loads(upstream.run(_UPSTREAM, name, "write"))
    assert len(written) == 4
    with get_store_from_url(url) as store:
        assert {key: store.get(key).decode() for key in store} == written
        for key in written:
            store.delete(key)
        store.put("ours/u", b"ours")
        with store.open_writer("large") as writer:
            writer.write(bytes(9 * 2**20))
    found = json.loads(upstream.run(_UPSTREAM, name, "read"))
    assert found == {"ours/u": "ours", "large": "\0" * 9 * 2**20}


def test_emulator_is_looked_for_when_a_store_connects(
    gcs_server: GCSServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = get_store_from_url(gcs_server.url())
    data = pickle.dumps(store)
    store.put("key", b"value")
    monkeypatch.setenv(EMULATOR, "http://127.0.0.1:9")
    assert store.get("key") == b"value"
    store.close()
    assert pickle.loads(data)._calls.connection.client.endpoint.endswith(":9")
