"""Every use of a store that a request can go wrong in."""

import io
from collections.abc import Callable
from typing import Any

from minimalkv._key_value_store import KeyValueStore

VALUE = bytes(range(256)) * 1000
LARGE = bytes(9 * 2**20 + 1)

Use = Callable[[KeyValueStore], object]


def _drain(store: KeyValueStore) -> bytes:
    target = io.BytesIO()
    store.get_file("key", target)
    return target.getvalue()


def _open(store: KeyValueStore) -> bytes:
    with store.open("key") as file:
        return file.read()


def _stream(store: KeyValueStore) -> bytes:
    _, file = store.stream("key", 5, 100_000)
    with file:
        return file.read()


READS: dict[str, Use] = {
    "get": lambda store: store.get("key"),
    "get_with_meta": lambda store: store.get_with_meta("key"),
    "head": lambda store: store.head("key"),
    "in": lambda store: "key" in store,
    "empty": lambda store: store.get_with_meta("other"),
    "get_file": _drain,
    "open": _open,
    "stream": _stream,
    "keys": lambda store: store.keys(),
    "iter_meta": lambda store: list(store.iter_meta()),
    "iter_prefixes": lambda store: list(store.iter_prefixes("/")),
    "get_many": lambda store: store.get_many(["key", "other"]),
}

WRITES: dict[str, Use] = {
    "put": lambda store: store.put("new", b"new"),
    "put_file": lambda store: store.put_file("new", io.BytesIO(b"new")),
    "copy": lambda store: store.copy("key", "new"),
    "delete": lambda store: store.delete("key"),
    "delete_many": lambda store: store.delete_many(["key", "other"]),
    "put_many": lambda store: store.put_many({"new": b"new", "key": b"new"}),
}

CONDITIONAL: dict[str, Use] = {
    "add": lambda store: store.add("new", b"new"),
    "if_match": lambda store: store.update("key", lambda _: b"new"),
    "delete": lambda store: store.update("key", lambda _: None),
    "increment": lambda store: store.increment("number"),
}


def put_large(store: KeyValueStore, **options: Any) -> None:
    store.put_file("new", io.BytesIO(LARGE), **options)
