"""A system whose n-th call fails, and what somebody wants of a store meanwhile."""

import errno
import fcntl
import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from minimalkv import KeyValueStore

CALLS: Final = (
    *("open", "close", "read", "write", "fsync", "replace", "link", "unlink"),
    *("mkdir", "rmdir", "fstat", "stat", "lstat", "scandir", "utime"),
    *("fchmod", "chmod", "copy_file_range", "posix_fadvise"),
)
"""What is used of `os`; `fcntl.flock` is the only other call."""

OLD: Final = b"old" * 1000
NEW: Final = b"the new one" * 10_000
BEFORE: Final = {"folder/key": OLD, "folder/other": b"other", "plain": b"plain"}
TARGET: Final = b"the caller's own"

Write = Callable[[KeyValueStore, Path], object]


def _write(store: KeyValueStore, _: Path) -> None:
    with store.open_writer("folder/key") as writer:
        for begin in range(0, len(NEW), 50_000):
            writer.write(NEW[begin : begin + 50_000])


def _give(store: KeyValueStore, folder: Path) -> None:
    store.put_file("folder/key", folder / "given")


def _replace(store: KeyValueStore, _: Path) -> None:
    store.put("folder/key", NEW, if_match=store.head("folder/key").etag)


WRITES: Final[dict[str, tuple[Write, dict[str, bytes | None]]]] = {
    "put": (lambda store, _: store.put("folder/key", NEW), {"folder/key": NEW}),
    "put at the top": (lambda store, _: store.put("plain", NEW), {"plain": NEW}),
    "put into a new folder": (
        lambda store, _: store.put("new/er/key", NEW),
        {"new/er/key": NEW},
    ),
    "put_file": (
        lambda store, _: store.put_file("folder/key", io.BytesIO(NEW)),
        {"folder/key": NEW},
    ),
    "put_file by name": (_give, {"folder/key": NEW}),
    "open_writer": (_write, {"folder/key": NEW}),
    "put if it matches": (_replace, {"folder/key": NEW}),
    "add": (lambda store, _: store.add("new", NEW), {"new": NEW}),
    "delete": (lambda store, _: store.delete("folder/key"), {"folder/key": None}),
    "delete the last of a folder": (
        lambda store, _: store.delete_many(["folder/key"]),
        {"folder/key": None},
    ),
    "move": (
        lambda store, _: store.move("folder/key", "else/where"),
        {"folder/key": None, "else/where": OLD},
    ),
    "move over another": (
        lambda store, _: store.move("folder/key", "plain"),
        {"folder/key": None, "plain": OLD},
    ),
    "copy": (
        lambda store, _: store.copy("folder/key", "else/where"),
        {"else/where": OLD},
    ),
}
"""The ways to write, and what is different afterwards."""


def _open(store: KeyValueStore, _: Path) -> bytes:
    with store.open("folder/key") as file:
        return file.read()


def _get_file(store: KeyValueStore, _: Path) -> bytes:
    target = io.BytesIO()
    store.get_file("folder/key", target)
    return target.getvalue()


def _get_file_by_name(store: KeyValueStore, folder: Path) -> bytes:
    store.get_file("folder/key", folder / "target")
    return (folder / "target").read_bytes()


READS: Final[dict[str, tuple[Callable[[KeyValueStore, Path], object], object]]] = {
    "get": (lambda store, _: store.get("folder/key"), OLD),
    "get at the top": (lambda store, _: store.get("plain"), b"plain"),
    "get_with_meta": (lambda store, _: store.get_with_meta("folder/key")[0], OLD),
    "open": (_open, OLD),
    "get_file": (_get_file, OLD),
    "get_file by name": (_get_file_by_name, OLD),
    "in": (lambda store, _: "folder/key" in store, True),
    "head": (lambda store, _: store.head("folder/key").size, len(OLD)),
    "keys": (lambda store, _: sorted(store.keys()), sorted(BEFORE)),
    "iter_meta": (
        lambda store, _: sorted(meta.key for meta in store.iter_meta()),
        sorted(BEFORE),
    ),
    "iter_prefixes": (
        lambda store, _: sorted(store.iter_prefixes("/")),
        ["folder/", "plain"],
    ),
}
"""The ways to read, and what they give."""


def fill(store: KeyValueStore, folder: Path) -> None:
    """Leave in a store and a folder of the caller what the uses are about."""
    for key in list(store):
        if key not in BEFORE:
            store.delete(key)
    for key, value in BEFORE.items():
        if key not in store or store.get(key) != value:
            store.put(key, value)
    (folder / "given").write_bytes(NEW)
    (folder / "target").write_bytes(TARGET)


class FailingSystem:
    """The operating system, one call of which fails.

    Attributes
    ----------
    number : int
        How many calls there were, of this thread.
    failed : str
        The name of the call that failed.
    """

    def __init__(self, patched: pytest.MonkeyPatch, code: int) -> None:
        self.number = 0
        self.failed = ""
        self._at: int | None = None
        self._code = code
        self._thread = threading.get_ident()
        for name in CALLS:
            if hasattr(os, name):
                patched.setattr(os, name, self._failing(name, getattr(os, name)))
        patched.setattr(fcntl, "flock", self._failing("flock", fcntl.flock))

    @contextmanager
    def fail(self, at: int) -> Iterator[None]:
        """Let a call of this block fail, from 1 on; 0 lets none."""
        self.number, self.failed, self._at = 0, "", at
        try:
            yield
        finally:
            self._at = None

    def _failing(self, name: str, really: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if self._count(name):
                if name == "close":
                    # The system closes it, whatever it says.
                    really(*args, **options)
                raise OSError(self._code, os.strerror(self._code))
            found = really(*args, **options)
            return _Entries(found, self) if name == "scandir" else found

        return call

    def _count(self, name: str) -> bool:
        if self._at is None or threading.get_ident() != self._thread:
            return False
        self.number += 1
        if self.number == self._at:
            self.failed = name
        return self.number == self._at

    def step(self) -> None:
        """Count one step of a listing."""
        if self._count("getdents"):
            raise OSError(self._code, os.strerror(self._code))


class _Entries:
    """What `os.scandir` returns, whose every step may fail."""

    def __init__(self, really: Any, system: FailingSystem) -> None:
        self._really = really
        self._system = system

    def __iter__(self) -> "_Entries":
        return self

    def __next__(self) -> Any:
        self._system.step()
        return next(self._really)

    def __enter__(self) -> "_Entries":
        return self

    def __exit__(self, *_: object) -> None:
        self._really.close()


CODES: Final = (errno.EIO, errno.ENOSPC, errno.EMFILE)
