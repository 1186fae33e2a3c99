"""What goes wrong on the way to Google is an error of ours, and never a false value."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from minimalkv import KeyNotFound, StoreError, StoreUnavailable
from minimalkv._key_value_store import KeyValueStore
from minimalkv.net.gcstore import GoogleCloudStore
from tests.backends.gcs import GCSServer
from tests.backends.process import HOST
from tests.net.gcs_uses import CONDITIONAL, LARGE, READS, VALUE, WRITES, put_large
from tests.net.through_gcs import answer, at_port, is_write, store_through
from tests.proxy import Answer, Cut, Drop, Fault, Proxy, Refuse, Request, Reset, Stall

_TIMEOUT_SECS = 1.0
_TYPE = "text/x-own"


@pytest.fixture(scope="module")
def proxy(gcs_server: GCSServer) -> Iterator[Proxy]:
    with Proxy(gcs_server.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def shared(gcs_server: GCSServer, proxy: Proxy) -> Iterator[KeyValueStore]:
    with store_through(gcs_server, proxy.port, timeout=_TIMEOUT_SECS) as store:
        yield store


@pytest.fixture
def store(shared: KeyValueStore, proxy: Proxy) -> KeyValueStore:
    proxy.fault = None
    shared.delete_prefix("")
    shared.put("key", VALUE, content_type=_TYPE)
    shared.put("other", b"", headers={"Cache-Control": "no-store"})
    shared.put("number", b"5")
    proxy.reset_counts()
    return shared


@pytest.fixture
def hasty(
    gcs_server: GCSServer, store: KeyValueStore, proxy: Proxy
) -> Iterator[KeyValueStore]:
    """Return a store that waits so briefly that a test does not take long."""
    assert isinstance(store, GoogleCloudStore)
    name = store.bucket_name
    with at_port(proxy.port), GoogleCloudStore(None, name, timeout=0.3) as hasty:
        yield hasty
    proxy.fault = None


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)


def _cuts() -> list[Fault]:
    names = ("Content-Length", "Content-Type", "Last-Modified", "X-Goog-", "Date")
    return [
        *(Cut(after=position) for position in (0, 1, 9, 12, 13, 16, 17, 60, 200)),
        *(Cut(before=f"{name}") for name in names),
        *(Cut(before=name) for name in ("tent-Length", "-Range: bytes", "/x-own")),
        *(Cut(before=name) for name in ("eration:", "crc32c=", "\r\n\r\n")),
        *(Cut(body=position) for position in (0, 1, 40, 150)),
    ]


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("name", READS)
def test_cut_answer_is_no_value(store: KeyValueStore, proxy: Proxy, name: str) -> None:
    read = READS[name]
    expected = read(store)
    happened = 0
    for fault in _cuts():
        proxy.fault = fault
        with suppress(StoreUnavailable):
            assert read(store) == expected
        happened += fault.happened
        proxy.fault = None
    assert happened > 10
    assert read(store) == expected


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("name", ["get", "head", "in", "open", "stream"])
def test_missing_key_with_a_cut_answer_is_missing_or_unknown(
    store: KeyValueStore, proxy: Proxy, name: str
) -> None:
    store.delete("key")
    for position in range(0, 400, 23):
        proxy.fault = Cut(after=position)
        with suppress(KeyNotFound, StoreUnavailable):
            assert READS[name](store) is False


@pytest.mark.usefixtures("no_pauses")
def test_missing_bucket_is_no_missing_key_wherever_its_answer_is_cut(
    gcs_server: GCSServer, proxy: Proxy
) -> None:
    options: dict[str, Any] = {"create": False, "create_if_missing": False}
    with store_through(gcs_server, proxy.port, **options) as store:
        for position in range(0, 400, 31):
            for read in (store.get, store.head, store.__contains__):
                proxy.fault = Cut(after=position)
                with pytest.raises(StoreError):
                    read("key")
    proxy.fault = None


def test_404_that_does_not_say_why_is_no_missing_key(
    store: KeyValueStore, proxy: Proxy
) -> None:
    proxy.fault = Answer(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    for name in ("get", "head", "in", "open", "stream", "get_many"):
        with pytest.raises(StoreUnavailable, match="without saying what is missing"):
            READS[name](store)


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
    assert ("new" in store) == (name not in ("delete", "delete_many"))
    assert ("key" in store) == (name not in ("delete", "delete_many"))


@pytest.mark.parametrize("name", WRITES)
def test_write_whose_answers_are_all_lost_may_have_happened(
    store: KeyValueStore, proxy: Proxy, name: str
) -> None:
    proxy.fault = Cut()
    with pytest.raises(StoreUnavailable, match="may have happened"):
        WRITES[name](store)


@pytest.mark.parametrize("name", CONDITIONAL)
@pytest.mark.parametrize("position", [0, 9, 11])
def test_conditional_write_whose_answer_is_lost_is_sent_once_and_unknown(
    store: KeyValueStore, proxy: Proxy, name: str, position: int
) -> None:
    proxy.fault = Cut(after=position, on=is_write)
    with pytest.raises(StoreUnavailable, match="may have happened"):
        CONDITIONAL[name](store)
    assert len([request for request in proxy.requests if is_write(request)]) == 1
    proxy.fault = None
    assert store.get_many(["new", "key", "number"]) in [
        {"new": b"new", "key": VALUE, "number": b"5"},
        {"key": b"new", "number": b"5"},
        {"number": b"5"},
        {"key": VALUE, "number": b"6"},
    ]


@pytest.mark.parametrize("name", CONDITIONAL)
def test_conditional_write_that_never_arrives_is_unknown_and_not_repeated(
    store: KeyValueStore, proxy: Proxy, name: str
) -> None:
    proxy.fault = Drop(on=is_write, times=1)
    with pytest.raises(StoreUnavailable, match="may have happened"):
        CONDITIONAL[name](store)
    proxy.fault = None
    assert store.get_many(["new", "key", "number"]) == {"key": VALUE, "number": b"5"}


@pytest.mark.parametrize("part", [1, 2])
def test_large_value_whose_answer_is_lost_is_not_sent_twice(
    store: KeyValueStore, proxy: Proxy, part: int
) -> None:
    # It would be appended a second time: fake-gcs-server is no Google there.
    def is_it(request: Request) -> bool:
        return request.method == "PUT" and proxy.methods.count("PUT") == part

    for is_new in (False, True):
        proxy.reset_counts()
        proxy.fault = Cut(on=is_it)
        with pytest.raises(StoreUnavailable, match="may have happened"):
            put_large(store, if_absent=is_new)
        assert proxy.methods == ["POST", *["PUT"] * part, "DELETE"]
        proxy.fault = None
        found = store.get_many(["new"])
        assert found in ([{}] if part == 1 else [{"new": LARGE}])
        store.delete("new")


def test_upload_that_is_gone_may_have_happened(
    store: KeyValueStore, proxy: Proxy
) -> None:
    for status in ("404 Not Found", "410 Gone"):
        proxy.fault = answer(status, on=lambda request: request.method == "PUT")
        with pytest.raises(StoreUnavailable, match="not there any more"):
            put_large(store)


def test_write_too_often_is_tried_again(store: KeyValueStore, proxy: Proxy) -> None:
    message = "The object exceeded the rate limit for object mutation operations."
    for is_new in (False, True):
        proxy.reset_counts()
        proxy.fault = answer("429 Too Many Requests", message, on=is_write, times=3)
        store.put("new", b"value", if_absent=is_new)
        assert proxy.methods == ["POST"] * 4
        store.delete("new")
    proxy.fault = answer("429 Too Many Requests", message, on=is_write)
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match="Nothing was written"):
        store.put("new", b"value", if_absent=True)
    assert 0.3 < time.monotonic() - started < _TIMEOUT_SECS + 0.5


@pytest.mark.parametrize("status", ["500 No", "502 No", "503 No", "408 No", "504 No"])
def test_busy_server_is_asked_again(
    store: KeyValueStore, proxy: Proxy, status: str
) -> None:
    proxy.fault = answer(status, times=2)
    assert store.get("key") == VALUE
    proxy.fault = answer(status, times=1)
    store.put("key", b"new")
    proxy.fault = answer(status)
    with pytest.raises(StoreUnavailable, match=re.escape(f"{status[:3]} because")):
        store.get("key")
    proxy.fault = answer(status, times=1)
    with pytest.raises(StoreUnavailable, match="may have happened"):
        store.add("new", b"new")


def test_part_for_which_the_server_is_busy_is_sent_again(
    store: KeyValueStore, proxy: Proxy
) -> None:
    proxy.fault = answer("503 No", on=lambda r: r.method == "DELETE", times=1)
    store.delete("key")
    proxy.fault = answer("429 No", on=lambda r: r.method == "PUT", times=2)
    put_large(store)
    assert proxy.methods.count("PUT") == 4
    assert store.get("new") == LARGE


@pytest.mark.parametrize("name", ["get", "head", "in", "keys", "get_file", "open"])
@pytest.mark.parametrize("where", [{}, {"before": "Date"}, {"body": 1}], ids=repr)
def test_stalled_answer_is_given_up_in_time(
    hasty: KeyValueStore, proxy: Proxy, name: str, where: dict[str, Any]
) -> None:
    proxy.fault = Stall(**where)
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match="did not answer in time"):
        READS[name](hasty)
    assert 0.25 < time.monotonic() - started < _TIMEOUT_SECS + 1


@pytest.mark.parametrize("name", ["put", "copy", "delete", "delete_many"])
def test_stalled_write_is_given_up_in_time(
    hasty: KeyValueStore, proxy: Proxy, name: str
) -> None:
    proxy.fault = Stall()
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match="may have happened"):
        WRITES[name](hasty)
    assert 0.25 < time.monotonic() - started < _TIMEOUT_SECS + 1


@pytest.mark.usefixtures("no_pauses")
def test_refused_port_is_named(store: KeyValueStore, proxy: Proxy) -> None:
    proxy.fault = Refuse()
    for use in [*READS.values(), *WRITES.values(), *CONDITIONAL.values()]:
        with pytest.raises(StoreUnavailable, match=f"{proxy.port} cannot be reached"):
            use(store)
    with pytest.raises(StoreUnavailable, match="Nothing was written"):
        store.put("key", b"value")
    proxy.fault = None
    assert store.get("key") == VALUE


def test_host_that_never_answers_is_given_up_in_time(gcs_server: GCSServer) -> None:
    with socket.create_server((HOST, 0), backlog=0) as silent:
        port = silent.getsockname()[1]
        with store_through(gcs_server, port, timeout=0.3) as store:
            for use in [*READS.values(), *WRITES.values()]:
                started = time.monotonic()
                with pytest.raises(
                    StoreUnavailable, match=r"in time|cannot be reached"
                ):
                    use(store)
                assert time.monotonic() - started < 1.5
