"""What Azure alone refuses; what every backend has to bear is in test_faults."""

import re
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from minimalkv import (
    AccessDenied,
    KeyNotFound,
    PreconditionFailed,
    StoreError,
    StoreUnavailable,
)
from minimalkv.net.azurestore import AzureBlockBlobStore
from tests.backends.process import HOST
from tests.net.backend import Azure, one_of
from tests.net.broken_tls import broken_tls
from tests.net.uses import VALUE, VALUES, put_large
from tests.proxy import Answer, Cut, Proxy, Refuse, Request

backend = one_of("azure")


def test_lease_is_no_failed_precondition(store: Any) -> None:
    blob = store.blob_container_client.get_blob_client("key")
    lease = blob.acquire_lease(60)
    uses: list[Any] = [lambda: store.put("key", b"new"), lambda: store.delete("key")]
    for use in uses:
        with pytest.raises(StoreError, match="lease") as caught:
            use()
        assert not isinstance(caught.value, PreconditionFailed)
    assert store.get("key") == VALUE
    lease.release()


def test_reason_may_stand_in_the_body_only(store: Any, proxy: Proxy) -> None:
    fault = Azure.missing()
    fault.reply = re.sub(rb"x-ms-error-code.*\r\n", b"", fault.reply)
    proxy.fault = fault
    with pytest.raises(KeyNotFound):
        store.get("key")


@pytest.mark.usefixtures("no_pauses")
def test_cut_answer_is_noticed_over_tls_too(
    backend: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy(backend.server.port, tls=True) as proxy:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", proxy.ca_file)
        secure = backend.url().replace("http%3A", "https%3A")
        with backend.opened(secure, proxy.port) as store:
            store.put("key", b"value", headers={"Cache-Control": "no-store"})
            assert store.head("key").headers == {"Cache-Control": "no-store"}
            proxy.fault = Cut(before="Cache-Control")
            with pytest.raises(StoreUnavailable, match="broke off"):
                store.head("key")
            assert proxy.fault.happened == 3


def _altered(**options: Any) -> Answer:
    head = b'HTTP/1.1 200 OK\r\nETag: "0x1"\r\nContent-Length: 3\r\n'
    md5 = b"Content-MD5: XUFAKrxLKna5cZ2REBfFkg=="
    return Answer(head + md5 + b"\r\n\r\nabc", **options)


def test_altered_value_is_noticed(store: Any, proxy: Proxy) -> None:
    proxy.fault = _altered(times=1)
    assert store.get("key") == VALUE
    proxy.fault = _altered()
    for name in ("get", "get_with_meta", "get_file"):
        with pytest.raises(StoreUnavailable, match="MD5"):
            VALUES[name](store)


def test_value_altered_on_its_way_up_is_sent_again(store: Any, proxy: Proxy) -> None:
    proxy.fault = Azure.refusal(400, "Md5Mismatch", times=1)
    store.put("new", b"value")
    assert proxy.methods == ["PUT", "PUT"]
    assert store.get("new") == b"value"


# What becomes of a request when its answer does not come.


def test_request_that_arrived_is_not_said_to_be_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with broken_tls(tmp_path, monkeypatch, end=b"value") as server:
        store = _at(f"https://{HOST}:{server.port}/me")
        with closing(store), pytest.raises(StoreUnavailable) as caught:
            store.put("key", b"value", if_absent=True)
        assert server.received == 1
        assert "It may have happened" in str(caught.value)
        with pytest.raises(StoreUnavailable, match="broke off"):
            store.put("key", b"value")
        assert server.received == 4


def _at(endpoint: str, **options: Any) -> AzureBlockBlobStore:
    return AzureBlockBlobStore(
        container="photos",
        account_name="me",
        account_key="a2V5",
        blob_endpoint=endpoint,
        **options,
    )


def test_block_list_of_which_the_answer_was_lost_is_not_said_to_be_not_written(
    store: Any, backend: Azure, proxy: Proxy, url: str
) -> None:
    lists = count(1)
    with backend.opened(url) as other:

        def first(request: Request) -> bool:
            number = next(lists) if request.query.get("comp") == "blocklist" else 0
            if number == 2:
                other.put("new", b"other")
            return number == 1

        proxy.fault = Cut(on=first)
        with pytest.raises(StoreError, match="not there, or not any more") as caught:
            put_large(store)
    assert proxy.fault.happened == 1
    assert "Nothing was written" not in str(caught.value)


def test_error_that_the_caller_handles_changes_nothing(
    store: Any, proxy: Proxy
) -> None:
    proxy.fault = Refuse()
    told = []
    for handle in (lambda use: use(), _while_handling):
        with pytest.raises(StoreUnavailable, match="Connection refused") as caught:
            handle(lambda: store.get("key"))
        told.append((str(caught.value), repr(caught.value.__cause__)))
    assert told[0] == told[1]


def _while_handling(use: Callable[[], object]) -> None:
    """Call a function as one does who finds no file and asks the store for it."""
    try:
        Path("no such file").read_bytes()
    except FileNotFoundError:
        use()


def test_container_that_somebody_else_creates_is_found(
    backend: Azure, proxy: Proxy
) -> None:
    url = backend.url(create=False)
    server: Any = backend.server
    container = server.namespace(url)

    def create(request: Request) -> bool:
        if request.query.get("restype") == "container":
            with server.client() as client:
                client.create_container(container)
        return False

    proxy.fault = fault = Cut(on=create)
    with backend.opened(url, proxy.port) as store:
        _while_handling(lambda: store.put("key", b"value"))
        assert store.get("key") == b"value"
    assert fault.happened == 0


# A server that has no time.


@pytest.mark.usefixtures("no_pauses")
def test_server_that_has_no_time_is_asked_more_often(
    backend: Azure, proxy: Proxy
) -> None:
    with backend.opened(backend.url(timeout=30), proxy.port) as store:
        store.put("key", VALUE)
        proxy.reset_counts()
        proxy.fault = Azure.refusal(503, "ServerBusy", times=6)
        assert store.get("key") == VALUE
        assert len(proxy.requests) == 7


# Refusals that have a cure.


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (403, "KeyBasedAuthenticationNotPermitted", AccessDenied, "default credential"),
        (403, "AccountIsDisabled", AccessDenied, "disabled"),
        (409, "PublicAccessNotPermitted", AccessDenied, "leave out public=true"),
        (404, "ContainerBeingDeleted", StoreUnavailable, "is being deleted"),
        (409, "ContainerBeingDeleted", StoreUnavailable, "is being deleted"),
        (409, "SnapshotsPresent", StoreError, "has snapshots"),
        (403, "AuthorizationPermissionMismatch", AccessDenied, "permission 'delete'"),
    ],
)
def test_refusal_says_what_helps(
    store: Any, proxy: Proxy, status: int, code: str, kind: Any, words: str
) -> None:
    proxy.fault = Azure.refusal(status, code)
    with pytest.raises(kind, match=words):
        store.delete("key")
    assert len(proxy.requests) == 1
