"""Many at one store: readers beside writers, and a listing while keys are deleted."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest

from minimalkv import KeyValueStore, get_store_from_url
from minimalkv._contract.tools import together
from minimalkv.memory import DictStore
from tests.broken import ListsByPosition, TearsValues
from tests.sync.tools import KINDS, url_of
from tests.workers import is_whole, signed, start

READERS = 4
READS = 200
BYTES = 60_000
QUICK_KEYS = 40
LONG_KEYS = 3000
"""More than one page of a listing, everywhere but on Azure."""

Tell = Callable[[str], None]


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest) -> str:
    return url_of(request, request.param)


def read(store: KeyValueStore, reads: int) -> None:
    for _ in range(reads):
        assert is_whole(store.get("victim/a"))
        with store.open("victim/a") as file:
            assert is_whole(file.read(2 * BYTES))


@pytest.mark.stress
def test_four_readers_see_whole_values_of_two_writers(url: str, tell: Tell) -> None:
    with get_store_from_url(url) as store:
        store.put("victim/a", signed(0, BYTES))
        writers = [start("put_for_ever", url, BYTES) for _ in range(2)]
        try:
            together(READERS, lambda _: read(store, READS))
            assert [writer.poll() for writer in writers] == [None, None]
        finally:
            for writer in writers:
                writer.kill()
                writer.communicate()
    tell(f"{READERS * READS * 2} reads, 0 torn")


def check_readers_in_memory(store: DictStore, reads: int) -> None:
    """Let two threads write and four read, for memory has no other process."""
    store.put("victim.a", signed(0, BYTES))

    def work(number: int) -> None:
        if number < READERS:
            for _ in range(reads):
                assert is_whole(store.get("victim.a"))
            return
        for turn in range(reads):
            store.put("victim.a", signed(turn, BYTES + 8 * number))

    together(READERS + 2, work)


def test_four_readers_see_whole_values_of_two_writers_in_memory() -> None:
    check_readers_in_memory(DictStore(), 50)


def test_a_store_that_tears_values_is_noticed() -> None:
    with pytest.raises(AssertionError):
        check_readers_in_memory(TearsValues(), 50)


def check_listing(store: KeyValueStore, count: int) -> None:
    """Delete every other key while they are listed: all others are listed once."""
    keys = [f"key-{number:05}" for number in range(count)]
    store.put_many(dict.fromkeys(keys, b"value"))
    gone, kept = keys[::2], keys[1::2]
    listings: list[Iterator[Any]] = [
        store.iter_keys("key-"),
        (meta.key for meta in store.iter_meta("key-")),
        store.iter_prefixes("/", "key-"),
    ]
    begun = [list(islice(listing, 5)) for listing in listings]
    store.delete_many(gone)
    for begin, listing in zip(begun, listings, strict=True):
        found = begin + list(listing)
        assert len(found) == len(set(found))
        assert set(kept) <= set(found) <= set(keys)
    assert sorted(store.keys()) == kept


@pytest.mark.stress
def test_a_listing_misses_no_key_while_others_are_deleted(url: str) -> None:
    with get_store_from_url(url) as store:
        check_listing(store, LONG_KEYS)


def test_a_listing_in_memory_misses_no_key_while_others_are_deleted() -> None:
    check_listing(DictStore(), LONG_KEYS)


def test_a_listing_misses_no_file_while_others_are_deleted(tmp_path: Any) -> None:
    with get_store_from_url(f"hfs://{tmp_path}?fsync=false") as store:
        check_listing(store, QUICK_KEYS)


def test_a_listing_by_position_is_noticed() -> None:
    with pytest.raises(AssertionError):
        check_listing(ListsByPosition(), QUICK_KEYS)
