"""Values are plain files below a root."""

import os
import stat
from io import BytesIO
from pathlib import Path

import pytest

from minimalkv import InvalidArgument, KeyNotFound, StoreError, Unsupported
from minimalkv._hstores import HFilesystemStore
from minimalkv.fs import FilesystemStore, WebFilesystemStore
from tests.fs.tools import files_below


def test_a_value_is_a_plain_file(store: HFilesystemStore) -> None:
    store.put("photos/cat.png", b"meow")
    assert Path(store.root, "photos/cat.png").read_bytes() == b"meow"


def test_nothing_but_values_and_locks_is_left(store: HFilesystemStore) -> None:
    store.put("a", b"1")
    store.put_file("b/c", BytesIO(b"2"))
    with store.open_writer("d") as writer:
        writer.write(b"3")
    store.delete("b/c")
    assert files_below(Path(store.root)) == {"a", "d"}


def test_size_is_what_upstream_had(store: HFilesystemStore) -> None:
    store.put("a/b", b"123")
    assert store.size("a/b") == 3
    with pytest.raises(KeyNotFound):
        store.size("missing")


# The root.


def test_relative_root_is_fixed_at_construction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = FilesystemStore("data")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.put("a", b"1")
    assert (tmp_path / "data" / "a").read_bytes() == b"1"


def test_empty_root_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"\./data"):
        FilesystemStore("")


def test_windows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # pathlib looks at os.name too, so it is a str by then.
    root = str(tmp_path)
    monkeypatch.setattr(os, "name", "nt")
    with pytest.raises(Unsupported, match="POSIX"):
        FilesystemStore(root)


def test_missing_root_is_an_error_where_it_must_exist(tmp_path: Path) -> None:
    store = FilesystemStore(tmp_path / "unmounted", create_if_missing=False)
    for call in (
        lambda: store.get("a"),
        lambda: "a" in store,
        lambda: store.put("a", b""),
        lambda: store.delete("a"),
        store.keys,
        store.ping,
    ):
        with pytest.raises(StoreError, match="unmounted"):
            call()
    assert not (tmp_path / "unmounted").exists()


def test_missing_root_is_made_and_holds_nothing_before(tmp_path: Path) -> None:
    store = FilesystemStore(tmp_path / "new" / "root")
    assert store.keys() == []
    with pytest.raises(KeyNotFound):
        store.get("a")
    store.delete("a")
    assert not (tmp_path / "new").exists()
    store.put("a", b"1")
    assert store.get("a") == b"1"


@pytest.mark.parametrize("name", ["file", "dangling"])
def test_a_root_that_is_no_folder_is_not_empty(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "dangling").symlink_to(tmp_path / "unmounted")
    store = HFilesystemStore(tmp_path / name, fsync=False)
    for call in (
        lambda: store.get("a"),
        lambda: "a" in store,
        store.keys,
        lambda: store.put("a", b""),
        lambda: store.put("a/b", b""),
        lambda: store.delete("a"),
        store.ping,
    ):
        with pytest.raises(StoreError, match="is no folder"):
            call()


# Permissions.


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_are_what_the_umask_leaves(tmp_path: Path, umask: int) -> None:
    store = FilesystemStore(tmp_path / "root", fsync=False)
    source = tmp_path / "source"
    source.write_bytes(b"moved")
    source.chmod(0o755)
    before = os.umask(umask)
    try:
        store.put("put", b"1")
        store.put_file("moved", source)
    finally:
        os.umask(before)
    for key in ("put", "moved"):
        mode = stat.S_IMODE(Path(store.root, key).stat().st_mode)
        assert mode == 0o666 & ~umask


def test_permissions_can_be_set(tmp_path: Path) -> None:
    store = FilesystemStore(tmp_path, 0o612, fsync=False)
    (tmp_path / "source").write_bytes(b"")
    store.put("put", b"1")
    store.put_file("file", BytesIO(b"2"))
    store.put_file("moved", str(tmp_path / "source"))
    for key in ("put", "file", "moved"):
        assert stat.S_IMODE((tmp_path / key).stat().st_mode) == 0o612


# Temporary files of killed writers.


def test_a_listing_sweeps_what_dead_writers_left(store: HFilesystemStore) -> None:
    store.put("a/b", b"1")
    stale = Path(store.root, "a", ";put-0123456789abcdef")
    stale.write_bytes(b"half a val")
    assert store.keys() == ["a/b"]
    assert not stale.exists()


def test_a_listing_leaves_what_living_writers_need(store: HFilesystemStore) -> None:
    writer = store.open_writer("a/b")
    writer.write(b"half")
    assert store.keys() == []
    assert len(files_below(Path(store.root))) == 1
    writer.write(b" and half")
    writer.close()
    assert store.get("a/b") == b"half and half"


# URLs.


def test_url_leads_to_the_file(store: HFilesystemStore) -> None:
    store.put("a b/c%20d", b"1")
    url = store.url_for("a b/c%20d")
    assert url == f"file://{store.root}/a%20b/c%2520d"


def test_url_of_a_file_has_no_options(store: HFilesystemStore) -> None:
    with pytest.raises(Unsupported, match="expires"):
        store.url_for("a", expires=60)
    with pytest.raises(Unsupported, match="method"):
        store.url_for("a", method="PUT")


def test_web_store_puts_its_prefix_before_the_key(tmp_path: Path) -> None:
    store = WebFilesystemStore(tmp_path, "https://example.org/files/")
    assert store.url_for("a?b") == "https://example.org/files/a%3Fb"
    callable_store = WebFilesystemStore(
        tmp_path, lambda of, key: f"//{Path(of.root).name}/{len(key)}/"
    )
    assert callable_store.url_for("abc") == f"//{tmp_path.name}/3/abc"
