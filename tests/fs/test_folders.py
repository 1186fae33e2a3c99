"""Folders come and go."""

import threading
from pathlib import Path

import pytest

from minimalkv import KeyConflict, KeyNotFound, PreconditionFailed
from minimalkv._hstores import HFilesystemStore
from tests.fs.tools import files_below


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


def test_empty_folders_of_any_depth_give_way(store: HFilesystemStore) -> None:
    Path(store.root, "a/b/c").mkdir(parents=True)
    Path(store.root, "a/b", ";put-0123").write_bytes(b"left by the dead")
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


def test_a_key_of_many_folders_is_listed(store: HFilesystemStore) -> None:
    deep = "/".join("a" * 512)
    store.put(deep, b"1")
    store.put("b", b"2")
    assert sorted(store.keys()) == [deep, "b"]
    assert [meta.size for meta in store.iter_meta("a/")] == [1]
    assert sorted(store.iter_prefixes("/")) == ["a/", "b"]
    assert store.delete_prefix("a") == 1
    assert files_below(Path(store.root)) == {"b"}


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
