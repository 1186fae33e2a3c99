"""kill -9 at any moment of a write: the old value or the new one, never else."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minimalkv import KeyNotFound, KeyValueStore
from tests.broken_on_disk import ShowsTemporaryFiles, WritesInPlace
from tests.reliability.nursery import SYNCED, USES, Nursery, nursery, open_store
from tests.sync.tools import KINDS, url_of
from tests.workers import signed

QUICK_KILLS = {"fs": 30, "a server": 12}
LONG_KILLS = 1000
SMALL = 60_000
LARGE = 9 * 2**20
"""In several parts, wherever there are parts."""

Sizes = dict[str, int]


class Storm:
    """Kills in a row, and what they left.

    Attributes
    ----------
    bad : list of str
        What should never be.
    kills, cut : int
        How many there were, and after how many there was a value that the writer never
        said that it had stored.
    """

    def __init__(self, writers: Nursery, store: KeyValueStore, sizes: Sizes) -> None:
        self._writers = writers
        self._store = store
        self._sizes = sizes
        self._dice = random.Random(len(sizes))
        self._last: dict[str, tuple[int, int]] = {}
        self.bad: list[str] = []
        self.kills = self.cut = 0

    def run(self, kills: int) -> None:
        for number in range(kills):
            use = list(self._sizes)[number % len(self._sizes)]
            self._kill(use, f"victim/{use}-{number}", self._sizes[use])

    def _kill(self, use: str, key: str, size: int) -> None:
        killed = self._writers.kill_one(use, key, size, self._dice.uniform(0, 1.5))
        last = killed["acknowledged"]
        keys = [f"{key}/{n}" for n in range(SYNCED)] if use == "sync" else [key]
        size = size // SYNCED if use == "sync" else size
        self._last.update(dict.fromkeys(keys, (last, size)))
        for one in keys:
            self._look_at(one)
        self.kills += 1
        self._list()
        self._store.delete_many(keys)

    def _list(self) -> list[str]:
        found = self._store.keys("victim/")
        extra = set(found) - self._last.keys()
        if extra:
            self.bad.append(f"{sorted(extra)} can be seen.")
        return found

    def end(self) -> None:
        """Look at what was on its way to a server, and arrived after its writer died.

        Files that dead writers left are swept by a listing; what Redis has is counted.
        """
        for key in self._list():
            self._look_at(key)
        self._store.delete_prefix("victim/")
        store: Any = self._store
        if hasattr(store, "root"):
            left = [path for path in Path(store.root).rglob("*") if path.is_file()]
            assert {path.parent.name for path in left} <= {";locks"}
        if hasattr(store, "redis"):
            assert store.redis.dbsize() == 0

    def _look_at(self, key: str) -> None:
        last, size = self._last[key]
        try:
            found = self._store.get(key)
        except KeyNotFound:
            self.bad.append(f"{key}: the old value is gone.")
            return
        if found == signed(last + 1, size):
            self.cut += 1
        elif found != signed(last, size):
            self.bad.append(f"{key}: neither value {last} nor the next one.")


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest) -> str:
    return url_of(request, request.param)


def place(url: str) -> str:
    return "fs" if url.startswith("hfs") else "a server"


def storm(url: str, sizes: Sizes, kills: int) -> Storm:
    with nursery(url) as writers, open_store(url) as store:
        done = Storm(writers, store, sizes)
        done.run(kills)
        done.end()
    return done


def test_a_kill_leaves_the_old_value_or_the_new_one(url: str) -> None:
    kills = QUICK_KILLS[place(url)]
    done = storm(url, dict.fromkeys(USES, SMALL), kills)
    assert (done.kills, done.bad) == (kills, [])


@pytest.mark.stress
def test_a_thousand_kills_leave_the_old_value_or_the_new_one(
    url: str, tell: Callable[[str], None]
) -> None:
    sizes = {**dict.fromkeys(USES, SMALL), "put_file": LARGE}
    done = storm(url, sizes, LONG_KILLS)
    tell(f"{done.kills} kills, {len(done.bad)} bad, {done.cut} amid a call")
    assert done.bad == []
    assert done.cut, "Some have to come between the write and its acknowledgement."


@pytest.mark.parametrize("broken", [WritesInPlace, ShowsTemporaryFiles])
def test_a_store_that_writes_in_place_or_shows_its_temporaries_is_noticed(
    broken: type, tmp_path: Path
) -> None:
    opened = f"{broken.__module__}:{broken.__name__}:{tmp_path}"
    with nursery(opened) as writers, open_store(opened) as store:
        found = Storm(writers, store, {"put_file": LARGE})
        for _ in range(QUICK_KILLS["fs"]):
            found.run(1)
            if found.bad:
                return
    pytest.fail("Nothing was noticed.")
