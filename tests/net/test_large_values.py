"""Large values take little memory, and leave nothing behind when they break off."""

import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from minimalkv import StoreUnavailable
from tests.net.backend import OBJECT_STORES, ObjectStore, on
from tests.net.uses import LARGE_BYTES, BrokenSource, Source
from tests.proxy import Drop, Proxy

_ROOT = Path(__file__).parents[2]
_MIB = 2**20

pytestmark = on(*OBJECT_STORES)


def _grow(url: str, mib: int) -> dict[str, int]:
    """Return by how many bytes each call makes another process grow."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.net.large", url, str(mib)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
    )
    pairs = (line.split() for line in done.stdout.splitlines())
    return {name: int(growth) for name, growth in pairs}


@pytest.mark.parametrize(
    "mib", [64, pytest.param(256, marks=pytest.mark.stress)], ids="{} MiB".format
)
def test_large_values_take_little_memory(backend: ObjectStore, mib: int) -> None:
    grown = _grow(backend.url(), mib)
    assert len(grown) == 7
    assert max(grown.values()) <= 32 * _MIB, grown


# Uploads that are given up.


@pytest.fixture
def store(backend: ObjectStore, proxy: Proxy) -> Iterator[Any]:
    """Return a store on a bucket in which no other test left anything."""
    proxy.reset_counts()
    with backend.opened(backend.url(), proxy.port) as store:
        yield store
    proxy.fault = None


def _check_nothing_is_left(backend: ObjectStore, store: Any, proxy: Proxy) -> None:
    assert backend.unfinished(store, proxy.requests) == 0
    assert backend.raw_names(store) == set()
    assert store.keys() == []
    # Nor is anything in the way.
    assert store.add("new", b"value")
    store.delete("new")


@pytest.mark.parametrize("options", [{}, {"if_absent": True}], ids=str)
def test_aborted_upload_leaves_nothing(
    backend: ObjectStore, store: Any, proxy: Proxy, options: dict[str, Any]
) -> None:
    with pytest.raises(RuntimeError, match="the source broke"):
        store.put_file("new", BrokenSource(bytes(2 * LARGE_BYTES)), **options)
    _check_nothing_is_left(backend, store, proxy)
    writer = store.open_writer("new", **options)
    writer.write(bytes(LARGE_BYTES))
    writer.abort()
    _check_nothing_is_left(backend, store, proxy)
    writer = store.open_writer("new", **options)
    writer.write(bytes(LARGE_BYTES))
    del writer  # as garbage
    _check_nothing_is_left(backend, store, proxy)
    with suppress(ZeroDivisionError), store.open_writer("new", **options) as file:
        file.write(bytes(LARGE_BYTES))
        raise ZeroDivisionError
    _check_nothing_is_left(backend, store, proxy)


@pytest.mark.parametrize("options", [{}, {"if_absent": True}], ids=str)
def test_upload_whose_parts_do_not_arrive_leaves_nothing(
    backend: ObjectStore, store: Any, proxy: Proxy, options: dict[str, Any]
) -> None:
    sources = (Source(LARGE_BYTES), io.BytesIO(bytes(LARGE_BYTES)))
    for source in sources:
        proxy.fault = Drop(on=backend.is_part)
        with pytest.raises(StoreUnavailable):
            store.put_file("new", source, **options)
        assert proxy.fault.happened
        proxy.fault = None
        _check_nothing_is_left(backend, store, proxy)
