"""What all contracts stand on: the store, and the ways behind its back."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from minimalkv._constants import VALID_KEY_RE
from minimalkv._constants import VALID_KEY_RE_EXTENDED as EXTENDED_RE
from minimalkv._key_value_store import KeyValueStore


class Contract:
    """The base of all contracts. A test class overrides the fixture ``store``.

    What else there is to override makes the tests sharper; none of it has to be.
    """

    race_rounds: int = 5
    """How often a race is run: one alone may end well by chance."""

    race_threads: int = 16
    """How many threads race; an even number."""

    @pytest.fixture
    def store(self) -> KeyValueStore:
        """Return a new, empty store: every test class has its own."""
        raise NotImplementedError(
            "Override the fixture `store` so that it returns a new, empty store."
        )

    @pytest.fixture
    def folder(self) -> Iterator[Path]:
        """Return an empty folder, which no store of yours lies in, as tmp_path may."""
        with TemporaryDirectory() as name:
            yield Path(name)

    def reopen(self, store: KeyValueStore) -> KeyValueStore:
        """Return another store object on the same data; else the same one."""
        return store

    def fill(self, store: KeyValueStore, values: Mapping[str, bytes]) -> None:
        """Store the values that a test is going to read."""
        for key, value in values.items():
            store.put(key, value)

    def raw_get(self, store: KeyValueStore, key: str) -> bytes:
        """Read what the backend holds for a key, behind the store's back."""
        return self.reopen(store).get(key)

    def raw_set(self, store: KeyValueStore, key: str, data: bytes) -> None:
        """Put a value into the backend, behind the store's back."""
        self.reopen(store).put(key, data)

    def raw_names(self, store: KeyValueStore) -> set[str]:
        """Name all that the backend holds, also temporary and outside of the store."""
        return set(self.reopen(store).keys())

    def is_key(self, store: KeyValueStore, key: object) -> bool:
        """Tell whether the store has to take a key; it has to refuse all others."""
        alphabet = EXTENDED_RE if store.extended_keys else VALID_KEY_RE
        return (
            isinstance(key, str)
            and alphabet.match(key) is not None
            and len(key) <= store.max_key
            and all(len(part) <= store.max_segment for part in key.split("/"))
        )


def check_values(store: KeyValueStore, expected: Mapping[str, bytes]) -> None:
    """Assert that a store has these keys and values, and nothing else."""
    assert sorted(store.keys()) == sorted(expected)
    found = store.get_many(expected)
    assert list(found) == list(expected)
    for key, value in expected.items():
        check_bytes(found[key], value)


def check_bytes(found: bytes, expected: bytes) -> None:
    """Assert that two values are equal; pytest's report on large ones takes minutes."""
    if found != expected:
        pairs = enumerate(zip(found, expected, strict=False))
        shorter = min(len(found), len(expected))
        place = next((i for i, (a, b) in pairs if a != b), shorter)
        raise AssertionError(
            f"{len(found)} bytes for {len(expected)}, the same up to {place}: there "
            f"stands {found[place:][:9]!r} for {expected[place:][:9]!r}."
        )


def check_sorted(found: Iterable[str], expected: Iterable[str]) -> None:
    """Assert that a listing has all that is expected, each once, in any order."""
    assert sorted(found) == sorted(expected)


def prefixes_of(keys: Iterable[str], delimiter: str, prefix: str) -> set[str]:
    """Compute what `iter_prefixes` has to yield."""
    found = set()
    for key in keys:
        if key.startswith(prefix):
            head, cut, _ = key[len(prefix) :].partition(delimiter)
            found.add(prefix + head + cut)
    return found
