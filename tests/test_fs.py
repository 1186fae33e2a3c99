"""What is particular to files; what every store promises is in the contract."""

import errno
import os
import signal
import stat
import threading
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from minimalkv import (
    AccessDenied,
    InvalidArgument,
    KeyConflict,
    KeyExists,
    KeyNotFound,
    PreconditionFailed,
    StoreError,
    StoreUnavailable,
    Unsupported,
)
from minimalkv._fs import drafts
from minimalkv._fs.moving_in import Source
from minimalkv._hstores import HFilesystemStore
from minimalkv.fs import FilesystemStore, WebFilesystemStore


@pytest.fixture
def store(tmp_path: Path) -> HFilesystemStore:
    return HFilesystemStore(tmp_path / "root", fsync=False)


def files_below(folder: Path) -> set[str]:
    """Names of all files, but the locks, relative to a folder."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and ";locks" not in path.parts
    }


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


# Symbolic links and other things that are no values.


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


# Folders come and go.


def test_a_key_cannot_stand_beside_its_own_folder(store: HFilesystemStore) -> None:
    store.put("a", b"1")
    with pytest.raises(KeyConflict, match="'a/b'"):
        store.put("a/b", b"2")
    assert store.get("a") == b"1"
    with pytest.raises(KeyNotFound):
        store.get("a/b")
    store.put("c/d", b"3")
    with pytest.raises(KeyConflict, match="'c'"):
        store.put("c", b"4")
    assert store.get("c/d") == b"3"
    assert files_below(Path(store.root)) == {"a", "c/d"}


def test_an_empty_folder_gives_way_to_a_value(store: HFilesystemStore) -> None:
    Path(store.root, "a").mkdir(parents=True)
    store.put("a", b"1")
    assert store.get("a") == b"1"


def test_delete_removes_the_folders_it_emptied(store: HFilesystemStore) -> None:
    store.put("a/b/c", b"1")
    store.put("a/d", b"2")
    store.delete("a/b/c")
    assert not Path(store.root, "a/b").exists()
    store.delete("a/d")
    assert not Path(store.root, "a").exists()
    assert Path(store.root).is_dir()


def test_folders_may_vanish_under_a_put(store: HFilesystemStore) -> None:
    failures: list[BaseException] = []

    def put_and_delete(number: int) -> None:
        try:
            for _ in range(150):
                store.put(f"a/b/{number}", b"1")
                store.delete(f"a/b/{number}")
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=put_and_delete, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.keys() == []


def test_a_put_that_failed_leaves_no_folder(store: HFilesystemStore) -> None:
    class Failing:
        def read(self, _size: int) -> bytes:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.put_file("d/e/f", Failing())
    store.open_writer("d/e/f").abort()
    with pytest.raises(PreconditionFailed):
        store.put("d/e/f", b"", if_match="another")
    with pytest.raises(KeyNotFound):
        store.move("missing", "d/e/f")
    assert not Path(store.root, "d").exists()
    store.put("d", b"1")


def test_empty_folders_of_any_depth_give_way(store: HFilesystemStore) -> None:
    Path(store.root, "a/b/c").mkdir(parents=True)
    Path(store.root, "a/b", ";put-0123").write_bytes(b"left by the dead")
    store.put("a", b"1")
    assert store.get("a") == b"1"


def test_a_key_of_many_folders_is_listed(store: HFilesystemStore) -> None:
    deep = "/".join("a" * 512)
    store.put(deep, b"1")
    store.put("b", b"2")
    assert sorted(store.keys()) == [deep, "b"]
    assert [meta.size for meta in store.iter_meta("a/")] == [1]
    assert sorted(store.iter_prefixes("/")) == ["a/", "b"]
    assert store.delete_prefix("a") == 1
    assert files_below(Path(store.root)) == {"b"}


def test_move_finds_a_value_whose_new_folder_comes_and_goes(
    store: HFilesystemStore,
) -> None:
    moving = True

    def put_and_delete() -> None:
        while moving:
            store.put("d/other", b"")
            store.delete("d/other")

    thread = threading.Thread(target=put_and_delete)
    thread.start()
    try:
        for _ in range(1000):
            store.put("a", b"1")
            store.move("a", "d/a")
            store.move("d/a", "a")
    finally:
        moving = False
        thread.join()
    assert store.keys() == ["a"]


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


# Interruptions.


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


def deny(*_args: object, **_options: object) -> Any:
    raise PermissionError(errno.EACCES, "Permission denied")


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
    really = os.read
    monkeypatch.setattr(os, "read", lambda fd, size: really(fd, min(size, 4))[:3])
    path = Path(store.root, "a")
    os.truncate(path, 10)
    monkeypatch.setattr(os, "read", lambda _fd, size: b"012" if size == 10 else b"")
    with pytest.raises(StoreError, match="7 bytes shorter"):
        store.get("a")


# Files that are moved in.


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
    with pytest.raises(FileNotFoundError):
        store.get("a") if "a" in store else store.put_file("a", "missing")


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


# Versions.


def test_versions_differ_though_the_clock_stands_still(
    store: HFilesystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 1_700_000_000_000_000_000)
    etags = set()
    for number in range(50):
        store.put("a", b"%02d" % number)
        etags.add(store.head("a").etag)
    assert len(etags) == 50


def test_versions_differ_though_the_clock_goes_back(
    store: HFilesystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a", b"1")
    before = store.head("a").etag
    monkeypatch.setattr("time.time_ns", lambda: 1_000_000_000_000_000_000)
    store.put("a", b"2")
    assert store.head("a").etag != before


# Power cuts: that fsync is asked for, in the right order. A real one is cut elsewhere.


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


def test_size_is_what_upstream_had(store: HFilesystemStore) -> None:
    store.put("a/b", b"123")
    assert store.size("a/b") == 3
    with pytest.raises(KeyNotFound):
        store.size("missing")


def test_versions_differ_where_only_seconds_are_kept(
    store: HFilesystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.utime

    def coarse(target: Any, ns: tuple[int, int]) -> None:
        seconds = ns[1] // 1_000_000_000 * 1_000_000_000
        really(target, ns=(seconds, seconds))

    monkeypatch.setattr(os, "utime", coarse)
    monkeypatch.setattr(drafts, "_exact_devices", set())
    etags = set()
    for number in range(40):
        store.put("a", b"%02d" % number)
        etags.add(store.head("a").etag)
        store.delete("a")
        store.put("b", b"%02d" % number)
    assert len(etags) == 40


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
