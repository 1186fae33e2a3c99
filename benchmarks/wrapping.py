"""Wrappers: against the store inside of them."""

import os
from pathlib import Path

from benchmarks.measure import Effort, Rows, compare_objects
from minimalkv import KeyValueStore
from minimalkv.crypt import HMACDecorator
from minimalkv.decorator import PrefixDecorator
from minimalkv.fs import FilesystemStore
from minimalkv.memory import DictStore
from minimalkv.ttl import TimeToLiveDecorator

_GET = "x.get('key')"
_PUT = "x.put('key', value)"


def rows(folder: Path, effort: Effort) -> Rows:
    """Measure `get` and `put` of 1 KiB through three wrappers."""
    files = FilesystemStore(folder / "wrapped", fsync=False)
    memory = DictStore()
    # What is inside holds an unwrapped value of its own, under another key.
    pairs: dict[str, tuple[KeyValueStore, KeyValueStore]] = {
        "prefix over memory": (memory, PrefixDecorator("a-", memory)),
        "hmac over memory": (DictStore(), HMACDecorator(b"secret" * 6, DictStore())),
        "ttl over fs": (
            files,
            TimeToLiveDecorator(FilesystemStore(folder / "ttl", fsync=False)),
        ),
    }
    names = {"value": os.urandom(1024)}
    for name, (bare, wrapper) in pairs.items():
        for verb, statement in (("put", _PUT), ("get", _GET)):
            yield compare_objects(
                statement,
                bare,
                wrapper,
                effort,
                names=names,
                label=f"{name}, {verb} / without it",
            )
