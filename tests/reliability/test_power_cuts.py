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
from tests.broken_on_disk import ForgetsToSyncFiles, ForgetsToSyncFolders
from tests.reliability.labour import THREADS, note, steps
from tests.reliability.power import Disk, disk, lacking
from tests.waiting import wait_until

_ROOT = Path(__file__).parent.parent.parent
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
Tell = Callable[[str], None]


class Labour:
    """The process of `tests.reliability.labour`, which is stopped for each cut."""

    def __init__(self, opened: str, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.labour", opened, folder],
            cwd=_ROOT,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._begun = b""
        self.steps: Counter[int] = Counter()

    def has_begun(self) -> bool:
        self._count()
        return len(self.steps) == THREADS

    def watch(self, secs: float) -> None:
        """Count what is acknowledged, for a while."""
        end = time.monotonic() + secs
        while time.monotonic() < end:
            if not self._count():
                time.sleep(0.005)

    def _count(self) -> bool:
        """Count what there is to read, but not all that comes meanwhile."""
        assert self._process.stdout is not None
        try:
            read = os.read(self._process.stdout.fileno(), 65536)
        except BlockingIOError:
            return False
        *lines, self._begun = (self._begun + read).split(b"\n")
        self.steps.update(map(int, lines))
        return bool(read)

    def stop(self) -> None:
        """Let nothing happen any more, and count what was acknowledged till then."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)
        while self._count():
            pass

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


@contextmanager
def power(tell: Tell) -> Iterator[Disk | None]:
    """Yield a disk; None where there can be none, which is told at the end."""
    if reason := lacking():
        tell(reason)
        yield None
        return
    # In memory, since a disk below the disk would only be slow.
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with (
        TemporaryDirectory(dir=place) as folder,
        disk(Path(folder)) as made,
    ):
        yield made


def cuts(
    made: Disk, opened: str, count: int, secs: float
) -> Iterator[tuple[Path, Counter[int]]]:
    """Cut the power again and again; yield the store then, and what had been done."""
    with labour(opened, made.root) as working:
        wait_until(working.has_begun)
        for _ in range(count):
            working.watch(secs)
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


def test_what_was_acknowledged_survives_a_power_cut(tell: Tell) -> None:
    check_nothing_is_lost(tell, count=2, secs=0.2)


@pytest.mark.stress
def test_what_was_acknowledged_survives_many_power_cuts(tell: Tell) -> None:
    check_nothing_is_lost(tell, count=100, secs=0.5)


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
