"""The options of `GoogleCloudStore`: what each of them does."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from minimalkv import (
    AccessDenied,
    InvalidArgument,
    InvalidURL,
    StoreError,
    get_store_from_url,
)
from minimalkv._contract.tools import together
from minimalkv.net._gcs_client import Link
from minimalkv.net._gcs_errors import NO_BUCKET
from minimalkv.net.gcstore import GoogleCloudStore
from tests.backends.gcs import GCSServer
from tests.backends.process import HOST
from tests.net.backend import EMULATOR, GCS, at_port
from tests.net.gcs_account import account_json, anonymous, with_account
from tests.net.through_gcs import store_through
from tests.proxy import Proxy, Request


@pytest.fixture(scope="module")
def proxy(gcs_server: GCSServer) -> Iterator[Proxy]:
    with Proxy(gcs_server.port) as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def _fresh(proxy: Proxy) -> None:
    proxy.fault = None
    proxy.reset_counts()


# The bucket.


def test_bucket_that_is_there_is_not_asked_for(
    gcs_server: GCSServer, proxy: Proxy
) -> None:
    for create in (True, False):
        proxy.reset_counts()
        with store_through(gcs_server, proxy.port, create_if_missing=create) as store:
            store.put("key", b"value")
            assert proxy.methods == ["POST"]


@pytest.fixture
def created(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what is sent to create buckets, on its way to the server."""
    bodies = []
    send = Link.send

    def spy(link: Link, method: str, url: str, headers: Any, body: Any, t: Any) -> Any:
        if "/b?project=" in url:
            bodies.append((url.partition("=")[2], json.loads(body)))
        return send(link, method, url, headers, body, t)

    monkeypatch.setattr(Link, "send", spy)
    return bodies


@pytest.mark.parametrize(
    ("options", "project", "location"),
    [
        ({}, "test-project", "EUROPE-WEST3"),
        ({"bucket_creation_location": "US-EAST1"}, "test-project", "US-EAST1"),
        ({"project": "other project"}, "other%20project", "EUROPE-WEST3"),
    ],
)
def test_bucket_is_created_where_it_is_wanted(
    gcs_server: GCSServer,
    created: list[Any],
    options: dict[str, Any],
    project: str,
    location: str,
) -> None:
    port = gcs_server.port
    with store_through(gcs_server, port, create=False, **options) as store:
        store.put("key", b"value")
        name = store.bucket_name
    assert created == [(project, {"name": name, "location": location})]


def test_location_may_be_left_to_google(
    gcs_server: GCSServer, created: list[Any]
) -> None:
    name = gcs_server.namespace(gcs_server.url(create=False))
    with GoogleCloudStore(None, name, bucket_creation_location=None) as store:
        store.put("key", b"value")
    assert created == [("none", {"name": name})]


def test_bucket_that_cannot_be_created_is_named(
    gcs_server: GCSServer, proxy: Proxy
) -> None:
    def creates(request: Request) -> bool:
        return request.method == "POST" and request.path == "/storage/v1/b"

    with store_through(gcs_server, proxy.port, create=False) as store:
        proxy.fault = GCS.refusal(403, "storage.buckets.create is denied", on=creates)
        with pytest.raises(AccessDenied, match=r"storage\.buckets\.create"):
            store.put("key", b"value")
        proxy.fault = GCS.refusal(400, "Invalid location", on=creates)
        with pytest.raises(StoreError, match=r"cannot be created.*Invalid location"):
            store.put("key", b"value")
        # Somebody else has it, so it is not missing, but nobody may see it.
        proxy.fault = GCS.refusal(409, "The name is not available", on=creates)
        with pytest.raises(StoreError, match="does not exist"):
            store.put("key", b"value")


def test_bucket_is_created_only_in_a_project(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(EMULATOR)
    monkeypatch.setenv("API_ENDPOINT_OVERRIDE", f"http://{HOST}:{proxy.port}")
    proxy.fault = GCS.refusal(404, NO_BUCKET)
    with (
        GoogleCloudStore(anonymous(), "no-such-bucket") as store,
        pytest.raises(StoreError, match=r"which project: \?project="),
    ):
        store.put("key", b"value")
    with GoogleCloudStore(anonymous(), "no-such-bucket", project="x") as store:
        proxy.fault = GCS.refusal(404, NO_BUCKET, times=1)
        store.put("key", b"value")
        assert store.get("key") == b"value"


# The connection.


def test_no_more_connections_are_kept_than_allowed(
    gcs_server: GCSServer, proxy: Proxy
) -> None:
    with store_through(gcs_server, proxy.port, max_connections=2) as store:
        store.put("key", b"value")
        together(8, lambda _: store.get("key"))
        proxy.reset_counts()
        together(2, lambda _: store.get("key"))
        assert proxy.connections == 0
        streams = [store.stream("key")[1] for _ in range(5)]
        assert [stream.read() for stream in streams] == [b"value"] * 5


def test_many_keys_take_no_more_connections_than_are_kept(
    gcs_server: GCSServer, proxy: Proxy
) -> None:
    keys = [f"key-{number}" for number in range(20)]
    with store_through(gcs_server, proxy.port, max_connections=2) as store:
        store.put_many(dict.fromkeys(keys, b"value"))
        assert len(store.get_many(keys)) == 20
        assert len({request.connection for request in proxy.requests}) <= 2


def test_closed_store_connects_anew(gcs_server: GCSServer, proxy: Proxy) -> None:
    with store_through(gcs_server, proxy.port) as store:
        store.put("key", b"value")
        store.close()
        store.close()
        assert store.get("key") == b"value"
        assert proxy.connections == 2


def test_emulator_needs_no_scheme(
    gcs_server: GCSServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(EMULATOR, f"{HOST}:{gcs_server.port}")
    with get_store_from_url(gcs_server.url()) as store:
        store.put("key", b"value")
        assert store.get("key") == b"value"


def test_proxy_of_the_environment_is_used(
    gcs_server: GCSServer, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://{HOST}:{proxy.port}")
    monkeypatch.setenv("no_proxy", "")
    with store_through(gcs_server, gcs_server.port) as store:
        proxy.fault = GCS.refusal(400, "I am the proxy")
        with pytest.raises(StoreError, match="I am the proxy"):
            store.put("key", b"value")
    assert proxy.requests[0].target.startswith(f"http://{HOST}:{gcs_server.port}/")


def test_google_is_meant_without_an_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(EMULATOR, raising=False)
    for port in (1, 2):
        store = GoogleCloudStore(account_json(port), "bucket")
        assert (
            store._calls.connection.client.endpoint == "https://storage.googleapis.com"
        )
        url = store.url_for("a&b")
        assert url.startswith("https://storage.googleapis.com/bucket/a%26b?X-Goog-")
        store.close()


# What is wrong.


@pytest.mark.parametrize("name", ["", None, 5, b"bucket", '{"s3cr3t": 1}', "s3cr3t\n"])
def test_what_names_no_bucket_is_refused(name: Any) -> None:
    with pytest.raises(InvalidArgument, match="name of a bucket") as caught:
        GoogleCloudStore(None, name)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    "query", ["timeout=0", "max_connections=none", "create_if_missing=2", "unknown=1"]
)
def test_options_that_are_wrong_are_refused(query: str) -> None:
    with pytest.raises(InvalidURL):
        get_store_from_url(with_account(f"gcs://bucket?{query}"))


def test_options_of_a_url_are_settings() -> None:
    url = "gcs://bucket?timeout=2.5&max_connections=3&create_if_missing=false&project=p"
    with at_port(1):
        store: Any = get_store_from_url(with_account(url))
    settings = store._calls.connection.settings
    assert (settings.timeout, settings.max_connections) == (2.5, 3)
    assert (store.create_if_missing, store.project_name) == (False, "p")
    assert store.bucket_creation_location == "EUROPE-WEST3"
