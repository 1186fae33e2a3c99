"""Memory: against a dictionary and a lock, and what is copied."""

import itertools
import time
import tracemalloc
from threading import Lock

from benchmarks.measure import Effort, Row, Rows, compare_objects
from minimalkv.memory import DictStore

AIM = 3.0
AIM_OF_COPY = 0.01

_LARGE_BYTES = 64 * 2**20
_STATEMENTS = {"get": "x.get(key)", "put": "x.put(key, value)", "in": "key in x"}
_PUT_NEW = "store = x()\nfor key in keys: store.put(key, value)"


class LockedDict:
    """What threads share when they have no store."""

    def __init__(self) -> None:
        self.d: dict[str, bytes] = {}
        self.lock = Lock()

    def get(self, key: str) -> bytes:
        """Return a value."""
        with self.lock:
            return self.d[key]

    def put(self, key: str, value: bytes) -> None:
        """Replace a value."""
        with self.lock:
            self.d[key] = value

    def __contains__(self, key: str) -> bool:
        with self.lock:
            return key in self.d


class VersionedDict(LockedDict):
    """The same, with what an etag and a time of change need."""

    def __init__(self) -> None:
        super().__init__()
        self.facts: dict[str, tuple[int, float]] = {}
        self.versions = itertools.count(1)

    def put(self, key: str, value: bytes) -> None:
        """Replace a value, and write down its version and the time."""
        with self.lock:
            self.d[key] = value
            self.facts[key] = (next(self.versions), time.time())


def rows(effort: Effort) -> Rows:
    """Measure `get`, `put` and ``in`` with a value of 1 KiB, and copies of 64 MiB."""
    key, value = "photos-2024.jpg", bytes(1024)
    names = {
        "key": key,
        "value": value,
        "keys": [f"photo-{n}.jpg" for n in range(1000)],
    }
    bare, versioned, ours = LockedDict(), VersionedDict(), DictStore()
    for name, statement in _STATEMENTS.items():
        bare.put(key, value)
        ours.put(key, value)
        label = f"memory {name} / dict with a lock"
        yield compare_objects(
            statement, bare, ours, effort, names=names, label=label, aim=AIM
        )
    for statement, theirs, mine, label in (
        (_PUT_NEW, LockedDict, DictStore, "memory put of 1000 new keys / the same"),
        (_STATEMENTS["put"], versioned, ours, "memory put / it with version and time"),
    ):
        yield compare_objects(statement, theirs, mine, effort, names=names, label=label)
    yield copied(DictStore())


def copied(store: DictStore) -> Row:
    """Count what a put and a get of a large value allocate, in parts of the value."""
    value = bytes(_LARGE_BYTES)
    tracemalloc.start()
    try:
        store.put("large", value)
        same = store.get("large") is value
        allocated = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    part = allocated / _LARGE_BYTES if same else 1.0
    return Row("memory 64 MiB: bytes copied / size", part, part, part, AIM_OF_COPY)
