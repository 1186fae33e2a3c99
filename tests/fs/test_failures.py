"""Signals, and a system that refuses or does half of what it was asked for."""

import errno
import os
import signal
import stat
import threading
from io import BytesIO
from pathlib import Path

import pytest

from minimalkv import AccessDenied, StoreError, StoreUnavailable
from minimalkv._hstores import HFilesystemStore
from tests.fs.tools import deny, files_below


def test_a_signal_at_any_moment_leaves_nothing_locked(store: HFilesystemStore) -> None:
    class Interrupted(Exception):
        pass

    def interrupt(_number: int, _frame: object) -> None:
        raise Interrupted

    store.put("a/b", b"---")
    before = signal.signal(signal.SIGALRM, interrupt)
    interrupted = 0
    try:
        for number in range(300):
            try:
                signal.setitimer(signal.ITIMER_REAL, 1e-6 + number * 2e-6)
                for _ in range(50):
                    store.put("a/b", b"%03d" % number)
                    store.put_file("a/c", BytesIO(b"1"))
                    store.move("a/c", "d")
                    store.delete("d")
            except Interrupted:
                interrupted += 1
            signal.setitimer(signal.ITIMER_REAL, 0)
            assert len(store.get("a/b")) == 3
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert interrupted > 200
    done = threading.Thread(target=put_everywhere, args=(store,), daemon=True)
    done.start()
    done.join(20)
    assert not done.is_alive(), "a lock is held for ever"
    assert len(store.keys("every/")) == 200


def put_everywhere(store: HFilesystemStore) -> None:
    """Put under so many keys that every lock is needed."""
    for number in range(200):
        store.put(f"every/{number}", b"")


def test_a_file_system_without_locks_is_an_error_each_time(
    store: HFilesystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a", b"1")

    def no_locks(_fd: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    for _ in range(3):
        with pytest.raises(StoreError, match="No locks"):
            store.delete("a")
        with pytest.raises(StoreError, match="No locks"):
            store.put("a", b"2")
    monkeypatch.undo()
    assert store.get("a") == b"1"
    assert files_below(Path(store.root)) == {"a"}


def test_what_happened_before_an_error_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = HFilesystemStore(tmp_path / "root")
    store.put("a/b", b"old")
    store.put("a/c", b"1")
    really = os.fsync

    def fail_for_folders(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        really(fd)

    (tmp_path / "source").write_bytes(b"moved")
    monkeypatch.setattr(os, "fsync", fail_for_folders)
    with pytest.raises(StoreUnavailable, match="was made"):
        store.put("a/b", b"new")
    assert store.get("a/b") == b"new"
    with pytest.raises(StoreUnavailable, match="was made"):
        store.delete("a/c")
    with pytest.raises(StoreUnavailable, match="was made"):
        store.put_file("a/b", tmp_path / "source")
    assert store.get("a/b") == b"moved"


def test_refused_access_names_the_permission(
    store: HFilesystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may do everything, so the system's refusal is made here.
    store.put("a", b"1")
    store.put("b/c", b"1")
    monkeypatch.setattr(os, "open", deny)
    for read in (
        lambda: store.get("a"),
        lambda: store.open("b/c"),
        store.keys,
    ):
        with pytest.raises(AccessDenied, match="read permission"):
            read()
    with pytest.raises(AccessDenied, match="write permission"):
        store.put("a", b"2")


def test_full_disk_keeps_the_old_value(
    store: HFilesystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a", b"old")

    def full(_fd: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(StoreError, match="disk is full") as caught:
            store.put("a", b"new")
    assert caught.value.errno == errno.ENOSPC
    assert store.get("a") == b"old"
    assert files_below(Path(store.root)) == {"a"}


def test_short_writes_are_completed(
    store: HFilesystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.write

    def short(fd: int, data: bytes) -> int:
        return really(fd, bytes(data[:1000]))

    monkeypatch.setattr(os, "write", short)
    data = os.urandom(10_500)
    store.put("a", data)
    monkeypatch.undo()
    assert store.get("a") == data


def test_short_reads_are_completed(
    store: HFilesystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = os.urandom(10_500)
    store.put("a", data)
    really = os.read
    monkeypatch.setattr(os, "read", lambda fd, size: really(fd, min(size, 1000)))
    assert store.get("a") == data


def test_a_file_that_shrinks_while_read_is_an_error(
    store: HFilesystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a", b"0123456789")
    monkeypatch.setattr(os, "read", lambda _fd, size: b"012" if size == 10 else b"")
    with pytest.raises(StoreError, match="7 bytes shorter"):
        store.get("a")
