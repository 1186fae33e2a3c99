"""Every use of a store in which something can go wrong."""

import io
from collections.abc import Callable
from typing import Any, Final

from minimalkv._contract.tools import sample
from minimalkv._key_value_store import KeyValueStore

Use = Callable[[KeyValueStore], object]
State = dict[str, bytes | None]

VALUE: Final = sample(300_000)
LARGE_BYTES: Final = 9 * 2**20 + 1
"""More than goes with one request anywhere, and no multiple of any part."""


class Source:
    """Gives the same byte, in odd pieces, and can do nothing but read."""

    def __init__(self, size: int, byte: int = 0) -> None:
        self._left = size
        self._byte = bytes([byte])

    def read(self, size: int, /) -> bytes:
        given = min(size, self._left, 99_991)
        self._left -= given
        return self._byte * given


class BrokenSource(io.BytesIO):
    """Breaks when most of it was read."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > len(self.getbuffer()) * 9 // 10:
            raise RuntimeError("the source broke")
        return super().read(size)


def fill(store: KeyValueStore) -> None:
    """Leave in a store what the uses below are about, and nothing else."""
    store.delete_prefix("")
    store.put("key", VALUE, content_type="text/x-own")
    store.put("number", b"5")
    store.put("other", b"", headers={"Cache-Control": "no-store"})


def put_large(store: KeyValueStore, **options: Any) -> None:
    """Store more than goes with one request, from what cannot begin again."""
    store.put_file("new", Source(LARGE_BYTES), **options)


def _drain(store: KeyValueStore) -> bytes:
    target = io.BytesIO()
    store.get_file("key", target)
    return target.getvalue()


def _open(store: KeyValueStore) -> bytes:
    with store.open("key") as file:
        return file.read()


def _stream(store: KeyValueStore, *span: int) -> bytes:
    _, file = store.stream("key", *span)
    with file:
        return file.read()


def _write(store: KeyValueStore) -> None:
    with store.open_writer("new") as writer:
        writer.write(b"new")


VALUES: Final[dict[str, Callable[[KeyValueStore], bytes]]] = {
    "get": lambda store: store.get("key"),
    "get_with_meta": lambda store: store.get_with_meta("key")[0],
    "get_file": _drain,
    "open": _open,
    "stream": _stream,
    "stream in part": lambda store: _stream(store, 0, 2**30),
    "get_many": lambda store: store.get_many(["key"])["key"],
}
"""The ways to read all of the value of ``key``."""

READS: Final[dict[str, Use]] = {
    **VALUES,
    "get_with_meta": lambda store: store.get_with_meta("key"),
    "empty": lambda store: store.get_with_meta("other"),
    "head": lambda store: store.head("key"),
    "head of empty": lambda store: store.head("other"),
    "in": lambda store: "key" in store,
    "stream a range": lambda store: _stream(store, 5, 100_000),
    "stream the end": lambda store: _stream(store, -500),
    "get_many": lambda store: store.get_many(["key", "other"]),
    "keys": lambda store: store.keys(),
    "iter_meta": lambda store: list(store.iter_meta()),
    "iter_prefixes": lambda store: list(store.iter_prefixes("/")),
}
"""All ways to read."""

WRITES: Final[dict[str, Use]] = {
    "put": lambda store: store.put("new", b"new"),
    "put_file": lambda store: store.put_file("new", io.BytesIO(b"new")),
    "open_writer": _write,
    "copy": lambda store: store.copy("key", "new"),
    "put_many": lambda store: store.put_many({"new": b"new", "key": b"new"}),
    "delete": lambda store: store.delete("key"),
    "delete_many": lambda store: store.delete_many(["key", "other"]),
}
"""The ways to write ``new`` or delete ``key`` whatever is there."""

CONDITIONAL: Final[dict[str, tuple[Callable[[Any, str], object], State]]] = {
    "add": (lambda store, _: store.add("new", b"new"), {"new": b"new"}),
    "put if absent": (
        lambda store, _: store.put("new", b"new", if_absent=True),
        {"new": b"new"},
    ),
    "put_file if absent": (
        lambda store, _: store.put_file("new", io.BytesIO(b"new"), if_absent=True),
        {"new": b"new"},
    ),
    "put if it matches": (
        lambda store, etag: store.put("key", b"new", if_match=etag),
        {"key": b"new"},
    ),
    "delete if it matches": (
        lambda store, etag: store.delete("key", if_match=etag),
        {"key": None},
    ),
    "update": (
        lambda store, _: store.update("key", lambda _: b"new"),
        {"key": b"new"},
    ),
    "update to nothing": (
        lambda store, _: store.update("key", lambda _: None),
        {"key": None},
    ),
    "increment": (lambda store, _: store.increment("number"), {"number": b"6"}),
}
"""The ways to write only if nobody else did, and what is different afterwards.

Each takes the etag of ``key``.
"""

ANY_ETAG: Final = "5"
"""What may be an etag of any backend."""


def _with_any_etag(use: Callable[[Any, str], object]) -> Use:
    return lambda store: use(store, ANY_ETAG)


EVERY: Final[dict[str, Use]] = {
    **READS,
    **WRITES,
    **{name: _with_any_etag(use) for name, (use, _) in CONDITIONAL.items()},
}


def state(store: KeyValueStore) -> State:
    """Return what is stored under the keys that the conditional uses are about."""
    found = store.get_many(["key", "new", "number"])
    return {key: found.get(key) for key in ("key", "new", "number")}


UNTOUCHED: Final[State] = {
    "key": VALUE,
    "new": None,
    "number": b"5",
}
"""The `state` that `fill` leaves."""
