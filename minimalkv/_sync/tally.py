"""How far a sync is, and what came of it."""

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

from minimalkv._clock import elapsed

MOST_PROBLEMS: Final = 1000
"""So many problems are in a report; all of them are told while it runs."""

_COUNTED: Final = (
    "listed",
    "copied",
    "copied_bytes",
    "same",
    "vanished",
    "verified",
    "deleted",
    "refused",
    "failed",
    "expiry_lost",
)

# What an object costs beside its bytes: a request takes as long as so many of them.
_BYTES_A_REQUEST: Final = 64 * 1024


class SyncProblem(NamedTuple):
    """A value that was not copied, deleted or verified, and why.

    Attributes
    ----------
    key : str
        Its key.
    kind : str
        ``refused``: the target can hold no such key or value, or it is not deleted, for
        nobody knows whether the source lacks it. ``failed``: another run may succeed.
    reason : str
        A sentence.
    """

    key: str
    kind: str
    reason: str


class SyncProgress(NamedTuple):
    """How far a `sync` is.

    Attributes
    ----------
    phase : str
        ``listing``, ``copying`` or ``deleting``.
    done, total : int
        Objects that were seen to, and how many there are; while it lists they are
        those that were found, and 0.
    done_bytes, total_bytes : int
        The bytes of them.
    copied, same, problems : int
        Objects that were copied, were there already, and were not copied.
    per_sec : float
        Objects a second that were listed, or copied or compared by their content.
    remaining_secs : float or None
        How long copying goes on, if it goes on like this; None where nobody knows.
    news : tuple of SyncProblem
        The problems since the last call.
    plans : tuple of tuple of str and str
        In a dry run what would be done, since the last call: ``copy`` or ``delete``,
        and the key.
    """

    phase: str
    done: int
    total: int
    done_bytes: int
    total_bytes: int
    copied: int
    same: int
    problems: int
    per_sec: float
    remaining_secs: float | None
    news: tuple[SyncProblem, ...]
    plans: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class SyncReport:
    """What came of a `sync`.

    Attributes
    ----------
    listed : int
        Objects that the source has.
    copied, copied_bytes : int
        What was copied; after a dry run what would be.
    same : int
        Objects that the target had already.
    vanished : int
        Objects that the source lost, or that expired, between listing and copying.
    verified : int
        Objects of the target that were read back and are what the source has.
    deleted : int
        Objects that were deleted from the target; after a dry run what would be.
    refused : int
        Objects that the target cannot hold, or that are not deleted.
    failed : int
        Objects that failed otherwise.
    expiry_lost : int
        Copied objects that would expire and do not in the target, which has no time
        to live.
    description_lost : bool
        Whether the source keeps content types and headers, and the target does not.
    seconds : float
        How long it took.
    dry_run : bool
        Whether nothing was changed.
    stopped : str or None
        Why it ended before its end, in a sentence; None if it did not.
    problems : tuple of SyncProblem
        Of the refused and failed the first 1000.
    """

    listed: int
    copied: int
    copied_bytes: int
    same: int
    vanished: int
    verified: int
    deleted: int
    refused: int
    failed: int
    expiry_lost: int
    description_lost: bool
    seconds: float
    dry_run: bool
    stopped: str | None
    problems: tuple[SyncProblem, ...]

    @property
    def complete(self) -> bool:
        """Whether the target has all that the source has, as far as it was listed."""
        return not (self.refused or self.failed or self.stopped)

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON can say, with ``complete``."""
        facts = asdict(self)
        facts["problems"] = [problem._asdict() for problem in self.problems]
        return {"complete": self.complete, **facts, "seconds": round(self.seconds, 3)}


class Tally:
    """Counts what the threads of a sync have done."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._problems: list[SyncProblem] = []
        self._news: list[SyncProblem] = []
        self._plans: list[tuple[str, str]] = []
        self._began = self._phase_began = elapsed()
        self._phase = "listing"
        self._total = self._total_bytes = 0
        self.stopped: str | None = None
        self.failures_in_row = 0
        self.has_succeeded = False

    def begin(self, phase: str, objects: int = 0, size: int = 0) -> None:
        """Begin a phase, in which so much is to be seen to."""
        with self._lock:
            self._phase, self._phase_began = phase, elapsed()
            self._total, self._total_bytes = objects, size
            for name in ("done", "skipped"):
                self._counts[name] = self._counts[f"{name}_bytes"] = 0

    def add(self, *names: str, size: int = 0, by: int = 1) -> None:
        """Count an object under each name, its bytes under ``…_bytes``."""
        with self._lock:
            for name in names:
                self._counts[name] += by
                self._counts[f"{name}_bytes"] += size

    def plan(self, action: str, keys: Iterable[str]) -> None:
        """Note what would be done, if this were no dry run."""
        with self._lock:
            self._plans.extend((action, key) for key in keys)

    def succeed(self) -> None:
        """Note that the stores work."""
        self.failures_in_row = 0
        self.has_succeeded = True

    def fail(self, key: str, kind: str, reason: str) -> None:
        """Note a problem."""
        problem = SyncProblem(key, kind, reason)
        with self._lock:
            self._counts[kind] += 1
            self.failures_in_row += kind == "failed"
            self._news.append(problem)
            if len(self._problems) < MOST_PROBLEMS:
                self._problems.append(problem)

    def progress(self) -> SyncProgress:
        """Tell how far it is; problems are told once."""
        with self._lock:
            news, self._news = tuple(self._news), []
            plans, self._plans = tuple(self._plans), []
            counts = self._counts
            secs = max(elapsed() - self._phase_began, 1e-6)
            worked = counts["done"] - counts["skipped"]
            return SyncProgress(
                phase=self._phase,
                done=counts["done"],
                total=self._total,
                done_bytes=counts["done_bytes"] + counts["moving"],
                total_bytes=self._total_bytes,
                copied=counts["copied"],
                same=counts["same"],
                problems=counts["refused"] + counts["failed"],
                per_sec=worked / secs,
                remaining_secs=self._remaining(secs),
                news=news,
                plans=plans,
            )

    def _remaining(self, secs: float) -> float | None:
        counts = self._counts
        # What one look at the listings settles says nothing about the others.
        done = counts["done"] - counts["skipped"]
        work = done * _BYTES_A_REQUEST + counts["done_bytes"] - counts["skipped_bytes"]
        if self._phase != "copying" or not done:
            return None
        left = self._total - counts["done"]
        rest = left * _BYTES_A_REQUEST + self._total_bytes - counts["done_bytes"]
        return max(rest, 0) / work * secs

    def report(self, *, dry_run: bool, description_lost: bool) -> SyncReport:
        """Sum up."""
        with self._lock:
            return SyncReport(
                **{name: self._counts[name] for name in _COUNTED},
                description_lost=description_lost,
                seconds=elapsed() - self._began,
                dry_run=dry_run,
                stopped=self.stopped,
                problems=tuple(self._problems),
            )
