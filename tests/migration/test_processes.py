"""Several processes use a site while it moves, and one copies what is left."""

from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from minimalkv import KeyExists, KeyNotFound, get_store_from_url
from minimalkv._carrying import carry_missing
from minimalkv._contract.tools import meanwhile
from minimalkv._hstores import HFilesystemStore
from tests.workers import run_all


@pytest.fixture
def old(tmp_path: Path) -> HFilesystemStore:
    return HFilesystemStore(tmp_path / "old", fsync=False)


@pytest.fixture
def new(tmp_path: Path) -> HFilesystemStore:
    return HFilesystemStore(tmp_path / "new", fsync=False)


@pytest.fixture
def url(tmp_path: Path) -> str:
    old = quote(f"hfs://{tmp_path}/old?fsync=false", safe="")
    return f"hfs://{tmp_path}/new?fsync=false#wrap:migrate({old})"


@pytest.mark.parametrize(
    ("processes", "times"), [(4, 50), pytest.param(8, 1000, marks=pytest.mark.stress)]
)
def test_no_update_of_several_processes_is_lost(
    url: str,
    old: HFilesystemStore,
    new: HFilesystemStore,
    processes: int,
    times: int,
) -> None:
    old.put("counter", b"1000")

    def copy() -> None:
        with suppress(KeyExists, KeyNotFound):
            carry_missing(old, new, "counter")

    with meanwhile(copy):
        run_all("update", processes, url, times)
    assert new.get("counter") == b"%d" % (1000 + processes * times)


def test_of_several_that_replace_an_old_version_one_wins(
    url: str, old: HFilesystemStore, new: HFilesystemStore
) -> None:
    old.put("versioned", b"old")
    with get_store_from_url(url) as store:
        etag = store.head("versioned").etag
    assert sorted(run_all("replace", 4, url, etag)) == ["0"] * 3 + ["1"]
    assert len(new.get("versioned")) == 1


def test_of_several_creators_none_wins_over_an_old_value(
    url: str, old: HFilesystemStore
) -> None:
    for number in range(0, 20, 2):
        old.put(f"round-{number}", b"old")
    assert sum(map(int, run_all("create", 4, url, 20))) == 10
