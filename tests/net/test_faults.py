"""What goes wrong on the way is an error of ours, and never a false value."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from minimalkv import KeyNotFound, PreconditionFailed, StoreUnavailable
from tests.net.backend import OBJECT_STORES, Backend, ObjectStore, on
from tests.net.uses import LARGE_BYTES, READS, VALUES, WRITES, put_large
from tests.proxy import Cut, Drop, Proxy, Request, Reset

Kind = type[Cut] | type[Reset] | type[Drop]

_UNKNOWN = "may have happened"
pytestmark = pytest.mark.usefixtures("no_pauses")
every_break = pytest.mark.parametrize("kind", [Cut, Reset, Drop])


# Reads.


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("kind", [Cut, Reset])
def test_broken_answer_is_no_value(
    backend: Backend, unchanged: Any, proxy: Proxy, name: str, kind: Kind
) -> None:
    read = READS[name]
    expected = read(unchanged)
    happened = 0
    for place in backend.places if kind is Cut else backend.places[::3]:
        fault = proxy.fault = kind(**place)
        with suppress(StoreUnavailable):
            assert read(unchanged) == expected
        happened += bool(fault.happened)
    proxy.fault = None
    assert happened >= backend.least_faults // (1 if kind is Cut else 3)
    assert read(unchanged) == expected


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("kind", [Cut, Reset])
def test_value_that_is_always_too_short_is_an_error(
    backend: Backend, unchanged: Any, proxy: Proxy, name: str, kind: Kind
) -> None:
    for place in backend.short:
        fault = proxy.fault = kind(**place)
        with pytest.raises(StoreUnavailable):
            VALUES[name](unchanged)
        is_repeated = name in backend.read_at_once
        assert fault.happened == (backend.tries if is_repeated else 1)
    proxy.fault = None


@pytest.mark.parametrize("name", READS)
@every_break
def test_read_that_fails_once_is_repeated(
    unchanged: Any, proxy: Proxy, name: str, kind: Kind
) -> None:
    expected = READS[name](unchanged)
    fault = proxy.fault = kind(times=1)
    assert READS[name](unchanged) == expected
    assert fault.happened == 1


@pytest.mark.parametrize("name", VALUES)
def test_value_that_is_too_short_once_is_read_again(
    backend: Backend, unchanged: Any, proxy: Proxy, name: str
) -> None:
    expected = VALUES[name](unchanged)
    # What was handed out already cannot be taken back.
    allowed = () if name in backend.read_at_once else (StoreUnavailable,)
    for place in backend.short:
        fault = proxy.fault = Cut(**place, times=1)
        with suppress(*allowed):
            assert VALUES[name](unchanged) == expected
        assert fault.happened == 1


@pytest.mark.parametrize("name", READS)
@every_break
def test_read_that_always_fails_is_given_up(
    backend: Backend, unchanged: Any, proxy: Proxy, name: str, kind: Kind
) -> None:
    fault = proxy.fault = kind()
    with pytest.raises(StoreUnavailable):
        READS[name](unchanged)
    # An object store is asked for each of several keys.
    keys = 2 if name == "get_many" else 1
    assert backend.tries <= fault.happened <= backend.tries * keys


@pytest.mark.parametrize("name", ["get", "head", "in", "open", "stream"])
def test_missing_key_with_a_cut_answer_is_missing_or_unknown(
    store: Any, proxy: Proxy, name: str
) -> None:
    store.delete("key")
    for position in (*range(6), *range(9, 600, 23)):
        proxy.fault = Cut(after=position)
        with suppress(KeyNotFound, StoreUnavailable):
            assert READS[name](store) is False


# Writes.


class _Nth:
    """Wants one request, counted from 1."""

    def __init__(self, number: int) -> None:
        self._left = number

    def __call__(self, request: Request) -> bool:
        del request
        self._left -= 1
        return self._left == 0


@pytest.mark.parametrize("name", WRITES)
@every_break
def test_write_that_fails_once_is_repeated(
    store: Any, proxy: Proxy, name: str, kind: Kind
) -> None:
    fault = proxy.fault = kind(times=1)
    WRITES[name](store)
    assert fault.happened == 1
    proxy.fault = None
    is_delete = name.startswith("delete")
    assert ("new" in store) != is_delete
    assert ("key" in store) != is_delete


@pytest.mark.parametrize("kind", [Cut, Drop])
@on("redis", "s3", "azure")  # the parts of Google's are appended: see test_gcs_faults
def test_large_write_of_which_any_request_fails_once_is_repeated(
    store: Any, proxy: Proxy, kind: Kind
) -> None:
    put_large(store)
    numbers = range(1, len(proxy.requests) + 1)
    for number in numbers:
        store.delete("new")
        proxy.reset_counts()
        fault = proxy.fault = kind(on=_Nth(number), times=1)
        put_large(store)
        assert fault.happened == 1
        proxy.fault = None
        assert store.get("new") == bytes(LARGE_BYTES)


@pytest.mark.parametrize("name", WRITES)
@every_break
def test_write_that_always_fails_may_have_happened(
    backend: Backend, store: Any, proxy: Proxy, name: str, kind: Kind
) -> None:
    fault = proxy.fault = kind()
    with pytest.raises(StoreUnavailable, match=_UNKNOWN):
        WRITES[name](store)
    assert fault.happened >= backend.tries


# What an object store says when it does not do something.


@on(*OBJECT_STORES)
def test_busy_server_is_asked_again(
    backend: ObjectStore, store: Any, proxy: Proxy
) -> None:
    for status in backend.busy:
        expected = store.get("key")
        proxy.fault = backend.refusal(status, times=2)
        assert store.get("key") == expected
        proxy.fault = backend.refusal(status, times=1)
        store.put("key", b"new %d" % status)
        proxy.fault = backend.refusal(status)
        with pytest.raises(StoreUnavailable, match=f"{status} {backend.complaint}"):
            store.get("key")
        proxy.fault = backend.refusal(status, times=1)
        with pytest.raises(StoreUnavailable, match=_UNKNOWN):
            store.add("new", b"new")
        assert store.get("key") == b"new %d" % status
        proxy.fault = None


@on(*OBJECT_STORES)
def test_version_that_is_gone_is_a_failed_precondition(
    backend: ObjectStore, store: Any, proxy: Proxy
) -> None:
    etag = store.head("key").etag
    uses: list[Callable[[], object]] = [
        lambda: store.delete("key", if_match=etag),
        lambda: store.stream("key", if_match=etag),
        lambda: store.stream("key", 5, 5, if_match=etag),
    ]
    # As Amazon, Azure and Google answer now and then; the test servers say 412.
    for fault in (backend.missing(), backend.refusal(412, "ConditionNotMet")):
        proxy.fault = fault
        for use in uses:
            with pytest.raises(PreconditionFailed):
                use()
    with pytest.raises(PreconditionFailed):
        store.put("key", b"new", if_match=etag)


@on("s3", "azure")  # with Google, it is the bucket that is missing then
def test_put_of_a_version_that_is_gone_is_a_failed_precondition(
    backend: ObjectStore, store: Any, proxy: Proxy
) -> None:
    etag = store.head("key").etag
    proxy.fault = backend.missing()
    with pytest.raises(PreconditionFailed):
        store.put("key", b"new", if_match=etag)
