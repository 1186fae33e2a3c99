"""What a power cut leaves: all that was acknowledged, and never half a value."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from minimalkv._hstores import HFilesystemStore
from tests.broken_on_disk import (
    ForgetsToSyncFiles,
    ForgetsToSyncFolders,
    LeavesNamesWithoutBytes,
)
from tests.reliability.labour import THREADS, note, steps
from tests.reliability.power import Disk, disk, lacking
from tests.sessions.tools import until
from tests.workers import is_whole

_ROOT = Path(__file__).parent.parent.parent
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
MOST_CUTS = 50
BYTES_FIRST = "nodioread_nolock"
"""Else ext4 shows zeros in place of bytes that it was about to write in that moment."""
Tell = Callable[[str], None]


class Labour:
    """The process of `tests.reliability.labour`, which is stopped for each cut."""

    def __init__(self, opened: str, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.labour", opened, folder],
            cwd=_ROOT,
            stdout=subprocess.PIPE,
        )
        self.steps: Counter[int] = Counter()

    def has_begun(self) -> bool:
        self.read()
        return len(self.steps) == THREADS

    def read(self, secs: float = 0.0) -> None:
        """Count what is acknowledged, for a while or as far as it is by now."""
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        end = time.monotonic() + secs
        while True:
            lines = self._process.stdout.read()
            self.steps.update(map(int, (lines or b"").split()))
            if time.monotonic() >= end and not lines:
                return
            time.sleep(0.005)

    def stop(self) -> None:
        """Let nothing happen any more, and count what was acknowledged till then."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)
        self.read()

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def labour(opened: str, folder: Path) -> Iterator[Labour]:
    made = Labour(opened, folder)
    try:
        yield made
    finally:
        made.end()


class Expected:
    """What the threads have stored after so many steps."""

    def __init__(self) -> None:
        self._steps = [steps(number) for number in range(THREADS)]
        self._done = Counter[int]()
        self._values: list[dict[str, bytes]] = [{} for _ in self._steps]
        self._after: list[dict[str, bytes]] = [{} for _ in self._steps]

    def wrong(self, root: Path, done: Counter[int]) -> Iterator[str]:
        """Yield the threads whose values are not those after their last step or next.

        The next one was begun, and nobody was told that it is done.
        """
        store = HFilesystemStore(root)
        for number in range(THREADS):
            self._go_on(number, done[number])
            keys = store.keys(f"worker-{number}/")
            found = {key: store.get(key) for key in keys}
            if found not in (self._values[number], self._after[number]):
                yield f"worker {number} after {done[number]} steps"

    def _go_on(self, number: int, done: int) -> None:
        while self._done[number] <= done:
            self._values[number] = dict(self._after[number])
            note(self._after[number], next(self._steps[number]))
            self._done[number] += 1


def check_whole(root: Path) -> Iterator[str]:
    """Yield values that nobody stored."""
    store = HFilesystemStore(root)
    for key in store:
        if not is_whole(store.get(key)):
            yield key


@contextmanager
def power(tell: Tell, commit_secs: int = 5, *options: str) -> Iterator[Disk | None]:
    """Yield a disk; None where there can be none, which is told at the end."""
    if reason := lacking():
        tell(reason)
        yield None
        return
    # In memory, since a disk below the disk would only be slow.
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with (
        TemporaryDirectory(dir=place) as folder,
        disk(Path(folder), commit_secs, *options) as made,
    ):
        yield made


def cuts(
    made: Disk, opened: str, count: int, secs: float
) -> Iterator[tuple[Path, Counter[int]]]:
    """Cut the power again and again; yield the store then, and what had been done."""
    with labour(opened, made.root) as working:
        until(working.has_begun, within_secs=60)
        for _ in range(count):
            working.read(secs)
            working.stop()
            with made.cut() as after:
                yield after / "store", working.steps
            working.go_on()


def check_nothing_is_lost(tell: Tell, count: int, secs: float) -> None:
    with power(tell) as made:
        if made is None:
            return
        expected, done = Expected(), Counter[int]()
        opened = f"hfs://{made.root}/store"
        for root, done in cuts(made, opened, count, secs):
            assert list(expected.wrong(root, done)) == []
        tell(f"{count} cuts, {done.total()} acknowledged writes, 0 lost")
        assert done.total() > THREADS


def check_nothing_is_cut(tell: Tell, count: int, secs: float) -> None:
    with power(tell, 1, BYTES_FIRST) as made:
        if made is None:
            return
        values = 0
        opened = f"hfs://{made.root}/store?fsync=false"
        for root, _ in cuts(made, opened, count, secs):
            assert list(check_whole(root)) == []
            values += len(HFilesystemStore(root).keys())
        tell(f"{count} cuts, {values} values, all whole")
        assert values, "Some were on disk by the system's own doing."


def test_what_was_acknowledged_survives_a_power_cut(tell: Tell) -> None:
    check_nothing_is_lost(tell, count=2, secs=0.2)


def test_without_fsync_no_name_comes_before_its_bytes(tell: Tell) -> None:
    check_nothing_is_cut(tell, count=1, secs=1.5)


@pytest.mark.stress
def test_what_was_acknowledged_survives_many_power_cuts(tell: Tell) -> None:
    check_nothing_is_lost(tell, count=100, secs=0.5)


@pytest.mark.stress
def test_without_fsync_no_name_comes_before_its_bytes_in_many_power_cuts(
    tell: Tell,
) -> None:
    check_nothing_is_cut(tell, count=60, secs=1.3)


@pytest.mark.parametrize("broken", [ForgetsToSyncFiles, ForgetsToSyncFolders])
def test_a_store_that_only_claims_to_sync_loses_something(
    broken: type, tell: Tell
) -> None:
    with power(tell) as made:
        if made is None:
            return
        names = {HFilesystemStore: "sound", broken: "broken"}
        sound, loses = (kind(made.root / name) for kind, name in names.items())
        sound.put("key", b"value")
        loses.put("key", b"value")
        with made.cut() as after:
            found = [HFilesystemStore(after / name).keys() for name in names.values()]
        assert found == [["key"], []]


@pytest.mark.stress
def test_a_store_whose_names_come_before_its_bytes_is_noticed(tell: Tell) -> None:
    with power(tell, 1, BYTES_FIRST) as made:
        if made is None:
            return
        opened = opened_as(LeavesNamesWithoutBytes, made)
        for root, _ in cuts(made, opened, MOST_CUTS, 1.3):
            if list(check_whole(root)):
                return
    pytest.fail("Nothing was cut.")


def opened_as(broken: type, made: Disk) -> str:
    return f"{broken.__module__}:{broken.__name__}:{made.root}/store"
