"""Files: against `open`, and against a put by hand that is as safe as ours."""

import fcntl
import os
import time
from functools import partial
from pathlib import Path

from benchmarks.measure import Effort, Rows, compare
from minimalkv.fs import FilesystemStore

AIM_OF_GET = 0.9
AIM_OF_PUT = 1.15

_SIZES = {"100 B": 100, "4 KiB": 4096, "1 MiB": 2**20}


def rows(folder: Path, effort: Effort) -> Rows:
    """Measure `get` of three sizes, and `put` of 1 KiB with and without fsync."""
    store = FilesystemStore(folder / "get", fsync=False)
    for name, size in _SIZES.items():
        key = name.replace(" ", "-")
        store.put(key, os.urandom(size))
        yield compare(
            f"fs get {name} / open().read()",
            partial(read, str(folder / "get" / key)),
            partial(store.get, key),
            effort,
            AIM_OF_GET,
        )
    value = os.urandom(1024)
    yield from _puts(folder, value, effort)


def _puts(folder: Path, value: bytes, effort: Effort) -> Rows:
    by_hand = folder / "by-hand"
    (by_hand / ".lock").mkdir(parents=True)
    for fsync in (False, True):
        name = "with fsync" if fsync else "without fsync"
        store = FilesystemStore(folder / "put", fsync=fsync)
        yield compare(
            f"fs put 1 KiB {name} / as safe by hand",
            partial(write_safely, str(by_hand), "key", value, fsync=fsync),
            partial(store.put, "key", value),
            effort,
            AIM_OF_PUT,
        )
    store = FilesystemStore(folder / "put", fsync=False)
    yield compare(
        "fs put 1 KiB without fsync / unsafe write()",
        partial(write, str(folder / "unsafe"), value),
        partial(store.put, "key", value),
        effort,
    )


def read(path: str) -> bytes:
    """Read a file as everybody does."""
    with open(path, "rb") as file:
        return file.read()


def write(path: str, value: bytes) -> None:
    """Write a file so that readers, and a kill, may find half of it."""
    with open(path, "wb") as file:
        file.write(value)


def write_safely(folder: str, name: str, value: bytes, *, fsync: bool) -> None:
    """Replace a file in one step that other processes can make conditions on.

    Written as plainly as it can be with what `FilesystemStore.put` promises: readers
    see the old value or the new one, writers wait for each other, the time of change
    is another one than before, and with *fsync* the value survives a power cut.
    """
    path = f"{folder}/{name}"
    temp = f"{folder}/.{os.urandom(8).hex()}"
    fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        os.write(fd, value)
        if fsync:
            os.fsync(fd)
        lock = os.open(
            f"{folder}/.lock/{name}", os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC
        )
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            now = max(time.time_ns(), _changed_ns(path) + 1)
            os.utime(fd, ns=(now, now))
            os.replace(temp, path)
            fcntl.flock(lock, fcntl.LOCK_UN)
        finally:
            os.close(lock)
    except BaseException:
        os.unlink(temp)
        raise
    finally:
        os.close(fd)
    if fsync:
        _sync_folder(folder)


def _changed_ns(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except FileNotFoundError:
        return 0


def _sync_folder(folder: str) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
