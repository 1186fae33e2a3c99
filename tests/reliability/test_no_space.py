"""A full disk, a full table of files, and a limit of the process: nothing is lost."""

import io
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from minimalkv import KeyValueStore, StoreError
from minimalkv._contract.tools import in_child
from minimalkv._hstores import HFilesystemStore
from minimalkv._streams import write_all
from tests.broken_on_disk import WritesInPlace
from tests.fs.tools import files_below
from tests.reliability import power

OLD = b"old" * 10_000
NEW = b"the new one" * 100_000
DISK_BYTES = 2 * 2**20
FILES = 40
MOST_OPEN = 200

Use = Callable[[KeyValueStore], object]


def write(store: KeyValueStore) -> None:
    with store.open_writer("folder/key") as writer:
        for begin in range(0, len(NEW), 50_000):
            writer.write(NEW[begin : begin + 50_000])


USES: dict[str, Use] = {
    "put": lambda store: store.put("folder/key", NEW),
    "put_file": lambda store: store.put_file("folder/key", io.BytesIO(NEW)),
    "open_writer": write,
    "copy": lambda store: store.copy("large", "folder/key"),
    "put_many": lambda store: store.put_many({"folder/key": NEW}),
    "add": lambda store: store.add("folder/new", NEW),
    "update": lambda store: store.update("folder/key", lambda _: NEW),
}


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    options = f"size={DISK_BYTES},nr_inodes={FILES}"
    power.run("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder)
    try:
        yield folder
    finally:
        power.run("umount", folder)


def fill_up(folder: Path) -> None:
    with Path(folder, "filler").open("wb", buffering=0) as filler:
        size = 2**20
        while size:
            try:
                write_all(filler.write, bytes(size))
            except OSError:
                size //= 2


def take_all_files(folder: Path) -> None:
    """Leave no inode for any new file."""
    for number in range(FILES):
        try:
            Path(folder, f"filler-{number}").touch()
        except OSError:
            return


def make_room(folder: Path) -> None:
    for filler in folder.glob("filler*"):
        filler.unlink()


def check_refused(store: HFilesystemStore, use: Use, message: str) -> None:
    """Check that a use fails as it should, and changes and leaves nothing."""
    with pytest.raises(StoreError, match=message):
        use(store)
    assert {key: store.get(key) for key in store} == {"folder/key": OLD, "large": NEW}
    assert files_below(Path(store.root)) == {"folder/key", "large"}


def check_every_use(root: Path, refill: Callable[[], None], message: str) -> None:
    store = HFilesystemStore(root)
    for use in USES.values():
        refill()
        check_refused(store, use, message)


@pytest.mark.parametrize("exhaust", [fill_up, take_all_files])
def test_a_full_disk_keeps_the_old_value_and_can_be_used_again(
    exhaust: Callable[[Path], None], tmp_path: Path, tell: Callable[[str], None]
) -> None:
    if reason := power.lacking():
        tell(reason)
        return
    with small_disk(tmp_path):
        store = HFilesystemStore(tmp_path / "root")
        store.put("folder/key", OLD)
        store.put("large", NEW)
        check_every_use(
            tmp_path / "root", lambda: exhaust(tmp_path), "the disk is full"
        )
        make_room(tmp_path)
        store.delete("large")
        store.put("folder/key", NEW)
        assert store.get("folder/key") == NEW


def test_what_is_on_a_full_disk_can_be_moved_and_deleted(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    if reason := power.lacking():
        tell(reason)
        return
    with small_disk(tmp_path):
        store = HFilesystemStore(tmp_path / "root")
        store.put("folder/key", OLD)
        fill_up(tmp_path)
        store.move("folder/key", "else/where")
        assert store.get("else/where") == OLD
        store.delete("else/where")
        store.put("folder/key", OLD)


def test_what_is_read_into_a_full_disk_leaves_the_file_as_it_was(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    if reason := power.lacking():
        tell(reason)
        return
    (tmp_path / "small").mkdir()
    store = HFilesystemStore(tmp_path / "root")
    store.put("large", NEW)
    with small_disk(tmp_path / "small") as small:
        (small / "target").write_bytes(b"the caller's")
        fill_up(small)
        with pytest.raises(OSError, match="space"):
            store.get_file("large", small / "target")
        assert (small / "target").read_bytes() == b"the caller's"
        assert {path.name for path in small.iterdir()} == {"target", "filler"}


def test_a_limit_of_the_process_keeps_the_old_value(tmp_path: Path) -> None:
    store = HFilesystemStore(tmp_path)
    store.put("folder/key", OLD)
    store.put("large", NEW)

    def limited() -> None:
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(OLD), most))
        check_every_use(tmp_path, lambda: None, "larger than the limit")
        store.put("folder/key", OLD[::-1])
        assert store.get("folder/key") == OLD[::-1]

    with in_child(limited):
        pass


def test_a_limit_of_open_files_is_told(tmp_path: Path) -> None:
    store = HFilesystemStore(tmp_path)
    store.put("folder/key", OLD)

    def limited() -> None:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (MOST_OPEN, most))
        taken: list[int] = []
        with suppress(OSError):
            while True:
                taken.append(os.dup(0))
        for _ in range(3):
            with pytest.raises(StoreError, match="too many files open"):
                store.put("folder/key", NEW)
            os.close(taken.pop())
        for _ in range(20):
            os.close(taken.pop())
        assert {key: store.get(key) for key in store} == {"folder/key": OLD}
        assert files_below(tmp_path) == {"folder/key"}
        store.put("folder/key", NEW)

    with in_child(limited):
        pass


def test_a_store_that_writes_in_place_is_noticed(tmp_path: Path) -> None:
    store = WritesInPlace(tmp_path)
    store.put("folder/key", OLD)
    store.put("large", NEW)

    def limited() -> None:
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(OLD), most))
        with pytest.raises((AssertionError, OSError)):
            check_refused(store, USES["put_file"], "larger than the limit")

    with in_child(limited):
        pass
