"""Files are saved on every store, whatever their content comes from."""

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import (
    InMemoryUploadedFile,
    SimpleUploadedFile,
    TemporaryUploadedFile,
)

from minimalkv import KeyValueStore, StoreError, StoreUnavailable
from minimalkv_django.storage import KVStorage
from tests.django.storages import Pipe, names_in, read
from tests.watched import WatchedStore

LARGE = bytes(range(256)) * 12_000  # what is held in memory is less


# Saving.


def test_a_saved_file_is_read_again(storage: KVStorage) -> None:
    assert storage.save("photos/a.png", ContentFile(b"one")) == "photos/a.png"

    assert read(storage, "photos/a.png") == b"one"
    assert storage.store.get("photos/a.png") == b"one"


def test_text_is_saved_as_utf_8(storage: KVStorage) -> None:
    storage.save("a.txt", ContentFile("gr\xfc\xdfe"))

    assert read(storage, "a.txt") == "gr\xfc\xdfe".encode()
    assert storage.size("a.txt") == 7


@pytest.mark.parametrize("size", [0, 1, 5_000_000])
def test_files_of_any_size_are_saved(storage: KVStorage, size: int) -> None:
    data = LARGE[:1] * size
    storage.save("a", ContentFile(data))

    assert read(storage, "a") == data


def test_a_file_without_a_name_has_its_own(storage: KVStorage) -> None:
    assert storage.save(None, ContentFile(b"1", name="mine.txt")) == "mine.txt"
    assert storage.save("other.txt", io.BytesIO(b"2")) == "other.txt"
    assert read(storage, "other.txt") == b"2"


def test_a_file_is_saved_from_its_beginning_and_stays_open(storage: KVStorage) -> None:
    with tempfile.TemporaryFile() as source:
        source.write(b"whole")
        storage.save("a", File(source))

        assert not source.closed
    assert read(storage, "a") == b"whole"


def test_a_temporary_upload_stays_where_it_is(storage: KVStorage) -> None:
    with TemporaryUploadedFile("a.bin", "image/png", 3, None) as upload:
        upload.write(b"one")
        storage.save("a.bin", upload)

        assert Path(upload.temporary_file_path()).read_bytes() == b"one"
    assert read(storage, "a.bin") == b"one"


def test_a_stored_file_is_saved_under_another_name(storage: KVStorage) -> None:
    storage.save("a", ContentFile(LARGE))
    with storage.open("a") as source:
        storage.save("b", source)

    assert read(storage, "b") == LARGE


@pytest.mark.parametrize("given", [b"few", LARGE])
def test_what_is_read_once_is_saved(storage: KVStorage, given: bytes) -> None:
    name = storage.save("folder/a.bin", Pipe(given))

    assert read(storage, name) == given
    assert (name == "folder/a.bin") == (given == b"few")


@pytest.mark.parametrize("given", [b"few", LARGE])
def test_what_is_read_once_replaces_nothing(storage: KVStorage, given: bytes) -> None:
    storage.save("a.bin", ContentFile(b"old"))
    name = storage.save("a.bin", Pipe(given))

    assert read(storage, "a.bin") == b"old"
    assert read(storage, name) == given


def test_a_name_that_is_taken_becomes_another(storage: KVStorage) -> None:
    names = [storage.save("d/a.tar", ContentFile(b"%d" % i)) for i in range(3)]

    assert names[0] == "d/a.tar"
    assert len(set(names)) == 3
    assert all(n.startswith("d/a_") and n.endswith(".tar") for n in names[1:])
    assert [read(storage, name) for name in names] == [b"0", b"1", b"2"]


def test_a_large_file_is_not_sent_to_a_name_that_is_taken(memory: KVStorage) -> None:
    memory.save("a.bin", ContentFile(b"old"))
    asked = 0

    class Counted(ContentFile):  # type: ignore[type-arg]  # generic in the stubs only
        def chunks(self, chunk_size: int | None = None) -> Any:
            nonlocal asked
            asked += 1
            return super().chunks(chunk_size)

    memory.save("a.bin", Counted(bytes(5_000_000)))
    assert asked == 1
    memory.save("a.bin", Counted(b"small"))
    assert asked == 3


def test_a_file_is_saved_under_the_name_of_a_folder(storage: KVStorage) -> None:
    storage.save("a/b.txt", ContentFile(b"1"))
    name = storage.save("a", ContentFile(b"2"))

    # Where a file cannot stand beside such a folder, it has another name.
    assert name == "a" or name.startswith("a_")
    assert read(storage, name) == b"2"
    assert read(storage, "a/b.txt") == b"1"


def test_nothing_is_saved_below_a_file_where_that_cannot_be(tmp_path: Path) -> None:
    storage = KVStorage(f"hfs://{tmp_path}?fsync=false")
    storage.save("a", ContentFile(b"1"))

    with pytest.raises(StoreError, match="a/b"):
        storage.save("a/b", ContentFile(b"2"))
    assert names_in(storage) == ["a"]


def test_a_file_is_replaced_if_that_is_wanted(
    storage: KVStorage,
) -> None:
    storage.allow_overwrite = True
    for content in (ContentFile(b"1"), ContentFile(b"2"), Pipe(LARGE)):
        assert storage.save("a.txt", content) == "a.txt"

    assert names_in(storage) == ["a.txt"]
    assert read(storage, "a.txt") == LARGE
    assert storage.is_name_available("a.txt")
    assert storage.get_available_name("a.txt") == "a.txt"
    assert len(storage.get_available_name("longer.txt", max_length=8)) == 8


@pytest.mark.parametrize("keeps_old", [True, False])
def test_a_source_that_breaks_leaves_what_was_there(
    storage: KVStorage, keeps_old: bool
) -> None:
    class Broken(Pipe):
        def read(self, size: int = -1) -> bytes:
            if not (data := super().read(size)):
                raise ConnectionResetError("gone")
            return data

    storage.allow_overwrite = keeps_old
    if keeps_old:
        storage.save("a", ContentFile(b"old"))
    with pytest.raises(ConnectionResetError):
        storage.save("a", Broken(LARGE))

    assert [read(storage, name) for name in names_in(storage)] == [b"old"] * keeps_old


# What is in the store already.


class Stored(ContentFile):  # type: ignore[type-arg]  # generic in the stubs only
    """A file that waits in a store under another name."""

    def __init__(self, store: KeyValueStore) -> None:
        super().__init__(b"read", name="a.png")
        self.store = store
        store.put("waiting", b"moved")

    def move_to(self, store: KeyValueStore, key: str) -> bool:
        if store is not self.store:
            return False
        store.move("waiting", key)
        return True


def test_a_file_of_the_same_store_is_moved(storage: KVStorage) -> None:
    names = [
        storage.save("a.png", wrap(Stored(storage.store)))
        for wrap in (lambda file: file, File)
    ]

    assert len(set(names)) == 2
    assert all(name.startswith("a_") for name in names)
    assert [read(storage, name) for name in names] == [b"moved"] * 2
    assert names_in(storage) == sorted(names)


def test_a_file_of_the_same_store_replaces_another(storage: KVStorage) -> None:
    storage.save("a.png", ContentFile(b"old"))
    storage.allow_overwrite = True

    assert storage.save("a.png", Stored(storage.store)) == "a.png"
    assert read(storage, "a.png") == b"moved"


def test_a_file_of_another_store_is_read(storage: KVStorage, memory: KVStorage) -> None:
    assert storage.save("a.png", Stored(memory.store)) == "a.png"
    assert read(storage, "a.png") == b"read"


def test_a_file_that_gets_parameters_is_read(storage: KVStorage) -> None:
    storage.object_parameters = {"Cache-Control": "no-store"}
    name = storage.save("a.png", Stored(storage.store))

    is_kept = storage.store.headers_support
    assert read(storage, name) == (b"read" if is_kept else b"moved")
    if is_kept:
        assert storage.store.head(name).headers["Cache-Control"] == "no-store"


# What is stored with it.


@pytest.mark.parametrize(
    ("file", "name", "expected"),
    [
        (ContentFile(b""), "a.png", "image/png"),
        (ContentFile(b""), "a", "application/octet-stream"),
        (SimpleUploadedFile("a", b"x", "text/x-own"), "a.dat", "text/x-own"),
        (SimpleUploadedFile("a", b"x", "image/webp"), "a.png", "image/webp"),
        (SimpleUploadedFile("a", b"x", "text/html"), "a.png", "image/png"),
        (SimpleUploadedFile("a", b"x", "image/svg+xml"), "a.png", "image/png"),
        (SimpleUploadedFile("a", b"x", "text/html"), "a.html", "text/html"),
        (SimpleUploadedFile("a", b"x", "x\r\nSet-Cookie: y"), "a.png", "image/png"),
        (SimpleUploadedFile("a", b"x", ""), "a.png", "image/png"),
    ],
)
def test_the_content_type_is_stored(
    storage: KVStorage, file: Any, name: str, expected: str
) -> None:
    storage.save(name, file)

    if storage.store.headers_support:
        assert storage.store.head(name).content_type == expected


def test_parameters_of_objects_are_stored(storage: KVStorage) -> None:
    storage.object_parameters = {"Cache-Control": "max-age=60", "content_type": "a/b"}
    storage.save("a.png", ContentFile(b"1"))
    with storage.open("b.png", "wb") as file:
        file.write(b"2")

    if storage.store.headers_support:
        for name in ("a.png", "b.png"):
            meta = storage.store.head(name)
            assert meta.content_type == "a/b"
            assert meta.headers["Cache-Control"] == "max-age=60"


def test_parameters_of_objects_may_depend_on_the_name(memory: KVStorage) -> None:
    memory.object_parameters = lambda name: {"Cache-Control": name}

    assert memory.get_object_parameters("a/b") == {"headers": {"Cache-Control": "a/b"}}
    memory.object_parameters = None
    assert memory.get_object_parameters("a/b") == {}


def test_an_upload_in_memory_is_saved(storage: KVStorage) -> None:
    upload = InMemoryUploadedFile(
        io.BytesIO(b"one"), "f", "a.gif", "image/gif", 3, None
    )

    assert storage.save(upload.name, upload) == "a.gif"
    assert read(storage, "a.gif") == b"one"


def test_an_outage_is_not_taken_for_a_missing_file(memory: KVStorage) -> None:
    memory.save("a", ContentFile(b"1"))
    watched = WatchedStore(memory.store)
    storage = KVStorage(watched)
    storage.listdir("")
    watched.fail()
    uses: list[Callable[[], object]] = [
        lambda: storage.save("b", ContentFile(b"1")),
        lambda: storage.save("b", Pipe(LARGE)),
        lambda: storage.open("a"),
        lambda: storage.open("b", "x"),
        lambda: storage.delete("a"),
        lambda: storage.exists("a"),
        lambda: storage.size("a"),
        lambda: storage.get_modified_time("a"),
        lambda: storage.get_available_name("b"),
    ]
    for use in uses:
        storage._known.forget()
        with pytest.raises(StoreUnavailable):
            use()
    assert names_in(memory) == ["a"]


def test_a_store_without_conditions_has_all_but_the_promise(memory: KVStorage) -> None:
    class Plain(type(memory.store)):  # type: ignore[misc]  # a class of the tests
        conditional_support = False

    store: KeyValueStore = Plain()
    storage = KVStorage(store)
    storage.save("a.txt", ContentFile(b"1"))

    assert storage.save("a.txt", ContentFile(b"2")).startswith("a_")
    assert read(storage, "a.txt") == b"1"
