"""Several processes on one folder: who was first, and what readers see."""

import time
from pathlib import Path

import pytest

from minimalkv import KeyNotFound
from minimalkv._hstores import HFilesystemStore
from tests.workers import is_whole, run_all, signed, start


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"hfs://{tmp_path}/root?fsync=false"


@pytest.fixture
def store(tmp_path: Path) -> HFilesystemStore:
    return HFilesystemStore(tmp_path / "root", fsync=False)


def test_eight_processes_lose_no_update(url: str, store: HFilesystemStore) -> None:
    run_all("update", 8, url, 200)
    assert store.get("counter") == b"1600"


def test_of_eight_creators_one_wins_each_round(
    url: str, store: HFilesystemStore
) -> None:
    wins = run_all("create", 8, url, 50)
    assert sum(map(int, wins)) == 50
    assert len(store.keys("round-")) == 50


def test_of_eight_that_replace_a_version_one_wins(
    url: str, store: HFilesystemStore
) -> None:
    for _ in range(3):
        store.put("versioned", b"old")
        etag = store.head("versioned").etag
        assert sorted(run_all("replace", 8, url, etag)) == ["0"] * 7 + ["1"]


def test_readers_see_whole_values_during_overwrites(
    url: str, store: HFilesystemStore
) -> None:
    store.put("victim/a", signed(0, 200_000))
    writers = [start("put_for_ever", url, 200_000) for _ in range(2)]
    try:
        for _ in range(300):
            assert is_whole(store.get("victim/a"))
            with store.open("victim/a") as file:
                assert is_whole(file.read())
            data, meta = store.get_with_meta("victim/a")
            assert is_whole(data)
            assert meta.size == len(data)
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()


def test_a_value_can_be_deleted_while_it_is_written(
    url: str, store: HFilesystemStore
) -> None:
    writer = start("put_for_ever", url, 80_000)
    try:
        seen = 0
        deadline = time.monotonic() + 60
        while seen < 200 and time.monotonic() < deadline:
            store.delete("victim/a")
            try:
                assert is_whole(store.get("victim/a"))
            except KeyNotFound:
                continue
            seen += 1
        assert seen == 200
        assert writer.poll() is None, "the writer survives that its folder vanishes"
    finally:
        writer.kill()
        writer.communicate()
