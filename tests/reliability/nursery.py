"""Children that write until they are killed: ``python -m tests.reliability.nursery``.

One process imports everything once and forks, so that a thousand kills take minutes.
Each child stores a first value, and then one after the other, and says each time that
one is acknowledged.
"""

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final, NoReturn

from minimalkv import KeyValueStore, get_store_from_url
from minimalkv._hstores import HDictStore
from minimalkv.sync import sync
from tests.workers import signed

_ROOT: Final = Path(__file__).parent.parent.parent
_PATIENCE_SECS: Final = 60
SYNCED: Final = 20
"""How many objects one sync stores."""

Use = Callable[[KeyValueStore, str, int, int], None]


def _put(store: KeyValueStore, key: str, number: int, size: int) -> None:
    store.put(key, signed(number, size))


def _put_file(store: KeyValueStore, key: str, number: int, size: int) -> None:
    store.put_file(key, Signed(number, size))


class Signed:
    """A source of what `signed` makes, in odd pieces, that can do nothing but read."""

    def __init__(self, number: int, size: int) -> None:
        self._value = memoryview(signed(number, size))

    def read(self, size: int, /) -> bytes:
        given = bytes(self._value[: min(size, 99_991)])
        self._value = self._value[len(given) :]
        return given


def _open_writer(store: KeyValueStore, key: str, number: int, size: int) -> None:
    value = signed(number, size)
    with store.open_writer(key) as writer:
        for begin in range(0, len(value), 50_000):
            writer.write(value[begin : begin + 50_000])


def _sync(store: KeyValueStore, key: str, number: int, size: int) -> None:
    values = {f"{key}/{n}": signed(number, size // SYNCED) for n in range(SYNCED)}
    report = sync(HDictStore(values), store, prefix=f"{key}/")
    assert report.complete, report


USES: Final[dict[str, Use]] = {
    use.__name__[1:]: use for use in (_put, _put_file, _open_writer, _sync)
}
"""What a child does again and again."""


class Nursery:
    """A process that forks writers to a store, and kills them.

    Parameters
    ----------
    opened : str
        The URL of the store, or ``module:Class:folder`` of a broken one.
    """

    def __init__(self, opened: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, opened],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def kill_one(self, use: str, key: str, size: int, share: float) -> dict[str, Any]:
        """Let a child write, and kill it in one of its first calls.

        Parameters
        ----------
        use : str
            One of `USES`.
        key : str
            Under which it writes.
        size : int
            Bytes of each value.
        share : float
            When: a share of the time that one call takes.

        Returns
        -------
        dict
            ``acknowledged``: the number of the last value that was; ``after_secs``.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([use, key, size, share]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "The nursery has ended."
        answer: dict[str, Any] = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer

    def close(self) -> None:
        """End it; no child outlives a call."""
        self._process.communicate(timeout=_PATIENCE_SECS)


@contextmanager
def nursery(opened: str) -> Iterator[Nursery]:
    made = Nursery(opened)
    try:
        yield made
    finally:
        made.close()


def open_store(opened: str) -> KeyValueStore:
    """Open a URL, or a broken store by its module, class and folder."""
    if "://" in opened:
        return get_store_from_url(opened)
    module, name, folder = opened.split(":")
    store: KeyValueStore = getattr(__import__(module, fromlist=[name]), name)(folder)
    return store


def _serve(opened: str) -> None:
    durations: dict[tuple[str, int], float] = {}
    with open_store(opened) as store:
        store.ping()
    for line in sys.stdin:
        use, key, size, share = json.loads(line)
        if (use, size) not in durations:
            durations[use, size] = _measure(opened, use, key, size)
        after = share * durations[use, size]
        print(json.dumps(_kill_one(opened, use, key, size, after)), flush=True)


def _kill_one(
    opened: str, use: str, key: str, size: int, after: float
) -> dict[str, Any]:
    child, said_fd = _fork(opened, use, key, size)
    try:
        if not select.select([said_fd], [], [], _PATIENCE_SECS)[0]:
            return {"error": "the child stored nothing"}
        # At a moment of its own choice: that is what a kill is.
        time.sleep(after)
    finally:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        with os.fdopen(said_fd, "rb") as said:
            numbers = said.read().split()
    if not os.WIFSIGNALED(status) or not numbers:
        return {"error": f"the child ended by itself: {status}"}
    return {"acknowledged": int(numbers[-1]), "after_secs": after}


def _measure(opened: str, use: str, key: str, size: int) -> float:
    """Return how long one call takes when it is not the first."""
    child, said_fd = _fork(opened, use, key, size)
    begin, numbers = 0.0, 0
    try:
        while numbers < 4 and select.select([said_fd], [], [], _PATIENCE_SECS)[0]:
            numbers += os.read(said_fd, 65536).count(b"\n")
            begin = begin or time.monotonic()
        return (time.monotonic() - begin) / max(numbers - 1, 1)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(said_fd)


def _fork(opened: str, use: str, key: str, size: int) -> tuple[int, int]:
    said_fd, child_fd = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(said_fd)
        _write_for_ever(opened, USES[use], key, size, child_fd)
    os.close(child_fd)
    return child, said_fd


def _write_for_ever(
    opened: str, use: Use, key: str, size: int, said_fd: int
) -> NoReturn:
    try:
        random.seed()
        store = open_store(opened)
        for number in count():
            use(store, key, number, size)
            os.write(said_fd, b"%d\n" % number)
    finally:
        os._exit(1)


if __name__ == "__main__":
    _serve(sys.argv[1])
