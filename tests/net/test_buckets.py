"""Buckets that are missing: created by whichever call comes first, or named."""

from collections.abc import Callable
from typing import Any

import pytest

from minimalkv import KeyNotFound, StoreError
from minimalkv._contract.tools import together
from tests.net.backend import OBJECT_STORES, ObjectStore, one_of
from tests.net.uses import EVERY, LARGE_BYTES, Source, put_large
from tests.proxy import Cut, Proxy

backend = one_of(*OBJECT_STORES)

_FIRST_CALLS: list[Callable[[Any], object]] = [
    lambda store: store.put("key", b"value"),
    lambda store: store.put("key", bytes(LARGE_BYTES)),
    lambda store: store.put_file("key", __file__),
    lambda store: store.put_file("key", Source(LARGE_BYTES)),
    lambda store: store.put_many({"key": b"value"}),
    lambda store: store.add("key", b"value"),
    lambda store: store.open_writer("key").close(),
    lambda store: store.delete("key"),
    lambda store: store.delete_many(["key", "other"]),
    lambda store: store.get_many(["key", "other", "third"]),
    lambda store: store.keys(),
    lambda store: store.ping(),
    lambda store: "key" in store,
]


def test_missing_bucket_is_created_by_the_first_call(backend: ObjectStore) -> None:
    for options in ({}, {"create_if_missing": True}):
        for call in _FIRST_CALLS:
            with backend.opened(backend.url(create=False, **options)) as store:
                call(store)
                assert set(store) <= {"key"}
        with backend.opened(backend.url(create=False, **options)) as store:
            with pytest.raises(KeyNotFound):
                store.get("key")
            assert store.keys() == []


def test_bucket_is_created_by_one_of_many(backend: ObjectStore) -> None:
    with backend.opened(backend.url(create=False)) as store:
        together(16, lambda number: store.put(f"key-{number}", b""))
        assert len(store.keys()) == 16


def test_missing_bucket_is_named_by_every_call(backend: ObjectStore) -> None:
    url = backend.url(create=False, create_if_missing=False)
    name = backend.server.namespace(url)
    said = f"'{name}' does not exist|does not exist.*'{name}'"
    with backend.opened(url) as store:
        for use in [*EVERY.values(), put_large]:
            with pytest.raises(StoreError, match=said):
                use(store)
        with pytest.raises(StoreError, match="create_if_missing"):
            store.ping()


@pytest.mark.usefixtures("no_pauses")
def test_missing_bucket_is_no_missing_key_wherever_its_answer_is_cut(
    backend: ObjectStore, proxy: Proxy
) -> None:
    url = backend.url(create=False, create_if_missing=False)
    with backend.opened(url, proxy.port) as store:
        for position in range(0, 700, 31):
            for read in (store.get, store.head, store.__contains__):
                proxy.fault = Cut(after=position)
                with pytest.raises(StoreError):
                    read("key")
    proxy.fault = None
