"""One visit to a store: its time, its keys, and the steps that look at something."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread
from typing import Final, NamedTuple

from minimalkv._checking.backends import Backend
from minimalkv._checking.findings import FAILED, OK, SKIPPED, Finding, Status
from minimalkv._errors import MinimalkvError
from minimalkv._key_value_store import KeyValueStore
from minimalkv.decorator import StoreDecorator

PREFIX: Final = "mkv-check-"
"""What all keys begin with that are written here."""

# Of the whole time, for a connection or a call; and for tidying up.
_SHARE: Final = 0.25
_SHORTEST_SECS: Final = 0.05


class Stop(Exception):
    """What was found out makes the rest meaningless.

    Parameters
    ----------
    finding : Finding
        What was found out.
    before : Finding
        What else was, in front of it.
    """

    def __init__(self, finding: Finding, *before: Finding) -> None:
        super().__init__(f"Not looked at: see {finding.name!r}.")
        self.found = (*before, finding)


class Over(Exception):
    """Nobody waits for this step any more: it must not begin to write."""


class Visit:
    """One visit to a store.

    Parameters
    ----------
    store : KeyValueStore
        The store with its wrappers.
    backend : Backend
        The store in the middle of them.
    timeout_secs : float
        How long all of it may take.
    read_only : bool
        Whether nothing may be written.

    Attributes
    ----------
    seen : dict
        The status of what was found by now, by its name.
    """

    def __init__(
        self,
        store: KeyValueStore,
        backend: Backend,
        *,
        timeout_secs: float,
        read_only: bool,
    ) -> None:
        self.store = store
        self.backend = backend
        self.timeout_secs = timeout_secs
        self.read_only = read_only
        self.may_delete = False
        self.share_secs = share_of(timeout_secs)
        self._ends = time.monotonic() + timeout_secs
        self.seen: dict[str, Status] = {}
        self._written: set[str] = set()
        self._is_over = False
        self._running: Runner | None = None

    @property
    def left_secs(self) -> float:
        """How much time is left for the steps."""
        return max(self._ends - self.share_secs - time.monotonic(), 0)

    @property
    def writes(self) -> bool:
        """Whether something may be written here, looked at and taken away again."""
        may = all(self.seen.get(name) == OK for name in ("write", "read", "delete"))
        return may and not self.read_only

    def new_key(self) -> str:
        """Return a key that nobody has.

        Raises
        ------
        InvalidKey
            If the store takes none of ours.
        """
        key = PREFIX + os.urandom(8).hex()
        self.store._check_valid_key(key)
        return key

    def inner_key(self, key: str) -> str:
        """Return what the store in the middle of the wrappers calls a key."""
        store = self.store
        while isinstance(store, StoreDecorator):
            key, store = store._map_key(key), store._dstore
        return key

    def mark(self, key: str) -> None:
        """Take note that there may be a value under a key, before it is written."""
        if self._is_over:
            raise Over
        self._written.add(key)

    def unmark(self, key: str) -> None:
        """Take note that there is none any more."""
        self._written.discard(key)

    def remove(self, key: str) -> None:
        """Delete a value of ours."""
        self.store.delete(key)
        self.unmark(key)

    def run(self, work: Callable[[], None]) -> bool:
        """Do something, and return whether it has ended in time."""
        self._running = Runner(work)
        return self._running.wait(self.left_secs)

    def tidy(self) -> set[str]:
        """Delete what is left of ours, and return the keys where that failed."""
        self._is_over = True
        left = set(self._written)
        if not left:
            return left
        # What is still on its way would come back after it was deleted.
        is_on_its_way = self._running is not None and not self._running.wait(
            self._last_secs
        )
        Runner(self._remove_all).wait(self._last_secs)
        return left if is_on_its_way else set(self._written)

    @property
    def _last_secs(self) -> float:
        return max(self._ends - time.monotonic(), _SHORTEST_SECS)

    def _remove_all(self) -> None:
        for key in list(self._written):
            with suppress(MinimalkvError):
                self.remove(key)


def share_of(timeout_secs: float) -> float:
    """Return how long one call may take."""
    return max(timeout_secs * _SHARE, _SHORTEST_SECS)


class Step(NamedTuple):
    """Something to look at.

    Attributes
    ----------
    names : tuple of str
        What it finds, unless it stops before.
    run : callable
        Takes the visit and yields findings; a `Stop` ends all of it.
    """

    names: tuple[str, ...]
    run: Callable[[Visit], Iterator[Finding]]


class Runner:
    """A function in a thread of its own, which nobody waits for longer than they want.

    Parameters
    ----------
    work : callable
        The function.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        self._thread = Thread(target=work, daemon=True)
        self._thread.start()

    def wait(self, secs: float) -> bool:
        """Wait, and return whether it has ended."""
        self._thread.join(secs)
        return not self._thread.is_alive()


def take(steps: list[Step], visit: Visit) -> list[Finding]:
    """Take the steps one after the other, within the time of the visit.

    Parameters
    ----------
    steps : list of Step
        What to look at.
    visit : Visit
        Where.

    Returns
    -------
    list of Finding
        One at least for each name of each step.
    """
    found: list[Finding] = []
    reason = ""
    for step in steps:
        if not reason:
            seen, reason = _take(step, visit)
            found += seen
            visit.seen.update((finding.name, finding.status) for finding in seen)
        known = {finding.name for finding in found}
        found += [Finding(n, SKIPPED, reason) for n in step.names if n not in known]
        if not reason and visit.left_secs <= 0:
            reason = _no_time(visit)
    return found


def _take(step: Step, visit: Visit) -> tuple[list[Finding], str]:
    """Return what a step found, and why to stop, if so."""
    found: list[Finding] = []
    reasons: list[str] = []

    in_time = visit.run(lambda: _collect(step, visit, found, reasons))
    # A thread that is left behind must not add to what is returned.
    seen, reason = list(found), "".join(reasons)
    if in_time:
        return seen, reason
    name = _next(step, seen)
    seen.append(
        Finding(name, FAILED, "It did not end in time.", more_time(visit.timeout_secs))
    )
    return seen, f"Not looked at: {name!r} took too long."


def _collect(
    step: Step, visit: Visit, found: list[Finding], reasons: list[str]
) -> None:
    try:
        found.extend(step.run(visit))
    except Stop as stop:
        found.extend(stop.found)
        reasons.append(str(stop))
    except Exception as error:  # noqa: BLE001 - a store of others may raise any
        found.append(unexpected(_next(step, found), error))


def _next(step: Step, found: list[Finding]) -> str:
    """Return the name of what a step was looking at when it ended."""
    known = {finding.name for finding in found}
    return next((name for name in step.names if name not in known), step.names[-1])


def unexpected(name: str, error: Exception) -> Finding:
    """Return a finding for an error; the text of one that is not ours is not shown."""
    if isinstance(error, MinimalkvError):
        return Finding(name, FAILED, str(error))
    kind = type(error).__name__
    return Finding(
        name,
        FAILED,
        f"The store raised {kind}, which no store should.",
        "Tell whoever wrote the store; the log may have more.",
    )


def more_time(timeout_secs: float) -> str:
    """Return the cure for what was too slow."""
    return f"If the server is only slow, give it time: --timeout {3 * timeout_secs:g}"


def _no_time(visit: Visit) -> str:
    return f"Not looked at: {visit.timeout_secs:g} seconds had passed."
