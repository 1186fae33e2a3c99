"""Any name is the name of a file, but for those that lead elsewhere."""

import re
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from hypothesis import given
from hypothesis import strategies as st

from minimalkv_django._storage_names import decode, encode
from minimalkv_django.storage import KVStorage
from tests.django.storages import read

PLAIN = ["a.png", "photos/2026/a b.png", "A-_.~!'()", "100%.txt", "a%zz", "mkv", "%"]
ODD = [
    "gr\xfcn.png",
    "\u65e5\u672c/\u8a9e.txt",
    "\U0001f600",
    "a:b*c|d;e",
    "a%20b",
    "%C3%BC",
    "a\nb",
    "?a#b=c&d",
    "\x00",
    " a ",
    "..a",
    "a..b",
    "...",
]


@pytest.mark.parametrize("name", PLAIN + ODD)
def test_a_file_has_its_name(storage: KVStorage, name: str) -> None:
    storage.save(f"d/{name}", ContentFile(name.encode()))
    folder, _, file = f"d/{name}".rpartition("/")

    assert storage.exists(f"d/{name}")
    assert storage.listdir(folder)[1] == [file]
    assert read(storage, f"d/{name}") == name.encode()
    assert storage.size(f"d/{name}") == len(name.encode())
    storage.delete(f"d/{name}")
    assert not storage.exists(f"d/{name}")


@pytest.mark.parametrize("name", PLAIN)
def test_most_names_are_their_keys(memory: KVStorage, name: str) -> None:
    memory.save(name, ContentFile(b""))

    assert memory.store.keys() == [name]


@given(st.text())
def test_every_text_comes_back_from_its_key(text: str) -> None:
    text = text.replace("\\", "/")
    key = encode(text)

    assert key.isascii()
    assert decode(key) == text


@given(st.text(st.characters(codec="ascii")))
def test_no_two_keys_have_one_name(key: str) -> None:
    name = decode(key)

    assert name is None or encode(name) == key


def test_files_of_others_that_no_name_stands_for_are_left_out(
    memory: KVStorage,
) -> None:
    for key in ("a%2Fb", "a\\b", "%FF", "a%20b", "good%.txt"):
        memory.store.put(key, b"")

    assert memory.listdir("") == ([], ["good%.txt"])


@pytest.mark.parametrize("name", ["a\\b", "a//b", "./a/b", "a/./b", "a/b"])
def test_folders_are_written_in_several_ways(storage: KVStorage, name: str) -> None:
    assert storage.save(name, ContentFile(b"1")) == "a/b"

    assert storage.exists(name)
    assert read(storage, name) == b"1"


BAD = ["..", "../a", "a/../../b", "a/..", "..\\a", "/etc/passwd", "\\a"]


@pytest.mark.parametrize("name", BAD)
def test_a_name_that_leads_out_is_refused(memory: KVStorage, name: str) -> None:
    uses: list[Any] = [
        lambda: memory.save(name, ContentFile(b"")),
        lambda: memory.open(name),
        lambda: memory.open(name, "w"),
        lambda: memory.exists(name),
        lambda: memory.size(name),
        lambda: memory.delete(name),
        lambda: memory.listdir(name),
        lambda: memory.get_modified_time(name),
        lambda: memory.path(name),
    ]
    for use in uses:
        with pytest.raises(SuspiciousFileOperation, match=re.escape(name[-1])):
            use()
    assert memory.store.keys() == []


@pytest.mark.parametrize("name", ["", ".", "/", "a/"])
def test_a_folder_is_no_file_to_save(memory: KVStorage, name: str) -> None:
    with pytest.raises(SuspiciousFileOperation):
        memory.save(name, ContentFile(b""))


@pytest.mark.parametrize("name", ["mkv-session-abc", "mkv-", "./mkv-a", "mkv-a/b"])
def test_what_is_not_a_file_is_refused(memory: KVStorage, name: str) -> None:
    memory.store.put("mkv-session-abc", b"secret")
    uses: list[Any] = [
        lambda: memory.save(name, ContentFile(b"")),
        lambda: memory.open(name),
        lambda: memory.open(name, "w"),
        lambda: memory.exists(name),
        lambda: memory.delete(name),
        lambda: memory.listdir(name),
        lambda: memory.url(name),
    ]
    for use in uses:
        with pytest.raises(SuspiciousFileOperation, match="sessions"):
            use()
    assert memory.listdir("") == ([], [])
    assert memory.store.keys() == ["mkv-session-abc"]


def test_below_a_location_any_name_is_a_file(memory: KVStorage) -> None:
    storage = KVStorage(memory.store, location="media/site")
    storage.save("mkv-a.txt", ContentFile(b"1"))

    assert storage.store.keys() == ["media/site/mkv-a.txt"]
    assert storage.listdir("") == ([], ["mkv-a.txt"])
    assert memory.listdir("media") == (["site"], [])


@pytest.mark.parametrize("name", ["\u65e5" * 90 + ".png", "d/" + "a" * 300 + ".tar.gz"])
def test_a_long_name_is_cut_before_its_extension(storage: KVStorage, name: str) -> None:
    names = [storage.save(name, ContentFile(b"%d" % i)) for i in range(2)]

    assert names[0] != names[1]
    assert [read(storage, found) for found in names] == [b"0", b"1"]
    for found in names:
        assert found[:20] == name[:20]
        assert found[-3:] == name[-3:]


def test_folders_are_not_cut(memory: KVStorage) -> None:
    with pytest.raises(SuspiciousFileOperation, match="250 characters"):
        memory.save("a" * 300 + "/b", ContentFile(b""))
    assert memory.store.keys() == []


def test_names_are_as_short_as_a_field_wants_them(storage: KVStorage) -> None:
    names = [
        storage.save("a" * 50 + ".txt", ContentFile(b""), max_length=20)
        for _ in range(3)
    ]

    assert len(set(names)) == 3
    assert {len(name) for name in names} == {20}
    assert all(name.endswith(".txt") for name in names)
    with pytest.raises(SuspiciousFileOperation, match="max_length"):
        storage.save("a.txt", ContentFile(b""), max_length=3)


def test_names_are_made_as_django_makes_them(memory: KVStorage) -> None:
    memory.save("a.txt", ContentFile(b""))

    assert memory.get_valid_name("a b?.txt") == "a_b.txt"
    assert memory.generate_filename("d\\a b.txt") == "d/a_b.txt"
    assert memory.get_available_name("b.txt") == "b.txt"
    assert memory.get_available_name("a.txt").startswith("a_")
    assert memory.is_name_available("b.txt")
    assert not memory.is_name_available("a.txt")
    assert not memory.is_name_available("b.txt", max_length=4)


def test_a_subclass_names_files_otherwise(memory: KVStorage) -> None:
    class Numbered(KVStorage):
        def get_available_name(self, name: str, max_length: int | None = None) -> str:
            del max_length
            number = 0
            while self.exists(f"{number}-{name}"):
                number += 1
            return f"{number}-{name}"

    storage = Numbered(memory.store)

    names = [storage.save("a", ContentFile(b"")) for _ in range(3)]
    assert names == ["0-a", "1-a", "2-a"]


def test_a_subclass_that_knows_one_name_only_replaces_nothing(
    memory: KVStorage,
) -> None:
    class OneName(KVStorage):
        def get_available_name(self, name: str, max_length: int | None = None) -> str:
            del name, max_length
            return "the one"

    storage = OneName(memory.store)
    storage.save("a", ContentFile(b"1"))

    with pytest.raises(FileExistsError):
        storage.save("b", ContentFile(b"2"))
    assert read(memory, "the one") == b"1"


def test_a_storage_asks_another_for_a_name(memory: KVStorage) -> None:
    other = KVStorage("hmemory://")
    other.save("a", ContentFile(b""))

    class Mirrored(KVStorage):
        def get_available_name(self, name: str, max_length: int | None = None) -> str:
            return other.get_available_name(name, max_length)

    assert Mirrored(memory.store).save("a", ContentFile(b"")).startswith("a_")
