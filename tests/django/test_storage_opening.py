"""Files are opened, read and written on every store as Django documents it."""

import csv
import io
from typing import Any

import pytest
from django.core.files.base import ContentFile

from minimalkv_django.storage import KVStorage
from tests.django.storages import read
from tests.django.test_storage_files import LARGE


def _fail(*_: object) -> None:
    raise ZeroDivisionError("why")


def test_a_missing_file_is_told(storage: KVStorage) -> None:
    for use in (storage.open, storage.size, storage.get_modified_time):
        with pytest.raises(FileNotFoundError, match=r"missing\.txt"):
            use("missing.txt")


def test_a_file_is_read_in_both_modes(storage: KVStorage) -> None:
    storage.save("a.txt", ContentFile("gr\xfcn\nblau\n"))

    with storage.open("a.txt", "r") as text:
        assert list(text) == ["gr\xfcn\n", "blau\n"]
    with storage.open("a.txt", "rt") as text:
        assert text.read() == "gr\xfcn\nblau\n"
    with storage.open("a.txt") as binary:
        assert binary.name == "a.txt"
        assert binary.size == len(binary) == 11
        assert binary.seek(-5, io.SEEK_END) == 6
        assert binary.read() == b"blau\n"
        assert [*binary.chunks(6)] == ["gr\xfcn\n".encode(), b"blau\n"]
        assert not binary.writable()
    assert binary.closed


def test_a_file_is_written_in_both_modes(storage: KVStorage) -> None:
    with storage.open("a.csv", "w") as text:
        csv.writer(text).writerows([["gr\xfcn", 1], ["blau", 2]])
        text.writelines(["x", "y"])
    with storage.open("folder/b.bin", "wb") as binary:
        assert binary.writable()
        binary.write(LARGE)
        binary.write(b"end")
        assert not storage.exists("folder/b.bin")

    assert read(storage, "a.csv") == "gr\xfcn,1\r\nblau,2\r\nxy".encode()
    assert read(storage, "folder/b.bin") == LARGE + b"end"


def test_writing_replaces_the_file_when_it_is_closed(storage: KVStorage) -> None:
    storage.save("a", ContentFile(b"old"))
    file = storage.open("a", "wb")
    file.write(b"new")

    assert read(storage, "a") == b"old"
    file.close()
    assert read(storage, "a") == b"new"
    file.close()


@pytest.mark.parametrize("mode", ["w", "wb", "x", "xb"])
def test_nothing_is_stored_after_an_exception(storage: KVStorage, mode: str) -> None:
    data: Any = b"part" if "b" in mode else "part"
    with pytest.raises(ZeroDivisionError), storage.open("a", mode) as file:
        _fail(file.write(data))
    forgotten = storage.open("a", mode)
    forgotten.write(data)
    del forgotten

    assert not storage.exists("a")


def test_closing_while_an_exception_passes_stores_nothing(memory: KVStorage) -> None:
    def use() -> None:
        file = memory.open("a", "wb")
        try:
            file.write(b"part")
            _fail()
        finally:
            file.close()

    with pytest.raises(ZeroDivisionError):
        use()

    assert not memory.exists("a")


def test_a_file_that_is_written_in_an_exception_handler_is_stored(
    memory: KVStorage,
) -> None:
    try:
        _fail()
    except ZeroDivisionError as error:
        with memory.open("log", "w") as file:
            file.write(str(error))
        again = memory.open("other", "w")
        again.write("other")
        again.close()

    assert read(memory, "log") == b"why"
    assert read(memory, "other") == b"other"


def test_text_and_bytes_are_told_apart(storage: KVStorage) -> None:
    for mode, data in (("w", b"x"), ("wb", "x")):
        with pytest.raises(TypeError), storage.open("a", mode) as file:
            file.write(data)
    assert not storage.exists("a")


def test_exclusive_writing_replaces_nothing(storage: KVStorage) -> None:
    with storage.open("a", "xb") as file:
        file.write(b"first")
    with pytest.raises(FileExistsError):
        storage.open("a", "x")
    late = storage.open("b", "x")
    late.write("late")
    storage.save("b", ContentFile(b"first"))
    with pytest.raises(FileExistsError):
        late.close()

    assert [read(storage, name) for name in "ab"] == [b"first"] * 2


@pytest.mark.parametrize("mode", ["a", "ab", "r+", "w+b", "U", "", "rw", "rbt"])
def test_other_modes_are_refused(memory: KVStorage, mode: str) -> None:
    memory.save("a", ContentFile(b"old"))

    with pytest.raises(ValueError, match="To append, read it"):
        memory.open("a", mode)
    assert read(memory, "a") == b"old"


def test_an_open_file_is_opened_again(storage: KVStorage) -> None:
    storage.save("a", ContentFile(b"old"))
    file = storage.open("a")
    assert file.read() == b"old"
    assert file.open().read() == b"old"
    assert file.size == 3

    file.open("wb").write(b"newer")
    assert file.mode == "wb"
    assert file.open("rb").read() == b"newer"
    assert file.size == 5
    file.close()
    assert file.open("r").read() == "newer"
    file.close()
