"""What only we know about our stores, for the contracts that they are under."""

import os
import pickle
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any
from urllib.parse import quote_plus

import pytest

from minimalkv import _clock
from minimalkv._key_value_store import KeyValueStore
from minimalkv.testing import (
    ConditionalContract,
    Contract,
    CopyContract,
    ReadOnlyContract,
    StoreContract,
    TimeToLiveContract,
    UrlContract,
)

Store = KeyValueStore
_SHARED = Path("/dev/shm")  # noqa: S108 - only folders with new names
IN_MEMORY = str(_SHARED) if _SHARED.is_dir() else gettempdir()
"""A folder on no disk, where there is one."""


class Ahead:
    """A clock that is ahead of another by the seconds that a test let pass."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.secs = 0.0

    def __call__(self) -> float:
        return self.clock() + self.secs


def layers(store: Any) -> Iterator[Any]:
    """Give a store and all that it stands on, the innermost one last."""
    yield store
    for inner in ("cache", "old", "_dstore"):
        if hasattr(store, inner):
            yield from layers(getattr(store, inner))


class Ours(Contract):
    """What only we know about our stores."""

    @pytest.fixture
    def root(self) -> Iterator[Path]:
        # Not tmp_path, whose name is sought among those of all tests before. And in
        # memory: a disk takes three times as long to make and delete so many files.
        with TemporaryDirectory(dir=IN_MEMORY) as top:
            yield Path(top, "root")

    @pytest.fixture
    def advance(
        self, store: Any, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[[float], None]:
        day = Ahead(time.time)
        monkeypatch.setattr(time, "time", day)
        # A jump forwards is remembered as long as the process lives.
        monkeypatch.setattr(_clock, "_offset", 0.0)
        clocks = [day]
        for layer in layers(store):
            if getattr(layer, "_clock", None) is _clock.elapsed:
                layer._clock = Ahead(_clock.elapsed)
                clocks.append(layer._clock)

        def advance(secs: float) -> None:
            for clock in clocks:
                clock.secs += secs

        return advance

    def raw_names(self, store: Store) -> set[str]:
        *_, innermost = layers(store)
        if not hasattr(innermost, "root"):
            return set(innermost.keys())
        names = set()
        for folder, folders, files in os.walk(Path(innermost.root).parent):
            names |= {f"{folder}/{name}" for name in folders + files}
        locks = f"{innermost.root}/;locks"
        return {n for n in names if n != innermost.root and not n.startswith(locks)}

    def test_all_that_the_store_can_do_is_under_contract(self, store: Store) -> None:
        if isinstance(self, ReadOnlyContract) and not isinstance(self, StoreContract):
            return
        assert store.ttl_support == isinstance(self, TimeToLiveContract)
        assert store.conditional_support == isinstance(self, ConditionalContract)
        assert store.copy_support == isinstance(self, CopyContract)
        assert store.url_support == isinstance(self, UrlContract)


class OnDisk(Ours):
    @pytest.fixture
    def root(self) -> Iterator[Path]:
        with TemporaryDirectory() as top:
            yield Path(top, "root")


class Plain(Ours, StoreContract):
    """A store with the verbs that every store has."""


class Files(Plain, ConditionalContract, CopyContract):
    """A store that stands on files, seen through another object on the same folder."""

    # The files themselves run the races in full, see RawFiles.
    race_rounds = 2
    race_updates = 8

    def reopen(self, store: Store) -> Store:
        again: Store = pickle.loads(pickle.dumps(store))
        return again


class RawFiles(Files, UrlContract):
    """A store whose values are the files themselves."""

    race_rounds = 5
    race_updates = 25

    def raw_get(self, store: Any, key: str) -> bytes:
        return Path(store.root, key).read_bytes()

    def raw_set(self, store: Any, key: str, data: bytes) -> None:
        Path(store.root, key).write_bytes(data)


class Memory(Plain, ConditionalContract, CopyContract, TimeToLiveContract):
    """A store that stands on a dictionary."""


class RawMemory(Memory):
    """A store whose values are those of a dictionary."""

    def raw_get(self, store: Any, key: str) -> bytes:
        value: bytes = store.d[key]
        return value

    def raw_set(self, store: Any, key: str, data: bytes) -> None:
        store.d[key] = data


class Encoding(Contract):
    """A store that takes as a key whatever its encoding leaves short enough."""

    def is_key(self, store: Store, key: object) -> bool:
        try:
            encoded = quote_plus(key) if isinstance(key, str) else ""
        except UnicodeEncodeError:
            return False
        return 1 <= len(encoded) <= 250 and encoded not in (".", "..")


class Making(Contract):
    """A store that makes a key where none is given."""

    def is_key(self, store: Store, key: object) -> bool:
        return key is None or super().is_key(store, key)
