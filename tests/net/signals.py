"""Signals that end calls."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.proxy import Fault

_POLL_SECS = 0.002


class Interrupted(BaseException):
    """What a signal handler raises in the middle of a call."""


@contextmanager
def interrupting(after_secs: float = 0) -> Iterator[None]:
    """Let a signal interrupt the block; with 0 seconds somebody else sends it."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, after_secs)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def interrupted_by(fault: Fault) -> Iterator[None]:
    """Expect that the block is interrupted, as soon as the fault happens."""
    over = threading.Event()
    caller = threading.get_ident()

    def watch() -> None:
        while not over.wait(_POLL_SECS):
            if fault.happened:
                signal.pthread_kill(caller, signal.SIGALRM)
                return

    watcher = threading.Thread(target=watch)
    with interrupting():
        watcher.start()
        try:
            with pytest.raises(Interrupted):
                yield
        finally:
            over.set()
            watcher.join()


unclosed = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
"""Of a socket that was just opened, nobody knows yet; its finalizer closes it."""
