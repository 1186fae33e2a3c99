"""Visitors who go on while servers come and go, and what became of each call.

    with Load(makers(url)) as load:
        load.runs(2)
        load.is_safe()      # all that was acknowledged by now is replicated
        kill(node)
        outcome = load.recovers()

A value that was acknowledged and is gone is counted; one that was safe, or that nobody
wrote, is wrong.
"""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, NamedTuple, Self

from minimalkv import StoreError
from tests.reliability.visits import Visit

_EACH: Final = 3
_PAUSE_SECS: Final = 0.002
_CALM_SECS: Final = 3.0
_PATIENCE_SECS: Final = 30.0


class Call(NamedTuple):
    """One call of a visit: what, when, and whether it was done."""

    kind: str
    began: float
    ended: float
    error: str


class Outcome(NamedTuple):
    """What a load went through.

    Attributes
    ----------
    recovered_secs : dict of str to float
        For each kind of call, how long after the loss the last one failed.
    slowest_secs : float
        How long the longest call took.
    calls, errors : int
        How many there were since the loss, and how many of them failed.
    lost : Counter of str
        How many acknowledged values are gone, or older, by the kind of visit.
    wrong : list of str
        What must never be.
    """

    recovered_secs: dict[str, float]
    slowest_secs: float
    calls: int
    errors: int
    lost: Counter[str]
    wrong: list[str]

    def __str__(self) -> str:
        lost = ", ".join(f"{kind} {n}" for kind, n in sorted(self.lost.items()))
        return (
            f"all kinds of calls work again after "
            f"{max(self.recovered_secs.values()):.1f} s; {self.errors} of {self.calls} "
            f"calls were an error, the longest took {self.slowest_secs:.1f} s; "
            f"acknowledged and lost: {lost or 0}; wrong: {len(self.wrong)}"
        )


class Ledger:
    """What a visit was told, and what it found.

    Attributes
    ----------
    acknowledged : int
        The last number that was, or was found to have happened.
    """

    def __init__(self, visit: Visit, name: str) -> None:
        self.visit = visit
        self.name = name
        self.number = 0
        self.acknowledged = 0
        self.lost = 0
        self.wrong: list[str] = []
        self._safe = 0
        self._kept: list[int] = []
        self._unsure: set[int] = set()

    def is_safe(self) -> None:
        """Note that what was acknowledged by now cannot get lost."""
        self._safe = self.acknowledged

    def write(self) -> None:
        self.number += 1
        self._unsure.add(self.number)
        self.visit.write(self.number)
        self._acknowledge(self.number)
        self._kept.append(self.number)

    def _acknowledge(self, number: int) -> None:
        self.acknowledged = number
        self._unsure = {one for one in self._unsure if one > number}

    def read(self) -> None:
        if not self.acknowledged:
            return
        found = self.visit.read(self.acknowledged)
        if found == self.acknowledged or (self.visit.keeps and found is None):
            self._check(found)
        elif found in self._unsure and not self.visit.keeps:
            self._acknowledge(found or 0)
        else:
            self._fall_back(found or 0)

    def _check(self, found: int | None) -> None:
        if found is None and self.acknowledged <= self._safe:
            self.wrong.append(f"{self.name}: {self.acknowledged} is safe and missing")

    def _fall_back(self, found: int) -> None:
        if not self._safe <= found < self.acknowledged or self.visit.keeps:
            self.wrong.append(
                f"{self.name}: {found} is there, {self.acknowledged} was acknowledged, "
                f"{self._safe} was safe"
            )
        self.lost += max(self.acknowledged - found, 0)
        self.acknowledged = found

    def close(self) -> None:
        """Look for the last time, at all that is to be there."""
        if not self.visit.keeps:
            self.read()
            return
        for number in self._kept:
            if self.visit.read(number) != number:
                self.lost += 1
                if number <= self._safe:
                    self.wrong.append(f"{self.name}: {number} was safe and is missing")


class Load:
    """Threads of visitors, some for each kind, from the ``with`` to its end.

    Parameters
    ----------
    makers : mapping of str to callable
        Makes a visit of each kind, by a name of its own.
    """

    def __init__(self, makers: Mapping[str, Callable[[str], Visit]]) -> None:
        self._ledgers = {
            kind: [Ledger(make(f"{kind}-{i}"), f"{kind} {i}") for i in range(_EACH)]
            for kind, make in makers.items()
        }
        self._calls: list[Call] = []
        self._ended = threading.Event()
        self._lost_at = 0.0
        self._threads = [
            threading.Thread(target=self._visit, args=(kind, ledger))
            for kind, ledgers in self._ledgers.items()
            for ledger in ledgers
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _visit(self, kind: str, ledger: Ledger) -> None:
        while not self._ended.wait(_PAUSE_SECS):
            self._call(f"{kind}, write", ledger.write, ledger)
            self._call(f"{kind}, read", ledger.read, ledger)

    def _call(self, kind: str, call: Callable[[], None], ledger: Ledger) -> None:
        began, error = time.monotonic(), ""
        try:
            call()
        except StoreError as documented:
            error = str(documented) or "no message"
        except Exception as other:  # noqa: BLE001 - none of them may come
            ledger.wrong.append(f"{kind} raised {other!r}")
            error = repr(other)
        self._calls.append(Call(kind, began, time.monotonic(), error))

    @property
    def errors(self) -> list[str]:
        """The messages of all calls that failed."""
        return [call.error for call in list(self._calls) if call.error]

    def runs(self, secs: float) -> None:
        """Let it run, until each kind of calls was done; nothing may fail yet.

        Raises
        ------
        AssertionError
            If a call failed, or a kind of calls was never done.
        """
        began = time.monotonic()
        self._ended.wait(secs)
        while self._is_new and time.monotonic() - began < _PATIENCE_SECS:
            self._ended.wait(0.05)
        assert self.errors == []
        assert not self._is_new

    @property
    def _is_new(self) -> bool:
        return len({call.kind for call in list(self._calls)}) < 2 * len(self._ledgers)

    def is_safe(self, replicate: Callable[[], None]) -> None:
        """Note what is acknowledged, and then wait until it is replicated."""
        for ledgers in self._ledgers.values():
            for ledger in ledgers:
                ledger.is_safe()
        replicate()

    def loses(self, take_away: Callable[[], None]) -> None:
        """Take something away, and remember when."""
        self._lost_at = time.monotonic()
        take_away()

    def recovers(self, within_secs: float, calm_secs: float = _CALM_SECS) -> Outcome:
        """Wait until nothing fails for *calm_secs*, stop, and look at everything.

        Raises
        ------
        AssertionError
            If a kind of calls does not work again in time.
        """
        while time.monotonic() - self._lost_at < within_secs + calm_secs:
            self._ended.wait(0.1)
            failing = self._failing(time.monotonic() - calm_secs)
            if time.monotonic() - self._lost_at > calm_secs and not failing:
                break
        self.__exit__(None, None, None)
        assert not failing, (
            f"Not again in {within_secs} s: {failing}, {self.errors[-3:]}"
        )
        return self._outcome()

    def _failing(self, since: float) -> set[str]:
        """Return the kinds of calls that failed, or of which none was done."""
        recent = [call for call in list(self._calls) if call.ended >= since]
        done = {call.kind for call in recent if not call.error and call.began >= since}
        every = {call.kind for call in list(self._calls)}
        return {call.kind for call in recent if call.error} | (every - done)

    def _outcome(self) -> Outcome:
        lost: Counter[str] = Counter()
        wrong: list[str] = []
        for kind, ledgers in self._ledgers.items():
            for ledger in ledgers:
                ledger.close()
                lost[kind] += ledger.lost
                wrong += ledger.wrong
        since = [call for call in self._calls if call.ended >= self._lost_at]
        recovered: defaultdict[str, float] = defaultdict(float)
        for call in since:
            late = call.ended - self._lost_at if call.error else 0.0
            recovered[call.kind] = max(recovered[call.kind], late)
        return Outcome(
            dict(recovered),
            max(call.ended - call.began for call in since),
            len(since),
            sum(bool(call.error) for call in since),
            +lost,
            wrong,
        )
