"""Two ways to do the same, measured in turn, and the ratio of their times."""

import time
from collections.abc import Callable, Iterator
from statistics import quantiles
from timeit import Timer
from typing import Any, NamedTuple, TypeAlias

Rows: TypeAlias = Iterator["Row"]
Call: TypeAlias = Callable[[], object]
Prepare: TypeAlias = Callable[[int], object]


class Row(NamedTuple):
    """One line of the table.

    Attributes
    ----------
    name : str
        What was done, and against what.
    ratio : float
        The median over the rounds of our time divided by theirs.
    low, high : float
        The quartiles: half of the rounds lie between them.
    aim : float or None
        The largest ratio that we want; None where the row is for information.
    """

    name: str
    ratio: float
    low: float
    high: float
    aim: float | None


class Effort(NamedTuple):
    """How long to measure, and by which clock.

    Attributes
    ----------
    rounds : int
        How often each of two ways gets its turn.
    round_secs : float
        How long a turn of calls lasts, about.
    clock : callable
        Returns seconds: those on the wall, or those that this process computed.
    """

    rounds: int
    round_secs: float
    clock: Callable[[], float] = time.perf_counter

    def of_cpu(self) -> "Effort":
        """Return the same by the clock that stands still while a server works."""
        return self._replace(clock=time.process_time)

    def more(self, times: int) -> "Effort":
        """Return more rounds, for what is faster or slower by chance."""
        return self._replace(rounds=self.rounds * times)

    def finer(self, times: int) -> "Effort":
        """Return more and shorter rounds, of which others can disturb fewer."""
        return self._replace(
            rounds=self.rounds * times, round_secs=self.round_secs / times
        )

    def slow(self, share: int) -> "Effort":
        """Return fewer rounds, for what takes long whatever `round_secs` says."""
        return self._replace(rounds=max(self.rounds // share, 3))


def summarize(name: str, ratios: list[float], aim: float | None = None) -> Row:
    """Make the line of the table out of the ratios of the rounds."""
    low, median, high = quantiles(ratios)
    return Row(name, median, low, high, aim)


def compare(
    name: str,
    bare: Call,
    ours: Call,
    effort: Effort,
    aim: float | None = None,
    *,
    prepare: Prepare | None = None,
) -> Row:
    """Compare two functions without arguments, round by round.

    What *prepare* does for a number of calls, before each turn, is not measured.
    """
    clock = effort.clock
    timers = Timer(bare, timer=clock), Timer(ours, timer=clock)
    return _compare(name, *timers, effort, aim, prepare)


def compare_objects(
    statement: str,
    bare: object,
    ours: object,
    effort: Effort,
    *,
    names: dict[str, Any],
    label: str,
    aim: float | None = None,
) -> Row:
    """Compare one statement about ``x`` where it is the one object, then the other.

    A call through a function would take as long as a dictionary does, and so hide the
    difference.
    """
    clock = effort.clock
    theirs = Timer(statement, timer=clock, globals={**names, "x": bare})
    mine = Timer(statement, timer=clock, globals={**names, "x": ours})
    return _compare(label, theirs, mine, effort, aim)


def _compare(
    name: str,
    bare: Timer,
    ours: Timer,
    effort: Effort,
    aim: float | None,
    prepare: Prepare | None = None,
) -> Row:
    def measured(timer: Timer, number: int) -> float:
        if prepare is not None:
            prepare(number)
        return timer.timeit(number) / number

    numbers = {timer: _calibrated(timer, measured, effort) for timer in (bare, ours)}
    if prepare is not None:
        # What gets warm after it would favour who has more calls in a turn.
        numbers = dict.fromkeys(numbers, min(numbers.values()))
    turns = list(numbers.items())
    ratios = []
    for turn in range(effort.rounds):
        # Each goes first as often as the other: a clock that is slowing down, or
        # warm caches, favour neither.
        secs = {
            timer: measured(timer, number)
            for timer, number in (turns if turn % 2 else reversed(turns))
        }
        ratios.append(secs[ours] / secs[bare])
    return summarize(name, ratios, aim)


def _calibrated(
    timer: Timer, measured: Callable[[Timer, int], float], effort: Effort
) -> int:
    """Return how many calls take about a round; the first ones are warming up."""
    number = 1
    while (secs := measured(timer, number)) * number < effort.round_secs / 4:
        number *= 4
    return max(round(effort.round_secs / secs), 1)
