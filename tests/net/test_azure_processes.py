"""Azure with many processes and threads, amid signals, and within little memory."""

import hashlib
import io
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
    StoreError,
    StoreUnavailable,
    get_store_from_url,
)
from minimalkv._contract.tools import in_child, meanwhile, together
from minimalkv._key_value_store import KeyValueStore
from tests import workers
from tests.backends.azure import AzureServer
from tests.net.azure_kit import Source

_ROOT = Path(__file__).parents[2]
_LARGE = 5 * 2**20


@pytest.fixture
def url(azure_server: AzureServer) -> str:
    return azure_server.url()


@pytest.fixture
def store(url: str) -> Iterator[KeyValueStore]:
    with closing(get_store_from_url(url)) as store:
        yield store


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
    workers.run_all("update", 8, url, 25)
    assert store.get("counter") == b"200"


@pytest.mark.parametrize("rounds", range(2))
def test_one_of_many_large_values_is_created(store: KeyValueStore, rounds: int) -> None:
    del rounds

    def create(number: int) -> bool:
        try:
            store.put_file("large", Source(_LARGE, number), if_absent=True)
        except KeyExists:
            return False
        return True

    created = together(8, create)
    assert created.count(True) == 1
    assert store.get("large") == bytes([created.index(True)]) * _LARGE


def test_one_of_many_large_values_replaces(store: KeyValueStore) -> None:
    store.put("large", b"first")
    etag = store.head("large").etag

    def replace(number: int) -> bool:
        try:
            store.put_file("large", Source(_LARGE, number), if_match=etag)
        except PreconditionFailed:
            return False
        return True

    replaced = together(8, replace)
    assert replaced.count(True) == 1
    assert store.get("large") == bytes([replaced.index(True)]) * _LARGE


def test_large_overwrites_at_once_all_succeed_where_they_can_begin_again(
    store: KeyValueStore,
) -> None:
    def put(number: int) -> None:
        source = io.BytesIO(b"before" + bytes([number]) * _LARGE)
        source.seek(6)
        store.put_file("large", source)

    together(6, put)
    data = store.get("large")
    assert len(data) == _LARGE
    assert len(set(data)) == 1


def test_large_overwrites_of_streams_succeed_or_say_why(store: KeyValueStore) -> None:
    def put(number: int) -> bool:
        try:
            if number % 2:
                store.put_file("large", Source(_LARGE, number))
            else:
                with store.open_writer("large") as writer:
                    writer.write(bytes([number]) * _LARGE)
        except StoreError as error:
            told.append(str(error))
            return False
        return True

    told: list[str] = []
    stored = together(6, put)
    data = store.get("large")
    assert len(data) == _LARGE
    assert stored[data[0]]
    assert all("Another writer stored 'large'" in text for text in told)
    assert len(set(data)) == 1


def test_large_values_in_bytes_are_stored_whatever_others_do(
    azure_server: AzureServer,
) -> None:
    url = azure_server.url(max_single_put_size=2**20, max_block_size=2**20)

    def put(number: int) -> None:
        with closing(get_store_from_url(url)) as store:
            store.put("large", bytes([number]) * _LARGE)

    together(6, put)
    with closing(get_store_from_url(url)) as store:
        assert len(set(store.get("large"))) == 1


# Forks, and calls that do not end.


def test_used_store_is_right_in_a_child_amid_threads(store: KeyValueStore) -> None:
    values = {f"key-{number}": b"%d" % number * 5000 for number in range(9)}
    store.put_many(values)

    def read() -> None:
        for key, value in values.items():
            assert store.get(key) == value

    with meanwhile(read), meanwhile(read):
        for _ in range(5):
            with in_child(read):
                read()


def test_closing_disturbs_no_call_of_another_thread(store: KeyValueStore) -> None:
    store.put("key", b"value")
    with meanwhile(store.close):
        for _ in range(100):
            assert store.get("key") == b"value"


def test_stream_that_is_not_read_disturbs_nobody(store: KeyValueStore) -> None:
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
import hashlib, resource, sys
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
before = peak()
if verb == "put_file":
    store.put_file("large", Source())
elif verb == "open_writer":
    with store.open_writer("large", if_absent=True) as writer:
        source = Source()
        while piece := source.read(50_000):
            writer.write(piece)
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
store.close()
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
    _in_little_memory(url, "open_writer")
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
