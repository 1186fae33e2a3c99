"""What goes wrong on the way to Azure is an error of ours, and never a false value."""

import io
import re
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest

from minimalkv import (
    KeyNotFound,
    PreconditionFailed,
    StoreError,
    StoreUnavailable,
    get_store_from_url,
)
from minimalkv._key_value_store import KeyValueStore
from tests.backends.azure import AzureServer
from tests.backends.process import HOST
from tests.net.azure_kit import CONDITIONAL, READS, WRITES, Source, refusal
from tests.proxy import Cut, Drop, Fault, Proxy, Refuse, Request, Reset, Stall

_VALUE = bytes(range(256)) * 1000
_TIMEOUT_SECS = 1.0
_TYPE = "text/x-own"
_UNKNOWN = "It may have happened"


@pytest.fixture(scope="module")
def proxy(azure_server: AzureServer) -> Iterator[Proxy]:
    with Proxy(azure_server.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def shared(azure_server: AzureServer, proxy: Proxy) -> Iterator[KeyValueStore]:
    url = azure_server.url(timeout=_TIMEOUT_SECS, max_single_put_size=4 * 2**20)
    with closing(get_store_from_url(azure_server.through(url, proxy.port))) as store:
        yield store


@pytest.fixture
def store(shared: KeyValueStore, proxy: Proxy) -> KeyValueStore:
    proxy.fault = None
    shared.delete_prefix("")
    shared.put("key", _VALUE, content_type=_TYPE)
    shared.put("other", b"", headers={"Cache-Control": "no-store"})
    shared.put("number", b"5")
    proxy.reset_counts()
    return shared


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)


def _faults(kind: type[Cut | Reset]) -> list[Fault]:
    names = ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Content-MD5")
    return [
        *(kind(after=position) for position in (0, 1, 9, 12, 13, 16, 17, 60, 200)),
        *(kind(before=f"{name}:") for name in names),
        *(kind(before=name) for name in ("tent-Length", "-Range: bytes", "/x-own")),
        *(kind(body=position) for position in (0, 1, 40, 150)),
    ]


@pytest.mark.parametrize("name", READS)
@pytest.mark.usefixtures("no_pause")
def test_cut_answer_is_no_value(store: KeyValueStore, proxy: Proxy, name: str) -> None:
    read = READS[name]
    expected = read(store)
    happened = 0
    for fault in _faults(Cut):
        proxy.fault = fault
        with suppress(StoreUnavailable):
            assert read(store) == expected
        happened += fault.happened
        proxy.fault = None
    assert happened > 10
    assert read(store) == expected


@pytest.mark.parametrize("name", ["get", "head", "in", "open", "stream"])
@pytest.mark.usefixtures("no_pause")
def test_missing_key_with_a_cut_answer_is_missing_or_unknown(
    store: KeyValueStore, proxy: Proxy, name: str
) -> None:
    store.delete("key")
    for position in range(0, 600, 23):
        proxy.fault = Cut(after=position)
        with suppress(KeyNotFound, StoreUnavailable):
            assert READS[name](store) is False


@pytest.mark.usefixtures("no_pause")
def test_missing_container_is_no_missing_key_wherever_its_answer_is_cut(
    azure_server: AzureServer, proxy: Proxy
) -> None:
    url = azure_server.url(create=False, create_if_missing=False)
    with closing(get_store_from_url(azure_server.through(url, proxy.port))) as store:
        for position in range(0, 700, 31):
            for read in (store.get, store.head, store.__contains__):
                proxy.fault = Cut(after=position)
                with pytest.raises(StoreError):
                    read("key")


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("fault", [Cut, Reset, Drop])
def test_read_that_fails_once_is_repeated(
    store: KeyValueStore, proxy: Proxy, name: str, fault: type[Fault]
) -> None:
    expected = READS[name](store)
    proxy.fault = fault(times=1)
    assert READS[name](store) == expected
    assert proxy.fault.happened == 1


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("fault", [Cut, Drop])
def test_write_that_fails_once_is_repeated(
    store: KeyValueStore, proxy: Proxy, name: str, fault: type[Fault]
) -> None:
    proxy.fault = fault(times=1)
    WRITES[name](store)
    assert proxy.fault.happened == 1
    proxy.fault = None
    is_delete = name.startswith("delete")
    assert ("new" in store) != is_delete
    assert ("key" in store) != is_delete


def test_publishing_of_blocks_whose_answer_is_lost_is_repeated(
    store: KeyValueStore, proxy: Proxy
) -> None:
    proxy.fault = Cut(times=1, on=lambda r: r.query.get("comp") == "blocklist")
    store.put_file("new", Source(5 * 2**20))
    assert proxy.fault.happened == 1
    assert store.head("new").size == 5 * 2**20


@pytest.mark.parametrize("name", WRITES)
def test_write_whose_answers_are_all_lost_may_have_happened(
    store: KeyValueStore, proxy: Proxy, name: str
) -> None:
    proxy.fault = Cut()
    with pytest.raises(StoreUnavailable, match=_UNKNOWN):
        WRITES[name](store)


@pytest.mark.parametrize("name", CONDITIONAL)
@pytest.mark.parametrize("position", [0, 9, 11])
def test_conditional_write_whose_answer_is_lost_is_sent_once_and_unknown(
    store: KeyValueStore, proxy: Proxy, name: str, position: int
) -> None:
    proxy.fault = Cut(after=position, on=_is_conditional)
    with pytest.raises(StoreUnavailable, match=_UNKNOWN):
        CONDITIONAL[name](store)
    assert len([request for request in proxy.requests if _is_conditional(request)]) == 1
    proxy.fault = None
    new = store.get("new") if "new" in store else None
    rest = store.get_many(["key", "number"])
    assert (new if new is None else len(new), rest) in [
        (3, {"key": _VALUE, "number": b"5"}),
        (5 * 2**20, {"key": _VALUE, "number": b"5"}),
        (None, {"key": b"new", "number": b"5"}),
        (None, {"number": b"5"}),
        (None, {"key": _VALUE, "number": b"6"}),
    ]


@pytest.mark.parametrize("name", CONDITIONAL)
def test_conditional_write_that_never_arrives_is_unknown_and_not_repeated(
    store: KeyValueStore, proxy: Proxy, name: str
) -> None:
    proxy.fault = Drop(on=_is_conditional, times=1)
    with pytest.raises(StoreUnavailable, match=_UNKNOWN):
        CONDITIONAL[name](store)
    proxy.fault = None
    assert store.get_many(["new", "key", "number"]) == {"key": _VALUE, "number": b"5"}


def _is_conditional(request: Request) -> bool:
    is_write = request.method in ("PUT", "DELETE")
    return is_write and (
        "if-match" in request.headers or "if-none-match" in request.headers
    )


def test_version_that_is_gone_is_a_failed_precondition(
    store: KeyValueStore, proxy: Proxy
) -> None:
    etag = store.head("key").etag
    # As Azure answers some of them; Azurite says 412.
    proxy.fault = refusal("404 Not Found", "BlobNotFound")
    with pytest.raises(PreconditionFailed):
        store.put("key", b"new", if_match=etag)
    with pytest.raises(PreconditionFailed):
        store.delete("key", if_match=etag)
    with pytest.raises(PreconditionFailed):
        store.stream("key", if_match=etag)


def test_lease_is_no_failed_precondition(store: Any) -> None:
    blob = store.blob_container_client.get_blob_client("key")
    lease = blob.acquire_lease(60)
    uses: list[Any] = [lambda: store.put("key", b"new"), lambda: store.delete("key")]
    for use in uses:
        with pytest.raises(StoreError, match="lease") as caught:
            use()
        assert not isinstance(caught.value, PreconditionFailed)
    assert store.get("key") == _VALUE
    lease.release()


@pytest.mark.parametrize("status", ["500 No", "502 No", "503 No", "429 No", "504 No"])
def test_busy_server_is_asked_again(
    store: KeyValueStore, proxy: Proxy, status: str
) -> None:
    proxy.fault = refusal(status, "ServerBusy", times=2)
    assert store.get("key") == _VALUE
    proxy.fault = refusal(status, "ServerBusy", times=1)
    store.put("key", b"new")
    proxy.fault = refusal(status, "ServerBusy")
    with pytest.raises(StoreUnavailable, match=re.escape(f"{status[:3]} ServerBusy")):
        store.get("key")
    proxy.fault = refusal(status, "ServerBusy", times=1)
    with pytest.raises(StoreUnavailable, match=_UNKNOWN):
        store.add("new", b"new")


def test_reason_may_stand_in_the_body_only(store: KeyValueStore, proxy: Proxy) -> None:
    fault = refusal("404 Not Found", "BlobNotFound")
    fault.reply = re.sub(rb"x-ms-error-code.*\r\n", b"", fault.reply)
    proxy.fault = fault
    with pytest.raises(KeyNotFound):
        store.get("key")


@pytest.mark.parametrize("name", ["get", "head", "in", "keys", "get_file", "open"])
@pytest.mark.parametrize("where", [{}, {"before": "ETag"}, {"body": 1}], ids=repr)
def test_stalled_answer_is_given_up_in_time(
    store: KeyValueStore, proxy: Proxy, name: str, where: dict[str, Any]
) -> None:
    expected = READS[name](store)
    proxy.fault = Stall(**where)
    started = time.monotonic()
    try:
        assert READS[name](store) == expected
        assert proxy.fault.happened == 0
    except StoreUnavailable:
        assert time.monotonic() - started < _TIMEOUT_SECS + 1
    proxy.fault = None


@pytest.mark.parametrize("name", ["put", "copy", "delete", "delete_many"])
def test_stalled_write_is_given_up_in_time(
    store: KeyValueStore, proxy: Proxy, name: str
) -> None:
    proxy.fault = Stall()
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match=_UNKNOWN):
        WRITES[name](store)
    assert time.monotonic() - started < _TIMEOUT_SECS + 1
    proxy.fault = None


def test_refused_port_is_named(store: KeyValueStore, proxy: Proxy) -> None:
    proxy.fault = Refuse()
    for use in [*READS.values(), *WRITES.values(), *CONDITIONAL.values()]:
        with pytest.raises(StoreUnavailable, match=f"connect: {HOST}:{proxy.port}"):
            use(store)
    with pytest.raises(StoreUnavailable, match="Nothing was written"):
        store.put("key", b"value")
    proxy.fault = None
    assert store.get("key") == _VALUE


def test_host_that_never_answers_is_given_up_in_time(azure_server: AzureServer) -> None:
    url = azure_server.url(timeout=0.5)
    with socket.create_server((HOST, 0), backlog=0) as silent:
        port = silent.getsockname()[1]
        with closing(get_store_from_url(azure_server.through(url, port))) as store:
            for use in [*READS.values(), *WRITES.values()]:
                started = time.monotonic()
                with pytest.raises(StoreUnavailable, match="in time"):
                    use(store)
                assert time.monotonic() - started < 1.5


def test_cut_answer_is_noticed_over_tls_too(
    azure_server: AzureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy(azure_server.port, tls=True) as proxy:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", proxy.ca_file)
        url = azure_server.through(azure_server.url(), proxy.port)
        secure = url.replace("http%3A", "https%3A")
        with closing(get_store_from_url(secure)) as store:
            store.put("key", b"value", headers={"Cache-Control": "no-store"})
            assert store.head("key").headers == {"Cache-Control": "no-store"}
            proxy.fault = Cut(before="Cache-Control")
            with pytest.raises(StoreUnavailable, match="broke off"):
                store.head("key")
            assert proxy.fault.happened == 3


def test_altered_value_is_noticed(store: KeyValueStore, proxy: Proxy) -> None:
    wrong = b'HTTP/1.1 200 OK\r\nETag: "0x1"\r\nContent-Length: 3\r\n'
    wrong += b"Content-MD5: XUFAKrxLKna5cZ2REBfFkg==\r\n\r\nabc"
    fault = refusal("200 OK", times=1)
    fault.reply = wrong
    proxy.fault = fault
    assert store.get("key") == _VALUE
    fault = refusal("200 OK")
    fault.reply = wrong
    proxy.fault = fault
    for read in (READS["get"], READS["get_with_meta"], READS["get_file"]):
        with pytest.raises(StoreUnavailable, match="MD5"):
            read(store)


def test_value_altered_on_its_way_up_is_sent_again(
    store: KeyValueStore, proxy: Proxy
) -> None:
    proxy.fault = refusal("400 Bad Request", "Md5Mismatch", times=1)
    store.put("new", b"value")
    assert proxy.methods == ["PUT", "PUT"]
    assert store.get("new") == b"value"


def test_aborted_upload_leaves_nothing_to_see(store: KeyValueStore) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 9 * 2**20:
                raise RuntimeError("the source broke")
            return super().read(size)

    options: Any
    for options in ({}, {"if_absent": True}):
        with pytest.raises(RuntimeError):
            store.put_file("new", Broken(bytes(10 * 2**20)), **options)
        writer = store.open_writer("new", **options)
        writer.write(bytes(9 * 2**20))
        writer.abort()
    assert "new" not in store
    assert store.keys() == ["key", "number", "other"]
    assert store.add("new", b"value")
