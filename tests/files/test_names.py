"""Uploads get names that are safe, and that nobody else has."""

import io
import pickle
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minimalkv import (
    InvalidKey,
    KeyExists,
    KeyValueStore,
    StoreUnavailable,
    UploadIncomplete,
    UploadTooLarge,
    WrongContentType,
    get_store_from_url,
)
from minimalkv.decorator import StoreDecorator
from minimalkv.files import (
    MAX_FILENAME,
    StoredFile,
    safe_filename,
    store_upload,
    unique_filename,
)
from tests.forms import PNG

SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@pytest.fixture(params=["hmemory", "hfs"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyValueStore]:
    place = f"{tmp_path}/data?fsync=false" if request.param == "hfs" else ""
    with get_store_from_url(f"{request.param}://{place}") as store:
        yield store


class Arriving:
    """What comes over a network: it cannot be read again."""

    def __init__(self, data: bytes, piece: int = 1000) -> None:
        self._data = io.BytesIO(data)
        self._piece = piece

    def read(self, size: int = -1, /) -> bytes:
        return self._data.read(min(size, self._piece))


# Names.


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("a.png", "a.png"),
        ("my photo (1).png", "my_photo_1.png"),
        ("Äpfel & Übel.JPEG", "Apfel_Ubel.JPEG"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/abs/x.txt", "x.txt"),
        ("日本.png", "png"),
        (".htaccess", "htaccess"),
        ("..", "file"),
        ("", "file"),
        ("\0\n\r\t", "file"),
        ("a\r\nSet-Cookie: b.png", "aSet-Cookie_b.png"),
        ("x.tar.gz", "x.tar.gz"),
        ("-rf", "rf"),
        ("a. ", "a"),
        ("CON;rm -rf.txt", "CON_rm_-rf.txt"),
    ],
)
def test_name_is_made_safe(sent: str, expected: str) -> None:
    assert safe_filename(sent) == expected


@given(st.text(max_size=300))
def test_any_name_is_made_safe(sent: str) -> None:
    for name in (safe_filename(sent), unique_filename(safe_filename(sent))):
        assert SAFE.fullmatch(name)
        assert len(name) <= MAX_FILENAME


def test_long_name_keeps_its_ending() -> None:
    name = safe_filename("x" * 300 + ".png")
    assert (len(name), name[-5:]) == (MAX_FILENAME, "x.png")
    assert len(safe_filename("x." + "y" * 300)) < 30
    unique = unique_filename(name)
    assert (len(unique), unique[-4:]) == (MAX_FILENAME, ".png")


# Storing.


def test_what_can_be_read_again_keeps_its_name_once(store: KeyValueStore) -> None:
    files = [store_upload(store, io.BytesIO(PNG), "a.png") for _ in range(3)]
    assert files[0] == files[0].key == "a.png"
    assert len({*files}) == 3
    assert sorted(store.keys()) == sorted(files)
    assert all(store.get(name) == PNG for name in files)
    assert all(re.fullmatch(r"a_[\w-]{12}\.png", name) for name in files[1:])


def test_what_arrives_once_has_a_name_of_its_own_at_once(store: KeyValueStore) -> None:
    name = store_upload(store, Arriving(PNG), "a.png", prefix="photos/")
    assert re.fullmatch(r"a_[\w-]{12}\.png", name)
    assert name.key == f"photos/{name}"
    assert store.get(name.key) == PNG


def test_facts_of_a_stored_file(store: KeyValueStore) -> None:
    file = store_upload(
        store, Arriving(PNG), "C:\\my\nphoto.jpeg", prefix="p/", name="me", field="f"
    )
    assert re.fullmatch(r"me_[\w-]{12}\.png", file)
    assert (file.size, file.content_type) == (len(PNG), "image/png")
    assert (file.filename, file.field) == ("myphoto.jpeg", "f")
    again = pickle.loads(pickle.dumps(file))
    assert (again, vars(again)) == (file, vars(file))
    assert isinstance(again, StoredFile)


def test_source_is_read_from_where_it_stands(store: KeyValueStore) -> None:
    store.put("a.txt", b"taken")
    source = io.BytesIO(b"skip this")
    source.seek(5)
    file = store_upload(store, source, "a.txt")
    assert (store.get(file.key), file.size) == (b"this", 4)
    assert not source.closed


def test_many_at_once_lose_nothing(store: KeyValueStore) -> None:
    def save(number: int) -> str:
        return store_upload(store, io.BytesIO(b"%d" % number), "a.txt")

    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(save, range(40)))
    assert [int(store.get(name)) for name in names] == list(range(40))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"max_bytes": len(PNG) - 1}, UploadTooLarge),
        ({"types": ["pdf"]}, WrongContentType),
        ({"types": lambda kind, name: (kind, name) == ("x", "y")}, WrongContentType),
        ({"prefix": "mkv-"}, InvalidKey),
        ({"prefix": "mkv-session-", "name": "a"}, InvalidKey),
        ({"prefix": "../"}, InvalidKey),
        ({"prefix": "a//"}, InvalidKey),
    ],
)
@pytest.mark.parametrize("kind", [io.BytesIO, Arriving])
def test_what_is_refused_is_not_stored(
    store: KeyValueStore, options: dict[str, Any], error: type[Exception], kind: Any
) -> None:
    with pytest.raises(error):
        store_upload(store, kind(PNG), "a.png", **options)
    assert store.keys() == []


def test_just_enough_bytes_and_the_right_type_are_taken(store: KeyValueStore) -> None:
    limits: dict[str, Any] = {"max_bytes": len(PNG), "types": ["jpg", "png"]}
    assert store_upload(store, Arriving(PNG), "a", **limits).endswith(".png")
    told: list[tuple[str, str]] = []

    def wants(kind: str, name: str) -> bool:
        told.append((kind, name))
        return True

    store_upload(store, Arriving(PNG), "b.gif", types=wants)
    assert told[0] == ("image/png", "b.gif")


@pytest.mark.parametrize(
    ("sent", "types", "expected"),
    [
        ("x.hta", ["txt"], "x.txt"),
        ("x.ini", ["txt"], "x.txt"),
        ("x.ini", ["txt", "ini"], "x.ini"),
        ("x.ini", lambda kind, name: name.endswith(".ini"), "x.ini"),
        ("x.ini", lambda kind, name: kind == "text/plain", "x.txt"),
        ("x.ini", None, "x.ini"),
    ],
)
def test_ending_stays_if_just_that_is_wanted(
    store: KeyValueStore, sent: str, types: Any, expected: str
) -> None:
    assert store_upload(store, io.BytesIO(b"words"), sent, types=types) == expected


def test_types_may_come_one_by_one(store: KeyValueStore) -> None:
    types = (ending for ending in ("txt", "ini"))
    assert store_upload(store, io.BytesIO(b"words"), "x.ini", types=types) == "x.ini"


def test_source_that_breaks_leaves_nothing(store: KeyValueStore) -> None:
    class Broken(Arriving):
        def read(self, size: int = -1, /) -> bytes:
            data = super().read(size)
            if not data:
                raise UploadIncomplete("The sender has gone.")
            return data

    with pytest.raises(UploadIncomplete):
        store_upload(store, Broken(b"x" * 100_000), "a.txt")
    assert store.keys() == []


class Full(StoreDecorator):
    """A store in which every name is taken, or none can be had."""

    error: type[Exception] = KeyExists

    def _put_file(self, key: str, file: Any, **options: Any) -> str:
        raise self.error(key)


def test_names_that_are_all_taken_are_an_end(store: KeyValueStore) -> None:
    full = Full(store)
    with pytest.raises(KeyExists, match="100 names"):
        store_upload(full, io.BytesIO(PNG), "a.png")
    with pytest.raises(KeyExists):
        store_upload(full, Arriving(PNG), "a.png")
    full.error = StoreUnavailable
    with pytest.raises(StoreUnavailable):
        store_upload(full, io.BytesIO(PNG), "a.png")
