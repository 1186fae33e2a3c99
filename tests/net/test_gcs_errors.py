"""What the server refuses is said in words of ours, with the permission it takes."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from minimalkv import AccessDenied, StoreError, StoreUnavailable
from minimalkv._key_value_store import KeyValueStore
from tests.backends.gcs import GCSServer
from tests.net.gcs_uses import CONDITIONAL, READS, WRITES, put_large
from tests.net.through_gcs import answer, store_through
from tests.proxy import Answer, Proxy


@pytest.fixture(scope="module")
def proxy(gcs_server: GCSServer) -> Iterator[Proxy]:
    with Proxy(gcs_server.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def shared(gcs_server: GCSServer, proxy: Proxy) -> Iterator[KeyValueStore]:
    with store_through(gcs_server, proxy.port, timeout=1) as store:
        store.put("number", b"5")
        yield store


@pytest.fixture
def store(shared: KeyValueStore, proxy: Proxy) -> KeyValueStore:
    proxy.fault = None
    proxy.reset_counts()
    return shared


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)


def test_missing_bucket_is_named_by_every_call(gcs_server: GCSServer) -> None:
    options: dict[str, Any] = {"create": False, "create_if_missing": False}
    with store_through(gcs_server, gcs_server.port, **options) as store:
        name = re.escape(store.bucket_name)
        uses = [*READS.values(), *WRITES.values(), *CONDITIONAL.values()]
        for use in [*uses, put_large]:
            with pytest.raises(StoreError, match=f"bucket '{name}' does not exist"):
                use(store)
        with pytest.raises(StoreError, match="create_if_missing"):
            store.ping()


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        (
            "403 Forbidden",
            "x@y.iam.gserviceaccount.com does not have storage.objects.create access "
            "to the Google Cloud Storage object. Permission 'storage.objects.create' "
            "denied on resource (or it may not exist).",
            r"storage\.objects\.create \(",
        ),
        ("403 Forbidden", "Forbidden", r"storage\.(objects|buckets)\.[a-z]+"),
        ("401 Unauthorized", "Invalid Credentials", "credentials"),
        (
            "401 Unauthorized",
            "Anonymous caller does not have storage.objects.get access",
            r"storage\.objects\.get \(",
        ),
    ],
)
def test_refusal_names_what_is_missing(
    store: KeyValueStore, proxy: Proxy, status: str, message: str, reason: str
) -> None:
    proxy.fault = answer(status, message)
    for use in [*READS.values(), *WRITES.values(), *CONDITIONAL.values()]:
        with pytest.raises(AccessDenied, match=reason):
            use(store)
    with pytest.raises(AccessDenied) as caught:
        store.delete_many(["key", "other"])
    assert set(caught.value.failed_keys) == {"key", "other"}


def test_other_refusal_is_shown(store: KeyValueStore, proxy: Proxy) -> None:
    proxy.fault = answer("400 Bad Request", "Invalid bucket name: 'a_B'")
    for use in [*READS.values(), *WRITES.values(), *CONDITIONAL.values()]:
        with pytest.raises(StoreError, match="Invalid bucket name") as caught:
            use(store)
        assert not isinstance(caught.value, StoreUnavailable)


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"items": 5}', b'{"items":'])
def test_answer_of_another_server_is_an_error(
    store: KeyValueStore, proxy: Proxy, body: bytes
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    proxy.fault = Answer(head + body)
    for read in READS.values():
        with pytest.raises(StoreUnavailable):
            read(store)
    for name in ("copy", "put", "put_file", "delete_many"):
        with pytest.raises(StoreUnavailable, match="may have happened"):
            WRITES[name](store)
    with pytest.raises(StoreUnavailable, match="may have happened"):
        CONDITIONAL["add"](store)
