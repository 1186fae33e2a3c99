"""Listings: against a bare `os.scandir`."""

import os
from collections import deque
from functools import partial
from pathlib import Path

from benchmarks.measure import Effort, Rows, compare
from minimalkv.fs import FilesystemStore


def rows(folder: Path, effort: Effort, count: int) -> Rows:
    """Measure the time to the first of *count* keys, and to the last one."""
    path = str(folder / f"{count}-files")
    os.mkdir(path)
    for number in range(count):
        open(f"{path}/{number:07d}.jpg", "x").close()
    store = FilesystemStore(path)
    shown = f"{count:,}".replace(",", " ")
    yield compare(
        f"fs first of {shown} keys / scandir",
        partial(first_name, path),
        partial(first_key, store),
        effort,
    )
    yield compare(
        f"fs all of {shown} keys / scandir",
        partial(all_names, path),
        partial(all_keys, store),
        effort.slow(4),
    )


def first_name(path: str) -> str:
    """Return the first name in a folder."""
    with os.scandir(path) as entries:
        return next(entries).name


def all_names(path: str) -> None:
    """Look at every name in a folder, and keep none."""
    with os.scandir(path) as entries:
        deque((entry.name for entry in entries), maxlen=0)


def first_key(store: FilesystemStore) -> str:
    """Return the first key of a store."""
    return next(store.iter_keys())


def all_keys(store: FilesystemStore) -> None:
    """Look at every key of a store, and keep none."""
    deque(store.iter_keys(), maxlen=0)
