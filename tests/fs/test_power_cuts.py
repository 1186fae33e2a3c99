"""That fsync is asked for, in the right order: no power is cut here."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from minimalkv._hstores import HFilesystemStore
from tests.fs.tools import deny


def test_fsync_comes_before_the_rename_and_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, os.replace

    def noted_fsync(fd: int) -> None:
        kind = os.fstat(fd).st_mode
        done.append("fsync folder" if stat.S_ISDIR(kind) else "fsync file")
        fsync(fd)

    def noted_rename(*args: Any, **options: Any) -> None:
        done.append("rename")
        rename(*args, **options)

    store = HFilesystemStore(tmp_path)
    store.put("warm", b"up")
    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_rename)
    store.put("a", b"1")
    assert done == ["fsync file", "rename", "fsync folder"]
    done.clear()
    store.put("new/b", b"1")
    assert done == ["fsync folder", "fsync file", "rename", "fsync folder"]
    done.clear()
    store.delete("a")
    assert done == ["fsync folder"]


def test_without_fsync_there_is_none(
    store: HFilesystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", deny)
    store.put("a/b", b"1")
    store.move("a/b", "c")
    store.delete("c")
