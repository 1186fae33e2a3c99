"""The calls that ``bench`` measures."""

import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Final

import click

from minimalkv._constants import RESERVED_PREFIX
from minimalkv._errors import MinimalkvError
from minimalkv._key_value_store import KeyValueStore

_KIB: Final = 1024
_MIB: Final = 1024**2
_SIZES: Final = (_KIB, _MIB)
_STEPS: Final = 5
# Enough for a steady 95th percentile, and no bucket full of waste after a crash.
_MOST_CALLS: Final = 1000
_MOST_BYTES: Final = 128 * _MIB


@dataclass(frozen=True)
class Row:
    """What one kind of call took.

    Attributes
    ----------
    call : str
        put, get, head, list or delete.
    size : int
        Bytes of a value.
    calls : int
        How many were measured; a list is one call however many keys it gives.
    p50_ms, p95_ms : float
        What half of the calls, and 95 of 100, took at most, in milliseconds.
    calls_per_second, mib_per_second : float
        Throughput of a single caller; mebibytes only for put and get, else None.
    """

    call: str
    size: int
    calls: int
    p50_ms: float
    p95_ms: float
    calls_per_second: float
    mib_per_second: float | None


def measure(store: KeyValueStore, seconds: float) -> Iterator[Row]:
    """Measure each kind of call, and leave nothing behind.

    Parameters
    ----------
    store : KeyValueStore
        The store; its keys of others are not touched.
    seconds : float
        When to stop, about: a call that is under way is waited for.

    Yields
    ------
    Row
        As each is known.
    """
    prefix = f"{RESERVED_PREFIX}bench-{secrets.token_hex(8)}-"
    store.ping()  # connecting is not what is measured
    try:
        for size in _SIZES:
            yield from _measure_size(store, prefix, size, seconds / len(_SIZES))
    finally:
        _clean(store, prefix)


def _clean(store: KeyValueStore, prefix: str) -> None:
    try:
        store.delete_prefix(prefix)
    except MinimalkvError:
        click.echo(f"Values are left behind: rm --prefix {prefix}", err=True)
        raise


def _measure_size(
    store: KeyValueStore, prefix: str, size: int, seconds: float
) -> Iterator[Row]:
    data = os.urandom(size)
    most = min(_MOST_CALLS, _MOST_BYTES // size)
    names = [f"{prefix}{size}-{number}" for number in range(most)]

    def timed(
        call: str, do: Callable[[str], object], keys: Iterable[str]
    ) -> tuple[Row, int]:
        took = _time(do, keys, seconds / _STEPS)
        return _row(call, size, took), len(took)

    row, count = timed("put", lambda key: store.put(key, data), names)
    yield row
    stored = names[:count]
    yield timed("get", store.get, stored)[0]
    yield timed("head", store.head, stored)[0]
    yield timed("list", lambda _: store.keys(prefix), stored)[0]
    yield timed("delete", store.delete, stored)[0]


def _time(
    do: Callable[[str], object], keys: Iterable[str], seconds: float
) -> list[float]:
    """Call for one key after the other until the time is over, at least once."""
    took: list[float] = []
    stop = perf_counter() + seconds
    for key in keys:
        start = perf_counter()
        do(key)
        end = perf_counter()
        took.append(end - start)
        if end >= stop:
            break
    return took


def _row(call: str, size: int, took: list[float]) -> Row:
    took.sort()
    per_second = len(took) / sum(took)
    moved = per_second * size / _MIB if call in ("put", "get") else None
    return Row(
        call=call,
        size=size,
        calls=len(took),
        p50_ms=round(_percentile(took, 50) * 1000, 3),
        p95_ms=round(_percentile(took, 95) * 1000, 3),
        calls_per_second=round(per_second, 1),
        mib_per_second=moved and round(moved, 2),
    )


def _percentile(took: list[float], percent: int) -> float:
    return took[min(len(took) * percent // 100, len(took) - 1)]
