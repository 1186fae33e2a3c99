"""A conditional write is sent once: nobody else's success or failure is made of it."""

from typing import Any

import pytest

from minimalkv import StoreUnavailable
from tests.net.backend import Backend, on
from tests.net.uses import CONDITIONAL, LARGE_BYTES, UNTOUCHED, put_large, state
from tests.proxy import Cut, Drop, Fault, Proxy, Reset

_UNKNOWN = "may have happened"
every_conditional = pytest.mark.parametrize("name", CONDITIONAL)


@pytest.fixture
def etag(store: Any, proxy: Proxy) -> str:
    etag: str = store.head("key").etag
    proxy.reset_counts()
    return etag


def _writes(backend: Backend, proxy: Proxy) -> int:
    return sum(map(backend.is_write, proxy.requests))


@every_conditional
@pytest.mark.parametrize("position", [0, 2, 9, 11])
def test_conditional_write_whose_answer_is_lost_is_unknown_and_done_once(
    backend: Backend, store: Any, etag: str, proxy: Proxy, name: str, position: int
) -> None:
    use, changes = CONDITIONAL[name]
    # All that Redis answers is ":1" now and then.
    after = min(position, backend.shortest_answer_bytes - 1)
    proxy.fault = Cut(after=after, on=backend.is_write)
    with pytest.raises(StoreUnavailable, match=_UNKNOWN):
        use(store, etag)
    assert proxy.fault.happened == _writes(backend, proxy) == 1
    proxy.fault = None
    assert state(store) == UNTOUCHED | changes


@every_conditional
@pytest.mark.parametrize("kind", [Drop, Reset])
def test_conditional_write_that_breaks_is_unknown_and_not_repeated(
    backend: Backend, store: Any, etag: str, proxy: Proxy, name: str, kind: type[Fault]
) -> None:
    use, changes = CONDITIONAL[name]
    fault = proxy.fault = kind(on=backend.is_write, times=1)
    with pytest.raises(StoreUnavailable, match=_UNKNOWN):
        use(store, etag)
    assert fault.happened == _writes(backend, proxy) == 1
    proxy.fault = None
    assert state(store) == UNTOUCHED | ({} if kind is Drop else changes)


@pytest.mark.parametrize("is_new", [True, False])
@on("s3", "azure")  # of Google's parts see test_gcs_faults
def test_large_conditional_write_whose_answer_is_lost_is_unknown_and_done_once(
    backend: Backend, store: Any, proxy: Proxy, is_new: bool
) -> None:
    put_large(store, if_absent=True)
    store.delete("new")
    options = {"if_absent": True}
    if not is_new:
        store.put("new", b"old")
        options = {"if_match": store.head("new").etag}
    for kind, sizes in ((Drop, set() if is_new else {3}), (Cut, {LARGE_BYTES})):
        proxy.reset_counts()
        fault = proxy.fault = kind(on=backend.is_conditional)
        with pytest.raises(StoreUnavailable, match=_UNKNOWN):
            put_large(store, **options)
        assert fault.happened == 1
        proxy.fault = None
        assert {meta.size for meta in store.iter_meta("new")} == sizes
