"""Facts about files, as small values beside them, the newest first.

Their keys are ``<prefix><time>-<random>.json``. With the time first, in milliseconds
since 1970, the order of the keys is the order in which the files came.
"""

import contextlib
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import uuid4

from minimalkv import KeyValueStore

_REST: Final = re.compile(r"([0-9a-f]{12})-[0-9a-f]{32}\.json")


class Fact(NamedTuple):
    """What is known about one file."""

    key: str
    at: datetime
    told: dict[str, Any]


class Facts:
    """The facts that are kept in a store under one prefix.

    Parameters
    ----------
    store : KeyValueStore
        Any store; it may hold other things too.
    prefix : str
        What their keys begin with.
    """

    def __init__(self, store: KeyValueStore, prefix: str) -> None:
        self._store = store
        self._prefix = prefix

    def add(self, **told: Any) -> Fact:
        """Store the facts about a file that came just now."""
        stem = f"{time.time_ns() // 10**6:012x}-{uuid4().hex}"
        key = self._store.put(
            f"{self._prefix}{stem}.json",
            json.dumps(told).encode(),
            content_type="application/json",
        )
        return Fact(key, self._moment(key), told)

    def newest(self, count: int) -> list[Fact]:
        """Return what was added last, the newest first."""
        keys = filter(self.has, self._store.iter_keys(self._prefix))
        wanted = sorted(keys, reverse=True)[:count]
        found = self._store.get_many(wanted)
        return [*self._read({key: found[key] for key in wanted if key in found})]

    def has(self, key: str) -> bool:
        """Tell whether a key is one that facts are kept under here."""
        is_below = key.startswith(self._prefix)
        return is_below and bool(_REST.fullmatch(key.removeprefix(self._prefix)))

    def _read(self, found: dict[str, bytes]) -> Iterator[Fact]:
        # The store is the visitor's own: what else may lie there is left out.
        for key, text in found.items():
            with contextlib.suppress(ValueError):
                told = json.loads(text)
                if isinstance(told, dict):
                    yield Fact(key, self._moment(key), told)

    def _moment(self, key: str) -> datetime:
        milliseconds = int(key.removeprefix(self._prefix)[:12], 16)
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
