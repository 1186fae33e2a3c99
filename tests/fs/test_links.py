"""Symbolic links and other things that are no values."""

import os
from pathlib import Path

import pytest

from minimalkv import KeyConflict, KeyNotFound, StoreError
from minimalkv._hstores import HFilesystemStore
from minimalkv.fs import FilesystemStore


def test_planted_links_lead_nowhere(store: HFilesystemStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    root = Path(store.root)
    root.mkdir()
    (root / "link").symlink_to(outside / "secret")
    (root / "folder").symlink_to(outside)
    for key in ("link", "folder/secret"):
        assert key not in store
        with pytest.raises(KeyNotFound):
            store.get(key)
        with pytest.raises(KeyNotFound):
            store.open(key)
        with pytest.raises(KeyNotFound):
            store.head(key)
        store.delete(key)
    assert store.keys() == []
    assert store.keys("folder/") == []
    assert list(store.iter_prefixes("/")) == []
    assert (outside / "secret").read_bytes() == b"secret"


def test_put_replaces_a_link_and_not_what_it_leads_to(
    store: HFilesystemStore, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"theirs")
    Path(store.root).mkdir()
    Path(store.root, "a").symlink_to(outside)
    store.put("a", b"ours")
    assert outside.read_bytes() == b"theirs"
    assert store.get("a") == b"ours"


def test_put_through_a_linked_folder_is_refused(
    store: HFilesystemStore, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    Path(store.root).mkdir()
    Path(store.root, "folder").symlink_to(outside)
    with pytest.raises(KeyConflict, match="symbolic link"):
        store.put("folder/a", b"1")
    assert list(outside.iterdir()) == []


def test_a_planted_lock_folder_leads_nowhere(
    store: HFilesystemStore, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    store.put("a", b"1")
    locks = Path(store.root, ";locks")
    locks.rename(tmp_path / "away")
    locks.symlink_to(outside)
    for write in (lambda: store.put("a", b"2"), lambda: store.delete("a")):
        with pytest.raises(StoreError):
            write()
    assert store.get("a") == b"1"
    assert list(outside.iterdir()) == []
    locks.unlink()
    locks.write_bytes(b"")
    with pytest.raises(StoreError):
        store.delete("a")
    assert store.get("a") == b"1"


def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "disk")
    store = HFilesystemStore(tmp_path / "data", fsync=False)
    store.put("a/b", b"1")
    assert store.keys() == ["a/b"]
    assert (tmp_path / "disk" / "a" / "b").read_bytes() == b"1"


def test_pipes_and_folders_are_no_values(store: HFilesystemStore) -> None:
    root = Path(store.root)
    root.mkdir()
    os.mkfifo(root / "pipe")
    (root / "folder").mkdir()
    for key in ("pipe", "folder"):
        assert key not in store
        with pytest.raises(KeyNotFound):
            store.get(key)
        store.delete(key)
    assert store.keys() == []
    assert (root / "folder").is_dir()


def test_names_that_are_no_keys_are_not_listed(store: HFilesystemStore) -> None:
    root = Path(store.root)
    root.mkdir()
    for name in ("ä", "a;b", "star*", "line\nbreak", ";put-0", "b" * 251):
        (root / name).write_bytes(b"")
    os.close(os.open(os.fsencode(root) + b"/\xff", os.O_CREAT))
    store.put("a", b"1")
    assert store.keys() == ["a"]
    assert [meta.key for meta in store.iter_meta()] == ["a"]


def test_a_plain_store_does_not_look_into_folders(tmp_path: Path) -> None:
    HFilesystemStore(tmp_path, fsync=False).put("a/b", b"1")
    store = FilesystemStore(tmp_path, fsync=False)
    store.put("c", b"2")
    assert store.keys() == ["c"]
    assert store.keys("a/") == []


@pytest.mark.parametrize(
    "prefix", ["../", "../../", "a/../", "/", "//", "./", "a//", "\0/", "x" * 300 + "/"]
)
def test_a_listing_does_not_leave_the_root(
    store: HFilesystemStore, tmp_path: Path, prefix: str
) -> None:
    (tmp_path / "outside").write_bytes(b"")
    store.put("a/b", b"1")
    assert store.keys(prefix) == []
    assert list(store.iter_prefixes("/", prefix)) == []


def test_no_hook_leaves_the_root_though_nobody_checked(
    store: HFilesystemStore, tmp_path: Path
) -> None:
    (tmp_path / "outside").write_bytes(b"theirs")
    store.put("a/b", b"1")
    for key in ("../outside", "a/../../outside", "./../outside"):
        with pytest.raises(KeyNotFound):
            store._get(key)
        with pytest.raises(StoreError):
            store._put(key, b"ours")
        store._delete(key)
    assert (tmp_path / "outside").read_bytes() == b"theirs"
