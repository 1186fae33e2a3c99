"""Values to copy, stores to copy them to, and stores that do it badly."""

import random
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final

import pytest

from minimalkv import KeyValueStore, ObjectMeta
from minimalkv._streams import Readable, read_all
from minimalkv.decorator import StoreDecorator

KINDS: Final = ("fs", "s3_server", "azure_server", "gcs_server", "redis_server")
"""The stores that processes share, as the fixtures of their servers are called."""

PAIRS: Final = [(a, b) for a in KINDS for b in KINDS if a != b]


def name_of(pair: tuple[str, str]) -> str:
    """Return the name of a pair, for pytest."""
    return " to ".join(kind.removesuffix("_server") for kind in pair)


def url_of(request: pytest.FixtureRequest, kind: str) -> str:
    """Return the URL of a new, empty store."""
    if kind == "fs":
        folder = request.getfixturevalue("tmp_path_factory").mktemp("store")
        return f"hfs://{folder}?fsync=false"
    url: str = request.getfixturevalue(kind).url()
    return url


def values(small: int, large: int = 0, large_bytes: int = 2**20) -> dict[str, bytes]:
    """Make values; some keys are in folders, one value is empty."""
    chance = random.Random(7)
    made = {
        f"photos {n % 7}/{n:05}.jpg": chance.randbytes(n % 900) for n in range(small)
    }
    return made | {
        f"films/{n}": chance.randbytes(large_bytes + n) for n in range(large)
    }


def fill(store: KeyValueStore, made: Mapping[str, bytes]) -> None:
    store.put_many(made)


def contents(store: KeyValueStore) -> dict[str, bytes]:
    return {key: store.get(key) for key in store.iter_keys()}


class Intercepting(StoreDecorator):
    """Pass on to a store, but call a function before each read and after each write.

    Parameters
    ----------
    store : KeyValueStore
        The store.
    before_read, after_read, before_write, after_write : callable
        Get the key; what they raise is what the call raises.
    """

    def __init__(self, store: KeyValueStore, **calls: Callable[[str], object]) -> None:
        super().__init__(store)
        self.calls = calls

    def _call(self, when: str, key: str) -> None:
        call = self.calls.get(when)
        if call is not None:
            call(key)

    def _stream(self, key: str, *args: Any) -> tuple[ObjectMeta, BinaryIO]:
        self._call("before_read", key)
        found = super()._stream(key, *args)
        self._call("after_read", key)
        return found

    def _put_file(self, key: str, file: Readable, **options: Any) -> str | None:
        self._call("before_write", key)
        found = super()._put_file(key, file, **options)
        self._call("after_write", key)
        return found


class Altering(StoreDecorator):
    """Store something else than is given: what a function makes of key and value."""

    def __init__(
        self, store: KeyValueStore, alter: Callable[[str, bytes], bytes | None]
    ) -> None:
        super().__init__(store)
        self.alter = alter

    def _put_file(self, key: str, file: Readable, **options: Any) -> str | None:
        data = self.alter(key, read_all(file))
        return None if data is None else self._inner._put(key, data, **options)
