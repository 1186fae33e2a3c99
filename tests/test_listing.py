"""Listings of files are lazy: nothing waits for the last name, nothing piles up."""

import os
import stat
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from minimalkv import KeyValueStore
from minimalkv._hstores import HFilesystemStore
from minimalkv.fs import FilesystemStore

FILES = 3000
FEW, MANY = 2_000, 20_000
GROWTH_BYTES = 64 * 1024

LISTINGS: dict[str, Callable[[KeyValueStore], Iterator[object]]] = {
    "iter_keys": lambda store: store.iter_keys(),
    "iter": iter,
    "iter_meta": lambda store: store.iter_meta(),
    "iter_prefixes": lambda store: store.iter_prefixes("/"),
}

each_listing = pytest.mark.parametrize("listing", LISTINGS.values(), ids=LISTINGS)


class CountedEntries:
    """The result of `os.scandir`, which counts how many entries were taken."""

    def __init__(self, counter: "Counter", folder: Any) -> None:
        self._counter = counter
        self._entries = os_scandir(folder)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> "os.DirEntry[str]":
        entry: os.DirEntry[str] = next(self._entries)
        self._counter.entries += 1
        return entry

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._entries.close()


os_scandir = os.scandir


class Counter:
    def __init__(self) -> None:
        self.folders = 0
        self.entries = 0

    def scandir(self, folder: Any) -> CountedEntries:
        self.folders += 1
        return CountedEntries(self, folder)


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Counter:
    counter = Counter()
    monkeypatch.setattr(os, "scandir", counter.scandir)
    # Whatever lists in another way would slip past the counter.
    for name in ("listdir", "walk", "fwalk"):
        monkeypatch.delattr(os, name)
    return counter


def fill(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"{number:06d}").touch()


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> FilesystemStore:
    root = tmp_path_factory.mktemp("flat") / "root"
    fill(root, FILES)
    return FilesystemStore(root)


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> HFilesystemStore:
    root = tmp_path_factory.mktemp("nested") / "root"
    for number in range(30):
        fill(root / f"{number:02d}" / "inner", FILES // 30)
    return HFilesystemStore(root)


def open_folders() -> int:
    """Count the open folders of this process; files may be anybody's."""
    return sum(is_folder(int(path.name)) for path in Path("/dev/fd").iterdir())


def is_folder(fd: int) -> bool:
    try:
        return stat.S_ISDIR(os.fstat(fd).st_mode)
    except OSError:
        return False  # the one that listed /dev/fd


@each_listing
def test_first_key_takes_one_entry_of_three_thousand(
    listing: Callable[[KeyValueStore], Iterator[object]],
    flat: FilesystemStore,
    counter: Counter,
) -> None:
    found = listing(flat)
    assert counter.entries == 0

    next(found)

    assert (counter.folders, counter.entries) == (1, 1)


def test_each_key_takes_one_more_entry(flat: FilesystemStore, counter: Counter) -> None:
    for number, _ in enumerate(flat.iter_keys(), start=1):
        assert counter.entries == number

    assert (counter.folders, counter.entries) == (1, FILES)


@each_listing
def test_first_key_in_folders_takes_one_entry_a_folder(
    listing: Callable[[KeyValueStore], Iterator[object]],
    nested: HFilesystemStore,
    counter: Counter,
) -> None:
    next(listing(nested))

    assert counter.folders <= 3
    assert counter.entries <= 3


def test_other_folders_than_that_of_the_prefix_are_not_looked_into(
    nested: HFilesystemStore, counter: Counter
) -> None:
    assert len(nested.keys("07/inner/")) == FILES // 30
    assert (counter.folders, counter.entries) == (1, FILES // 30)


def test_a_prefix_within_a_name_looks_into_the_matching_folders_only(
    nested: HFilesystemStore, counter: Counter
) -> None:
    assert len(nested.keys("0")) == FILES // 3
    assert counter.folders == 1 + 10 * 2


def test_iter_prefixes_looks_only_until_a_folder_is_known_to_have_a_value(
    nested: HFilesystemStore, counter: Counter
) -> None:
    assert len(list(nested.iter_prefixes("/"))) == 30
    assert counter.folders == 1 + 30 * 2
    assert counter.entries == 30 + 30 * 2


def peak_bytes(store: KeyValueStore) -> int:
    deque(store.iter_keys(), maxlen=0)  # so that what is made once counts for nothing
    tracemalloc.start()
    try:
        deque(store.iter_keys(), maxlen=0)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_keys(tmp_path: Path) -> None:
    peaks = []
    for count in (FEW, MANY):
        fill(tmp_path / str(count), count)
        peaks.append(peak_bytes(FilesystemStore(tmp_path / str(count))))

    assert peaks[1] - peaks[0] < GROWTH_BYTES


def test_memory_does_not_grow_with_the_number_of_folders(tmp_path: Path) -> None:
    peaks = []
    for count in (FEW, MANY):
        for number in range(count // 100):
            fill(tmp_path / str(count) / f"{number:03d}" / "inner", 100)
        peaks.append(peak_bytes(HFilesystemStore(tmp_path / str(count))))

    assert peaks[1] - peaks[0] < GROWTH_BYTES


@each_listing
def test_closing_a_listing_midway_closes_its_folders(
    listing: Callable[[KeyValueStore], Iterator[Any]], nested: HFilesystemStore
) -> None:
    before = open_folders()
    found: Any = listing(nested)
    next(found)
    assert open_folders() > before

    found.close()

    assert open_folders() == before


@each_listing
def test_a_forgotten_listing_closes_its_folders(
    listing: Callable[[KeyValueStore], Iterator[object]], flat: FilesystemStore
) -> None:
    before = open_folders()
    found = listing(flat)
    next(found)
    assert open_folders() > before

    del found

    assert open_folders() == before


@each_listing
def test_a_finished_listing_has_closed_its_folders(
    listing: Callable[[KeyValueStore], Iterator[object]], nested: HFilesystemStore
) -> None:
    before = open_folders()

    found = listing(nested)
    assert len(list(found)) >= 30

    assert open_folders() == before


def test_a_listing_that_fails_midway_closes_its_folders(
    nested: HFilesystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = open_folders()
    found = nested.iter_keys()
    next(found)

    def fail(_: object) -> None:
        raise PermissionError(13, "denied")

    monkeypatch.setattr(os, "scandir", fail)
    with pytest.raises(OSError, match="denied"):
        list(found)
    monkeypatch.undo()

    assert open_folders() == before
