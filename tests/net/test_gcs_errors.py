"""What the server refuses is said in words of ours, with the permission it takes."""

from typing import Any

import pytest

from minimalkv import AccessDenied, StoreError, StoreUnavailable
from tests.net.backend import GCS, one_of
from tests.net.uses import EVERY, READS
from tests.proxy import Answer, Proxy

backend = one_of("gcs")


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        (
            403,
            "x@y.iam.gserviceaccount.com does not have storage.objects.create access "
            "to the Google Cloud Storage object. Permission 'storage.objects.create' "
            "denied on resource (or it may not exist).",
            r"storage\.objects\.create \(",
        ),
        (403, "Forbidden", r"storage\.(objects|buckets)\.[a-z]+"),
        (401, "Invalid Credentials", "credentials"),
        (
            401,
            "Anonymous caller does not have storage.objects.get access",
            r"storage\.objects\.get \(",
        ),
    ],
)
def test_refusal_names_what_is_missing(
    store: Any, proxy: Proxy, status: int, message: str, reason: str
) -> None:
    proxy.fault = GCS.refusal(status, message)
    for use in EVERY.values():
        with pytest.raises(AccessDenied, match=reason):
            use(store)
    with pytest.raises(AccessDenied) as caught:
        store.delete_many(["key", "other"])
    assert set(caught.value.failed_keys) == {"key", "other"}


def test_other_refusal_is_shown(store: Any, proxy: Proxy) -> None:
    proxy.fault = GCS.refusal(400, "Invalid bucket name: 'a_B'")
    for use in EVERY.values():
        with pytest.raises(StoreError, match="Invalid bucket name") as caught:
            use(store)
        assert not isinstance(caught.value, StoreUnavailable)


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"items": 5}', b'{"items":'])
def test_answer_of_another_server_is_an_error(
    store: Any, proxy: Proxy, body: bytes
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    proxy.fault = Answer(head + body)
    for read in READS.values():
        with pytest.raises(StoreUnavailable):
            read(store)
    for name in ("copy", "put", "put_file", "delete_many", "add"):
        with pytest.raises(StoreUnavailable, match="may have happened"):
            EVERY[name](store)
