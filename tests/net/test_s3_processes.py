"""S3 with many processes and threads, amid signals, and within little memory."""

import hashlib
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from minimalkv import (
    KeyExists,
    PreconditionFailed,
    StoreUnavailable,
    get_store_from_url,
)
from minimalkv._contract.tools import in_child, meanwhile, together
from minimalkv._key_value_store import KeyValueStore
from tests import workers
from tests.backends.s3 import S3Server

_ROOT = Path(__file__).parents[2]
_LARGE = 6 * 2**20


@pytest.fixture
def url(s3_server: S3Server) -> str:
    return s3_server.url()


@pytest.fixture
def store(url: str) -> Iterator[KeyValueStore]:
    with closing(get_store_from_url(url)) as store:
        yield store


class Zeros:
    """A large source that gives odd pieces and can do nothing but read."""

    def __init__(self, digit: int, size: int = _LARGE) -> None:
        self._piece = bytes([digit])
        self._left = size

    def read(self, size: int, /) -> bytes:
        given = min(size, self._left, 77_777)
        self._left -= given
        return self._piece * given


def test_one_of_many_processes_creates(url: str, store: KeyValueStore) -> None:
    wins = workers.run_all("create", 8, url, 10)
    assert sum(map(int, wins)) == 10
    assert len(store.keys("round-")) == 10


def test_one_of_many_processes_replaces(url: str, store: KeyValueStore) -> None:
    store.put("versioned", b"first")
    wins = workers.run_all("replace", 8, url, store.head("versioned").etag)
    assert Counter(wins) == {"0": 7, "1": 1}
    assert store.get("versioned") == b"%d" % wins.index("1")


def test_no_update_of_many_processes_is_lost(url: str, store: KeyValueStore) -> None:
    workers.run_all("update", 8, url, 10)
    assert store.get("counter") == b"80"


def test_one_of_many_large_values_is_created(store: KeyValueStore) -> None:
    def create(number: int) -> bool:
        try:
            store.put_file("large", Zeros(number), if_absent=True)
        except KeyExists:
            return False
        return True

    wins = together(4, create)
    assert wins.count(True) == 1
    assert store.get("large") == bytes([wins.index(True)]) * _LARGE
    assert store.keys() == ["large"]


def test_one_of_many_large_values_replaces(store: KeyValueStore) -> None:
    store.put_file("large", Zeros(99))
    etag = store.head("large").etag

    def replace(number: int) -> bool:
        try:
            store.put_file("large", Zeros(number), if_match=etag)
        except PreconditionFailed:
            return False
        return True

    wins = together(4, replace)
    assert wins.count(True) == 1
    assert store.get("large") == bytes([wins.index(True)]) * _LARGE
    assert store.keys() == ["large"]


def test_forked_children_use_the_store_that_was_in_use(store: KeyValueStore) -> None:
    values = {f"key-{number}": b"%d" % number * 5000 for number in range(8)}
    store.put_many(values)

    def use() -> None:
        for _ in range(5):
            assert store.get_many(values) == values

    def read() -> None:
        assert store.get("key-3") == values["key-3"]

    # Threads are in the middle of a request whenever a child begins.
    with meanwhile(read), meanwhile(read):
        for _ in range(3):
            with in_child(use):
                use()


def test_stream_that_is_left_does_not_disturb_the_next_call(
    store: KeyValueStore,
) -> None:
    store.put("long", bytes(3 * 2**20))
    store.put("short", b"short")
    for _ in range(20):
        _, file = store.stream("long")
        assert file.read(10) == bytes(10)
        file.close()
        assert store.get("short") == b"short"
    _, left = store.stream("long")
    left.read(1)
    assert store.get("short") == b"short"
    left.close()


class Interrupted(BaseException):
    """What a signal handler raises in the middle of a call."""


@contextmanager
def _interrupting(secs: float) -> Iterator[None]:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, secs)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # a socket just opened
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_call_after_an_interrupted_one_has_its_own_answer(
    store: KeyValueStore,
) -> None:
    values = {f"key-{number}": b"%d" % number * 30_000 for number in range(7)}
    store.put_many(values)
    dice = random.Random(3)
    interrupted = 0
    calls: list[Any] = [
        store.get,
        store.head,
        store.__contains__,
        lambda key: store.put(key, values[key]),
        lambda key: store.get_many([key]),
        lambda key: store.keys(),
    ]
    for _ in range(300):
        key = dice.choice(list(values))
        try:
            with _interrupting(dice.uniform(1e-4, 4e-3)):
                dice.choice(calls)(key)
        except Interrupted:
            interrupted += 1
        other = dice.choice(list(values))
        assert store.get(other) == values[other]
    assert interrupted > 30
    assert sorted(store.keys()) == sorted(values)


_MEMORY = """
import hashlib, os, resource, sys
from minimalkv import get_store_from_url

SIZE = 64 * 2**20
PIECE = bytes(range(256)) * 400

class Source:
    left = SIZE
    def read(self, size):
        given = min(size, self.left, len(PIECE))
        self.left -= given
        return PIECE[:given]

class Target:
    def __init__(self):
        self.hash = hashlib.sha256()
    def write(self, data):
        self.hash.update(data)

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

store = get_store_from_url(sys.argv[1])
verb = sys.argv[2]
store.put("small", b"value")
store.get("small")
if verb.startswith("put"):
    store.put_file("warm", Source.__new__(type("Few", (Source,), {"left": 6 * 2**20})))
before = peak()
if verb == "put_file":
    store.put_file("large", Source())
elif verb == "put_if":
    store.put_file("large", Source(), if_absent=True)
elif verb == "get_file":
    target = Target()
    store.get_file("large", target)
    print(target.hash.hexdigest())
else:
    target = Target()
    with store.open("large") as file:
        while chunk := file.read(300_000):
            target.write(chunk)
    print(target.hash.hexdigest())
print(peak() - before)
"""


def _in_little_memory(url: str, verb: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _MEMORY, url, verb],
        check=True,
        capture_output=True,
        text=True,
        cwd=_ROOT,
    )
    *printed, growth = done.stdout.split()
    assert int(growth) <= 32 * 2**20, f"{verb}: {int(growth) / 2**20:.1f} MiB"
    return printed


def test_large_values_take_little_memory(url: str, store: KeyValueStore) -> None:
    _in_little_memory(url, "put_file")
    assert store.head("large").size == 64 * 2**20
    digest = hashlib.sha256(store.get("large")).hexdigest()
    assert _in_little_memory(url, "get_file") == [digest]
    assert _in_little_memory(url, "open") == [digest]
    store.delete("large")
    _in_little_memory(url, "put_if")
    assert store.head("large").size == 64 * 2**20


def test_what_a_stream_of_a_replaced_value_gives_is_one_version(
    store: KeyValueStore,
) -> None:
    def replace() -> None:
        for digit in (1, 2):
            store.put("key", bytes([digit]) * 700_000)

    store.put("key", bytes([1]) * 700_000)
    with meanwhile(replace):
        for _ in range(30):
            try:
                with store.open("key") as file:
                    data = file.read()
            except (PreconditionFailed, StoreUnavailable):
                continue
            assert len(data) == 700_000
            assert len(set(data)) == 1
