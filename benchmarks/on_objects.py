"""Object stores: small requests, against the client that an SDK makes by default.

CPU time of this process is compared. How long a server takes is no business of ours,
and the tests' servers take other times than the clouds do.
"""

import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from benchmarks.measure import Effort, Rows, compare
from minimalkv import KeyValueStore

AIM = 1.0

_BYTES = 100
_MANY = 10_000
_COUNTS = (10, 1000, _MANY)


class Client(Protocol):
    """The calls of an SDK, as its documentation writes them.

    Attributes
    ----------
    name : str
        The SDK.
    """

    name: str

    def get(self, key: str) -> bytes:
        """Return a value."""

    def put(self, key: str, value: bytes) -> object:
        """Replace a value."""

    def head(self, key: str) -> object:
        """Return what is known about a value."""

    def delete(self, key: str) -> object:
        """Remove a value that is there."""

    def names(self, prefix: str) -> Iterable[str]:
        """Return the keys that begin with something."""


def rows(
    kind: str,
    client: Client,
    store: KeyValueStore,
    effort: Effort,
    aim: float = AIM,
    aim_of_listings: float = AIM,
) -> Rows:
    """Measure a request of each kind; both work on the same objects."""
    effort = effort.of_cpu()
    value = os.urandom(_BYTES)
    for verb, theirs, ours in (
        ("put", partial(client.put, "key", value), partial(store.put, "key", value)),
        ("get", partial(client.get, "key"), partial(store.get, "key")),
        ("head", partial(client.head, "key"), partial(store.head, "key")),
    ):
        yield compare(_label(kind, f"{verb} 100 B", client), theirs, ours, effort, aim)
    yield from _deletions(kind, client, store, effort, aim)
    yield from _listings(kind, client, store, effort, aim_of_listings)


def _label(kind: str, call: str, client: Client) -> str:
    return f"{kind} {call} / {client.name}, CPU"


def _deletions(
    kind: str, client: Client, store: KeyValueStore, effort: Effort, aim: float
) -> Rows:
    # What an SDK makes of a missing object is not compared: it may be an error.
    doomed: list[str] = []

    def fill(number: int) -> None:
        doomed.extend(f"doomed-{n}" for n in range(number))
        store.put_many(dict.fromkeys(doomed, b""))

    yield compare(
        _label(kind, "delete", client),
        lambda: client.delete(doomed.pop()),
        lambda: store.delete(doomed.pop()),
        effort,
        aim,
        prepare=fill,
    )


def _listings(
    kind: str, client: Client, store: KeyValueStore, effort: Effort, aim: float
) -> Rows:
    for count in _COUNTS:
        prefix = f"{count}-keys-"
        store.put_many({f"{prefix}{n:05d}": b"" for n in range(count)})
        yield compare(
            _label(kind, f"list {count} keys", client),
            partial(_all, client.names, prefix),
            partial(_all, store.iter_keys, prefix),
            effort.slow(2 if count < _MANY else 8),
            aim,
        )


def _all(names: Callable[[str], Iterable[str]], prefix: str) -> list[str]:
    return list(names(prefix))
