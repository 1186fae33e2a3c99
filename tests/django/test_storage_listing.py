"""What there is: listings, sizes, times, and what deleting leaves."""

import copy
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from pytest_django import Settings

from minimalkv import ObjectMeta, _clock
from minimalkv.decorator import StoreDecorator
from minimalkv_django._storage_listing import KNOWN_SECS
from minimalkv_django.storage import KVStorage
from tests.clocks import FakeClock
from tests.counting import CountingDecorator
from tests.django.storages import read

_MANY = 1005


def fill(storage: KVStorage, *names: str) -> None:
    for name in names:
        storage.save(name, ContentFile(name.encode()))


def test_folders_and_files_are_listed(storage: KVStorage) -> None:
    fill(storage, "b.txt", "a.txt", "d/c.txt", "d/e/f.txt", "d-/x", "d.txt")

    assert storage.listdir("") == (["d", "d-"], ["a.txt", "b.txt", "d.txt"])
    assert storage.listdir("d") == storage.listdir("d/") == (["e"], ["c.txt"])
    assert storage.listdir("d/e") == ([], ["f.txt"])
    assert storage.listdir("missing") == ([], [])


def test_a_location_has_its_own_files(storage: KVStorage) -> None:
    inner = KVStorage(storage.store, location="/me dia/")
    fill(inner, "a.txt", "d/b.txt")

    assert inner.location == "me dia"
    assert inner.listdir("") == (["d"], ["a.txt"])
    assert storage.listdir("") == (["me dia"], [])
    assert read(storage, "me dia/d/b.txt") == b"d/b.txt"
    assert inner.exists("d")
    assert not storage.exists("d")


@pytest.mark.parametrize("folders", [1, _MANY])
def test_many_files_are_listed(memory: KVStorage, folders: int) -> None:
    for number in range(_MANY):
        memory.store.put(f"{number % folders}/{number}", b"")

    assert memory.listdir("") == (sorted(map(str, range(folders))), [])
    assert len(memory.listdir("0")[1]) == _MANY // folders


def test_a_folder_is_there_while_it_has_files(storage: KVStorage) -> None:
    fill(storage, "d/e/f.txt", "d/g.txt")

    for folder in ("", "d", "d/", "d/e"):
        assert storage.exists(folder)
    assert not storage.exists("d/e/f")
    storage.delete("d/e")
    storage.delete("d")
    assert storage.exists("d/e/f.txt"), "what is not empty is not deleted"

    storage.delete("d/e/f.txt")
    assert not storage.exists("d/e")
    storage.delete("d/g.txt")
    assert not storage.exists("d")
    assert storage.listdir("") == ([], [])


def test_deleting_what_is_missing_is_no_error(storage: KVStorage) -> None:
    storage.delete("missing")
    storage.delete("missing/file")
    nameless: tuple[Any, ...] = ("", ".", None)
    for name in nameless:
        with pytest.raises(ValueError, match="name"):
            storage.delete(name)


def test_size_is_in_bytes(storage: KVStorage) -> None:
    storage.save("a", ContentFile("\xfc" * 100))
    storage.save("empty", ContentFile(b""))

    assert storage.size("a") == 200
    assert storage.size("empty") == 0
    with pytest.raises(FileNotFoundError):
        storage.size("b")


# Times.

ZONES = [(True, "UTC"), (True, "Asia/Tokyo"), (False, "UTC"), (False, "Asia/Tokyo")]


@pytest.fixture
def without_times(storage: KVStorage) -> bool:
    """Save a file, and tell whether the store does not know when that was."""
    storage.save("a", ContentFile(b""))
    return storage.store.head("a").modified is None


@pytest.mark.parametrize(("is_aware", "zone"), ZONES)
def test_times_are_as_the_site_wants_them(
    storage: KVStorage,
    without_times: bool,
    settings: Settings,
    is_aware: bool,
    zone: str,
) -> None:
    settings.USE_TZ = is_aware
    settings.TIME_ZONE = zone
    if without_times:  # Redis
        with pytest.raises(NotImplementedError, match="RedisStore"):
            storage.get_modified_time("a")
        return
    found = storage.get_modified_time("a")
    now = datetime.now(UTC if is_aware else None)

    assert found.tzinfo is now.tzinfo
    # The clock of a server has whole seconds only.
    assert abs(now - found) < timedelta(minutes=1)
    assert storage.get_created_time("a") == found


def test_nobody_knows_when_a_file_was_read(storage: KVStorage) -> None:
    storage.save("a", ContentFile(b""))

    with pytest.raises(NotImplementedError):
        storage.get_accessed_time("a")


# What a listing told.


@pytest.fixture
def counted(memory: KVStorage) -> CountingDecorator:
    for name in ("a", "b", "d/c"):
        memory.store.put(name, name.encode())
    return CountingDecorator(memory.store)


def look_at_all(storage: KVStorage) -> None:
    for name in ("a", "b", "d/c"):
        assert storage.exists(name)
        assert storage.size(name) == len(name)
        assert storage.get_modified_time(name)


def test_what_a_listing_told_is_not_asked_again(counted: CountingDecorator) -> None:
    storage = KVStorage(counted)
    look_at_all(storage)
    assert len(counted.take_calls()) == 9
    storage.listdir("")
    counted.take_calls()

    look_at_all(storage)
    assert counted.take_calls() == []
    assert not storage.exists("missing")
    assert counted.take_calls() != []


def test_what_a_listing_told_is_forgotten_soon(
    counted: CountingDecorator, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    monkeypatch.setattr(_clock, "elapsed", clock)
    storage = KVStorage(counted)
    storage.listdir("")
    counted.delete("a")
    assert storage.exists("a")

    clock.advance(KNOWN_SECS)
    assert not storage.exists("a")


def test_ones_own_writing_counts_at_once(storage: KVStorage) -> None:
    storage.allow_overwrite = True
    fill(storage, "a", "b", "c")
    for content in (b"12", b"123"):
        storage.listdir("")
        storage.save("a", ContentFile(content))
        assert storage.size("a") == len(content)
        storage.listdir("")
        with storage.open("a", "wb") as file:
            file.write(content * 2)
        assert storage.size("a") == 2 * len(content)
    storage.listdir("")
    storage.delete("a")
    assert not storage.exists("a")


def test_what_is_written_during_a_listing_counts(memory: KVStorage) -> None:
    class Meanwhile(StoreDecorator):
        def _iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
            yield from super()._iter_meta(prefix)
            storage.delete("b")

    storage = KVStorage(Meanwhile(memory.store))
    fill(memory, "a", "b")
    storage.listdir("")

    assert not storage.exists("b")


def test_saving_asks_the_store_whatever_a_listing_told(memory: KVStorage) -> None:
    other = KVStorage(memory.store)
    fill(memory, "a")
    memory.listdir("")
    other.delete("a")
    assert memory.save("a", ContentFile(b"1")) == "a"

    memory.listdir("")
    fill(other, "b")
    assert memory.save("b", ContentFile(b"2")) != "b"
    assert read(memory, "b") == b"b"


def test_a_copy_knows_nothing(memory: KVStorage, tmp_path: Path) -> None:
    storage = KVStorage(f"hfs://{tmp_path}")
    fill(storage, "a")
    storage.listdir("")
    copies = [copy.copy(storage), copy.deepcopy(storage)]
    copies.append(pickle.loads(pickle.dumps(storage)))
    KVStorage(f"hfs://{tmp_path}").delete("a")

    for copied in copies:
        assert copied == storage
        assert not copied.exists("a")
