"""Whether the store keeps its promises: conditions, expiry, and how fast it is."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from statistics import median
from threading import Barrier, BrokenBarrierError
from typing import Final

from minimalkv._checking.findings import FAILED, OK, SKIPPED, WARNING, Finding
from minimalkv._checking.visit import Step, Visit
from minimalkv._errors import (
    AccessDenied,
    InvalidKey,
    MinimalkvError,
    PreconditionFailed,
    Unsupported,
)

_WRITERS: Final = 2
_ROUNDS: Final = 3
_LIFE_SECS: Final = 60.0
_CALLS: Final = 5
# What a visitor begins to notice, who waits for one call at least.
_SLOW_SECS: Final = 0.2
_SHOWN_SECS: Final = 0.0001

_NOT_TRIED: Final = "Not tried: nothing can be written here and taken away again."
_LOSES: Final = (
    "Keep sessions and caches elsewhere, or use a server that honours If-Match and "
    "If-None-Match, as Amazon's and SeaweedFS do."
)


def steps_of(visit: Visit) -> list[Step]:
    """Return the steps that try what the store promises."""
    del visit
    return [
        Step(("conditional",), _conditional),
        Step(("ttl",), _ttl),
        Step(("latency",), _latency),
    ]


def _conditional(visit: Visit) -> Iterator[Finding]:
    store = visit.store
    if not store.conditional_support:
        text = "The store has no conditional writes: of two writers the last one wins."
        yield Finding("conditional", WARNING, text, _LOSES)
    elif not visit.writes:
        yield Finding("conditional", SKIPPED, _NOT_TRIED)
    else:
        yield _try_conditions(visit)


def _try_conditions(visit: Visit) -> Finding:
    try:
        wins = [_race(visit) for _ in range(_ROUNDS)]
        broken = _wrong_winners(wins) or _broken_promise(visit)
    except Unsupported as error:
        return Finding("conditional", FAILED, str(error), _LOSES)
    except AccessDenied as error:
        return Finding("conditional", FAILED, str(error), _ask(visit))
    except MinimalkvError as error:
        return Finding("conditional", FAILED, str(error))
    if broken:
        return Finding("conditional", FAILED, broken, _LOSES)
    return Finding("conditional", OK, "Of two writers at once exactly one wins.")


def _ask(visit: Visit) -> str:
    return f"Ask {visit.backend.asks} for what the sentence names."


def _race(visit: Visit) -> int:
    """Let several write if nothing is there, and return how many did."""
    key = visit.new_key()
    start = Barrier(_WRITERS)

    def write(number: int) -> bool:
        with suppress(BrokenBarrierError):
            start.wait(visit.share_secs)
        return _is_done(lambda: visit.store.put(key, b"%d" % number, if_absent=True))

    visit.mark(key)
    with ThreadPoolExecutor(_WRITERS) as pool:
        won = sum(pool.map(write, range(_WRITERS)))
    visit.remove(key)
    return won


def _is_done(write: Callable[[], object]) -> bool:
    try:
        write()
    except PreconditionFailed:
        return False
    return True


def _wrong_winners(wins: list[int]) -> str:
    worst = max(wins, key=lambda won: abs(won - 1))
    if worst == 1:
        return ""
    return f"Of {_WRITERS} writers at once, each with if_absent, {worst} won."


def _broken_promise(visit: Visit) -> str:
    """Say which condition is not looked at, one writer after the other."""
    store, key = visit.store, visit.new_key()
    visit.mark(key)
    store.put(key, b"first", if_absent=True)
    etag = store.head(key).etag
    if _is_done(lambda: store.put(key, b"second", if_absent=True)):
        return "A put with if_absent replaced a value."
    if etag is None or not _is_done(lambda: store.put(key, b"second", if_match=etag)):
        return "A put with if_match was refused though nobody had changed the value."
    if _is_done(lambda: store.put(key, b"third", if_match=etag)):
        return "A put with if_match replaced a value that somebody else had changed."
    visit.remove(key)
    return ""


def _ttl(visit: Visit) -> Iterator[Finding]:
    store = visit.store
    if not store.ttl_support:
        text = (
            "The store has no expiry: sessions and caches put a frame around a value, "
            "and what has expired takes room until it is purged."
        )
        yield Finding("ttl", OK, text)
    elif not visit.writes:
        yield Finding("ttl", SKIPPED, _NOT_TRIED)
    else:
        yield _try_ttl(visit)


def _try_ttl(visit: Visit) -> Finding:
    key = visit.new_key()
    visit.mark(key)
    try:
        visit.store.put(key, b"expires", _LIFE_SECS)
        left = visit.store.ttl(key)
        visit.remove(key)
    except AccessDenied as error:
        return Finding("ttl", FAILED, str(error), _ask(visit))
    except MinimalkvError as error:
        return Finding("ttl", FAILED, str(error))
    if left is None or not 0 < left <= _LIFE_SECS:
        text = f"A value that was put for {_LIFE_SECS:g} seconds has {left} left."
        return Finding("ttl", FAILED, text)
    return Finding("ttl", OK, "Values expire by themselves.")


def _latency(visit: Visit) -> Iterator[Finding]:
    try:
        key = visit.new_key()
    except InvalidKey:
        yield Finding("latency", SKIPPED, "Not tried: the store takes no key of ours.")
        return
    times: list[float] = []
    try:
        for _ in range(_CALLS):
            began = time.perf_counter()
            _ = key in visit.store
            times.append(time.perf_counter() - began)
    except MinimalkvError as error:
        yield Finding("latency", SKIPPED, f"A look-up failed. {error}")
        return
    yield _judged(times)


def _judged(times: list[float]) -> Finding:
    usual, worst = median(times), max(times)
    text = f"A look-up takes {_ms(usual)}; the slowest of {_CALLS} took {_ms(worst)}."
    if usual <= _SLOW_SECS:
        return Finding("latency", OK, text)
    cure = "Take a server that is nearer: each request of a site waits for one call."
    return Finding("latency", WARNING, text, cure)


def _ms(secs: float) -> str:
    return f"{secs * 1000:.3g} ms" if secs >= _SHOWN_SECS else "less than 0.1 ms"
