"""Two ways to do the same, measured in turn, and the ratio of their times."""

from collections.abc import Callable, Iterator
from statistics import quantiles
from timeit import Timer
from typing import Any, NamedTuple, TypeAlias

Rows: TypeAlias = Iterator["Row"]
Call: TypeAlias = Callable[[], object]


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
    """How long to measure.

    Attributes
    ----------
    rounds : int
        How often each of two ways gets its turn.
    round_secs : float
        How long a turn of calls lasts, about.
    """

    rounds: int
    round_secs: float

    def slow(self, share: int) -> "Effort":
        """Return fewer rounds, for what takes long whatever `round_secs` says."""
        return self._replace(rounds=max(self.rounds // share, 3))


def summarize(name: str, ratios: list[float], aim: float | None = None) -> Row:
    """Make the line of the table out of the ratios of the rounds."""
    low, median, high = quantiles(ratios)
    return Row(name, median, low, high, aim)


def compare(
    name: str, bare: Call, ours: Call, effort: Effort, aim: float | None = None
) -> Row:
    """Compare two functions without arguments, round by round."""
    return _compare(name, Timer(bare), Timer(ours), effort, aim)


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
    theirs = Timer(statement, globals={**names, "x": bare})
    mine = Timer(statement, globals={**names, "x": ours})
    return _compare(label, theirs, mine, effort, aim)


def _compare(
    name: str, bare: Timer, ours: Timer, effort: Effort, aim: float | None
) -> Row:
    timers = [(timer, _calibrated(timer, effort.round_secs)) for timer in (bare, ours)]
    ratios = []
    for turn in range(effort.rounds):
        # Each goes first as often as the other: a clock that is slowing down, or
        # warm caches, favour neither.
        secs = {
            timer: timer.timeit(number) / number
            for timer, number in (timers if turn % 2 else reversed(timers))
        }
        ratios.append(secs[ours] / secs[bare])
    return summarize(name, ratios, aim)


def _calibrated(timer: Timer, round_secs: float) -> int:
    """Return how many calls take about *round_secs*; the first ones are warming up."""
    number = 1
    while (secs := timer.timeit(number)) < round_secs / 4:
        number *= 4
    return max(round(number * round_secs / secs), 1)
