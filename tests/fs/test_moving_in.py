"""Files that are moved in by their name."""

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from minimalkv import KeyExists, StoreError
from minimalkv._fs import drafts
from minimalkv._fs.moving_in import Source
from minimalkv._hstores import HFilesystemStore
from minimalkv.fs import FilesystemStore
from tests.fs.tools import deny, files_below


def test_a_filename_is_moved(store: HFilesystemStore, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"1")
    inode = source.stat().st_ino
    store.put_file("a/b", str(source))
    assert not source.exists()
    assert Path(store.root, "a/b").stat().st_ino == inode


def test_a_relative_filename_is_moved(
    store: HFilesystemStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("source").write_bytes(b"1")
    store.put_file("a", Path("source"))
    assert store.get("a") == b"1"
    assert not Path("source").exists()


def test_a_file_with_other_names_is_copied(
    store: HFilesystemStore, tmp_path: Path
) -> None:
    source, other = tmp_path / "source", tmp_path / "other"
    source.write_bytes(b"1")
    other.hardlink_to(source)
    link = tmp_path / "link"
    link.symlink_to(source)
    store.put_file("a", source)
    store.put_file("b", link)
    other.write_bytes(b"changed")
    assert store.get("a") == store.get("b") == b"1"
    assert source.exists()
    assert link.is_symlink()


def test_a_file_from_another_disk_is_moved_by_copying(
    store: HFilesystemStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"1")
    source.chmod(0o640)

    def other_disk(*_args: Any, **_options: Any) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", other_disk)
    store.put_file("a", source)
    assert store.get("a") == b"1"
    assert not source.exists()


def test_a_refused_file_stays_where_it_is(
    store: HFilesystemStore, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"new")
    source.chmod(0o600)
    store.put("a", b"old")
    with pytest.raises(KeyExists):
        store.put_file("a", source, if_absent=True)
    assert source.read_bytes() == b"new"
    assert stat.S_IMODE(source.stat().st_mode) == 0o600
    assert store.get("a") == b"old"
    assert files_below(Path(store.root)) == {"a"}


def test_a_missing_file_is_the_callers_error(
    store: HFilesystemStore, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        store.put_file("a", tmp_path / "missing")
    assert not isinstance(caught.value, StoreError)
    assert "a" not in store


def test_a_filename_means_what_the_system_says(
    store: HFilesystemStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "real" / "deep")
    (tmp_path / "real" / "f").write_bytes(b"meant")
    (tmp_path / "here" / "f").write_bytes(b"another")
    store.put_file("k", f"{tmp_path}/here/link/../f")
    assert store.get("k") == b"meant"
    assert (tmp_path / "here" / "f").read_bytes() == b"another"
    monkeypatch.chdir(tmp_path)
    below = FilesystemStore("here/link/../root", fsync=False)
    below.put("a", b"1")
    assert (tmp_path / "real" / "root" / "a").read_bytes() == b"1"


def test_a_value_survives_being_put_over_itself(store: HFilesystemStore) -> None:
    store.put("a/b", b"1")
    store.put_file("a/b", Path(store.root, "a/b"))
    assert store.get("a/b") == b"1"
    assert files_below(Path(store.root)) == {"a/b"}


def test_a_value_survives_being_put_over_itself_by_copying(
    store: HFilesystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a", b"1")
    monkeypatch.setattr(os, "link", deny)
    monkeypatch.setattr(Source, "_is", lambda *_: False)
    store.put_file("a", Path(store.root, "a"))
    assert store.get("a") == b"1"


@pytest.mark.parametrize("refused", [False, True])
def test_a_file_put_in_the_place_of_the_given_one_is_kept(
    store: HFilesystemStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    refused: bool,
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"given")
    really = drafts.replace

    def replace_and_swap(*args: Any) -> None:
        really(*args)
        (tmp_path / "other").write_bytes(b"unread")
        (tmp_path / "other").rename(source)

    monkeypatch.setattr(drafts, "replace", replace_and_swap)
    if refused:
        monkeypatch.setattr(os, "link", deny)
    store.put_file("a", source)
    assert store.get("a") == b"given"
    assert source.read_bytes() == b"unread"
