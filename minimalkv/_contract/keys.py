"""What becomes of every key that somebody might try."""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest

from minimalkv._contract.base import (
    Contract,
    check_bytes,
    check_sorted,
    check_values,
    prefixes_of,
)
from minimalkv._contract.nasty import NASTY_KEYS, NO_TEXTS
from minimalkv._errors import InvalidKey, KeyConflict, KeyNotFound, Unsupported
from minimalkv._key_value_store import KeyValueStore

_SOURCE = "source"
_REFUSED = (InvalidKey, Unsupported)
_NOT_THERE = (*_REFUSED, KeyNotFound)


class KeyContract(Contract):
    """Every text is a key and comes back exactly, or is refused by name."""

    nasty_keys: Sequence[str] = NASTY_KEYS
    """The keys to try; fewer of them where every write takes long."""

    nasty_prefixes: Sequence[str] = NASTY_KEYS
    """What to list by; fewer of them where every listing takes long."""

    def test_every_nasty_key_is_stored_exactly_or_refused(
        self, store: KeyValueStore
    ) -> None:
        wrong = []
        store.put(_SOURCE, b"source")
        before = self.raw_names(store)
        for key in self.nasty_keys:
            check = _check_key if self.is_key(store, key) else _check_refused
            try:
                check(store, key)
            except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - shown
                wrong.append((key, error))
        assert wrong == []
        assert self.raw_names(store) == before

    def test_no_two_nasty_keys_are_the_same(self, store: KeyValueStore) -> None:
        expected: dict[str, bytes] = {}
        for number, key in enumerate(self.nasty_keys):
            if self.is_key(store, key) and not _conflicts(store, key, expected):
                expected[key] = f"{number}".encode()
                assert store.put(key, expected[key]) == key
        check_values(store, expected)
        for key, value in expected.items():
            check_bytes(store.get(key), value)
            check_sorted(store.keys(key), [k for k in expected if k.startswith(key)])
        for key in list(expected):
            store.delete(key)
            del expected[key]
            assert key not in store
            if len(expected) % 16 == 0:
                check_values(store, expected)

    def test_every_nasty_text_is_a_prefix_to_list_by(
        self, store: KeyValueStore
    ) -> None:
        keys = ["hello", "h[ae]llo", "a.b", "-", "x.txt"]
        keys += ["f/g.h/i", "f/g.h/j", "f/k"] if store.extended_keys else []
        self.fill(store, dict.fromkeys(keys, b""))
        for prefix in [*self.nasty_prefixes, "f", "f/g", "h", "h["]:
            expected = [key for key in keys if key.startswith(prefix)]
            check_sorted(store.keys(prefix), expected)
            check_sorted((meta.key for meta in store.iter_meta(prefix)), expected)
            found = store.iter_prefixes("/", prefix)
            check_sorted(found, prefixes_of(keys, "/", prefix))

    def test_what_is_no_text_is_no_key(self, store: KeyValueStore) -> None:
        before = self.raw_names(store)
        accepted = []
        for key in NO_TEXTS:
            for verb in [*_writes(store, key), *_reads(store, key)]:
                with suppress(*_REFUSED):
                    accepted.append((key, verb()))
        assert accepted == []
        assert self.raw_names(store) == before

    def test_none_and_the_empty_text_are_refused_or_get_a_key_made(
        self, store: KeyValueStore
    ) -> None:
        key: Any
        for key in (None, ""):
            for read in _reads(store, key):
                with pytest.raises(_NOT_THERE):
                    read()
            if self.is_key(store, key):
                made = store.put(key, b"value")
                check_values(store, {made: b"value"})
                store.delete(made)
                continue
            for write in _writes(store, key):
                with pytest.raises(_REFUSED):
                    write()
        check_values(store, {})

    def test_longest_key_fits_and_one_more_does_not(self, store: KeyValueStore) -> None:
        longest = "k" * min(store.max_key, store.max_segment)
        store.put(longest, b"long")
        with pytest.raises(InvalidKey):
            store.put(f"{longest}k", b"longer")
        check_values(store, {longest: b"long"})

    def test_refused_key_is_named_in_a_short_message(
        self, store: KeyValueStore
    ) -> None:
        for key in ("..", "n" * 100_000):
            assert not self.is_key(store, key)
            with pytest.raises(InvalidKey) as caught:
                store.put(key, b"")
            message = str(caught.value)
            assert repr(key)[:20] in message
            assert len(message) < 400
            assert message.isprintable()

    def test_key_beside_its_own_folder_works_or_is_a_conflict(
        self, store: KeyValueStore
    ) -> None:
        if not store.extended_keys:
            return
        expected = {"a/b/c": b"inner"}
        store.put("a/b/c", b"inner")
        for key in ("a", "a/b", "a/b/c/d"):
            if store.nested_keys:
                store.put(key, key.encode())
                expected[key] = key.encode()
                continue
            store.put(_SOURCE, b"source")
            for _, write in _ways_in(store, key):
                with pytest.raises(KeyConflict):
                    write()
            store.delete(_SOURCE)
            store.delete(key)
            assert key not in store
            with pytest.raises(KeyNotFound):
                store.get(key)
        check_values(store, expected)

    def test_folder_of_a_deleted_key_is_free_again(self, store: KeyValueStore) -> None:
        if not store.extended_keys:
            return
        store.put("a/b/c", b"inner")
        store.delete("a/b/c")
        store.put("a/b", b"outer")
        check_values(store, {"a/b": b"outer"})


def _check_key(store: KeyValueStore, key: str) -> None:
    for read in _reads(store, key):
        with pytest.raises((KeyNotFound, Unsupported)):
            read()
    for value, write in _ways_in(store, key):
        assert write() in (key, None)
        check_bytes(store.get(key), value)
    assert store.head(key).key == key
    assert store.keys(key) == [key]
    store.delete(key)
    assert key not in store
    store.put(_SOURCE, b"source")


def _check_refused(store: KeyValueStore, key: str) -> None:
    for read in _reads(store, key):
        with pytest.raises(_NOT_THERE):
            read()
    for write in _writes(store, key):
        with pytest.raises(_REFUSED):
            write()
    for delete in (store.delete, lambda k: store.delete_many([k])):
        with suppress(InvalidKey):
            delete(key)


def _reads(store: KeyValueStore, key: Any) -> Iterator[Callable[[], object]]:
    """Give every way to read a key, each of which has to raise if it is not there."""
    yield lambda: store.get(key)
    yield lambda: store.get_with_meta(key)
    yield lambda: store.head(key)
    yield lambda: store.open(key)
    yield lambda: store.stream(key)
    yield lambda: store.get_file(key, io.BytesIO())
    yield lambda: _there(key, key in store)
    yield lambda: _there(key, bool(store.get_many(iter([key]))))
    yield lambda: store.ttl(key)
    yield lambda: store.copy(key, "copy")
    yield lambda: store.move(key, "moved")


def _there(key: object, found: bool) -> None:
    if not found:
        raise KeyNotFound(key)


def _ways_in(
    store: KeyValueStore, key: Any
) -> list[tuple[bytes, Callable[[], object]]]:
    """Give every way to store a value; the last takes `_SOURCE` away."""
    return [
        (b"put", lambda: store.put(key, b"put")),
        (b"file", lambda: store.put_file(key, io.BytesIO(b"file"))),
        (b"writer", lambda: _write(store, key)),
        (b"many", lambda: store.put_many(_Items(key))),
        (b"source", lambda: store.copy(_SOURCE, key)),
        (b"source", lambda: store.move(_SOURCE, key)),
    ]


def _writes(store: KeyValueStore, key: Any) -> list[Callable[[], object]]:
    """Give every call that checks its key as one that is written to."""
    return [
        *(write for _, write in _ways_in(store, key)),
        lambda: store.put_file(key, __file__),
        lambda: store.add(key, b"value"),
        lambda: store.update(key, lambda _: b"value"),
        lambda: store.increment(key),
        lambda: store.touch(key, 5),
        lambda: store.url_for(key),
    ]


def _write(store: KeyValueStore, key: Any) -> None:
    with store.open_writer(key) as writer:
        writer.write(b"writer")


class _Items(dict[str, bytes]):
    """One item, whose key need not be hashable."""

    def __init__(self, key: Any) -> None:
        super().__init__()
        self._key = key

    def items(self) -> Any:
        return [(self._key, b"many")]

    def __iter__(self) -> Iterator[str]:
        return iter([self._key])

    def __getitem__(self, _key: str) -> bytes:
        return b"many"

    def __len__(self) -> int:
        return 1


def _conflicts(store: KeyValueStore, key: str, others: dict[str, bytes]) -> bool:
    return not store.nested_keys and any(
        other.startswith(f"{key}/") or key.startswith(f"{other}/") for other in others
    )
