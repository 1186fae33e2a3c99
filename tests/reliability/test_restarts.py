"""A server that ends and starts again under load: what was acknowledged is there."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from minimalkv import KeyNotFound, KeyValueStore, StoreError, get_store_from_url
from tests.backends.azure import AzureServer
from tests.backends.base import StoreServer
from tests.backends.gcs import GCSServer
from tests.backends.redis import RedisServer
from tests.backends.s3 import S3Server
from tests.net.backend import at_port
from tests.waiting import wait_until
from tests.workers import signed

THREADS = 4
KEYS = 200
BYTES = 4000
RESTARTS = 5

Tell = Callable[[str], None]


class Forgetful(RedisServer):
    """Valkey that writes nothing to disk, as the other tests have it."""


class Durable(RedisServer):
    """Valkey that writes each change to a file before it answers."""

    def _command(self, folder: Path) -> list[str]:
        program, config = super()._command(folder)
        with Path(config).open("a") as file:
            file.write("appendonly yes\nappendfsync always\n")
        return [program, config]


class DurableGCS(GCSServer):
    """fake-gcs-server that keeps all in files; the other tests have it in memory."""

    def _command(self, folder: Path) -> list[str]:
        command = super()._command(folder)
        where = ["-backend", "filesystem", "-filesystem-root", str(folder / "gcs")]
        return [*command, *where]


ENDS: dict[type[StoreServer], int] = {
    Durable: signal.SIGKILL,
    S3Server: signal.SIGKILL,
    DurableGCS: signal.SIGKILL,
    # It keeps what it knows in memory, and stores that every few seconds.
    AzureServer: signal.SIGTERM,
}
"""How each ends."""


@contextmanager
def running(kind: type[StoreServer]) -> Iterator[StoreServer]:
    server = kind()
    server.begin()
    try:
        server.wait()
        yield server
    finally:
        server.stop()


class Load:
    """Threads that overwrite keys of their own, whether or not they succeed.

    Attributes
    ----------
    stored, failed : int
        How often they did and did not.
    """

    def __init__(self, store: KeyValueStore) -> None:
        self._store = store
        self._done = threading.Event()
        self._possible: dict[str, set[int | None]] = {}
        self._threads = [
            threading.Thread(target=self._work, args=(n,)) for n in range(THREADS)
        ]
        self.stored = self.failed = 0
        self.problems: list[BaseException] = []

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _work(self, thread: int) -> None:
        number = 0
        while not self._done.is_set():
            number += 1
            key = f"{thread}-{number % KEYS}"
            possible = self._possible.setdefault(key, {None})
            possible.add(number)
            try:
                self._store.put(key, signed(number, BYTES))
            except StoreError:
                self.failed += 1
                # One at a time, and as seldom as one would try again.
                self._done.wait(0.05)
            except BaseException as error:  # noqa: BLE001 - told by the test
                self.problems.append(error)
                return
            else:
                self._possible[key] = {number}
                self.stored += 1

    def goes_well(self) -> None:
        """Wait until many more values are stored."""
        before = self.stored
        wait_until(lambda: self.stored > before + 100)

    def goes_wrong(self) -> None:
        """Wait until one more call has failed."""
        before = self.failed
        wait_until(lambda: self.failed > before)

    def wrong(self, store: KeyValueStore) -> Iterator[str]:
        """Yield the keys without what was acknowledged, or what may have come later."""
        for key, possible in self._possible.items():
            try:
                found = store.get(key)
            except KeyNotFound:
                if None not in possible:
                    yield f"{key} is gone"
                continue
            if found not in [signed(n, BYTES) for n in possible if n is not None]:
                yield key


def restarted(kind: type[StoreServer], end: int, times: int) -> tuple[Load, list[str]]:
    """Restart a server under load; return the load, and what is wrong."""
    with running(kind) as server, at_port(server.port):
        url = server.url(timeout=1)
        with get_store_from_url(url) as store, Load(store) as load:
            for _ in range(times):
                load.goes_well()
                server.restart(end, load.goes_wrong)
            load.goes_well()
        with get_store_from_url(url) as store:
            return load, list(load.wrong(store))


@pytest.mark.parametrize("kind", [Durable, DurableGCS])  # which start at once
def test_what_was_acknowledged_is_there_after_a_restart(
    kind: type[StoreServer],
) -> None:
    load, wrong = restarted(kind, ENDS[kind], times=1)
    assert (load.problems, wrong) == ([], [])


@pytest.mark.stress
@pytest.mark.parametrize("kind", ENDS)
def test_what_was_acknowledged_is_there_after_restarts(
    kind: type[StoreServer], tell: Tell
) -> None:
    load, wrong = restarted(kind, ENDS[kind], RESTARTS)
    outcomes = f"{load.stored} stored, {load.failed} failed, {len(wrong)} lost"
    tell(f"{RESTARTS} restarts, {outcomes}")
    assert (load.problems, wrong) == ([], [])


@pytest.mark.stress
def test_a_server_that_forgets_is_noticed() -> None:
    load, wrong = restarted(Forgetful, signal.SIGKILL, 1)
    assert load.problems == []
    assert wrong
