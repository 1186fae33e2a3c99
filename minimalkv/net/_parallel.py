"""Many keys side by side, where the backend has no request for them all."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from minimalkv._errors import StoreError, StoreUnavailable
from minimalkv._hooks import MOST_UNAVAILABLE, raise_failed

_T = TypeVar("_T")
_Key = TypeVar("_Key")


def in_parallel(
    action: Callable[[_Key], _T], keys: Iterable[_Key], workers: int
) -> list[_T]:
    """Call a function for every key, a few at a time, and return what it returned.

    Parameters
    ----------
    action : callable
        Gets a key. What it raises is raised here, once those under way have ended.
    keys : iterable
        The keys, or numbers of parts.
    workers : int
        How many calls are under way at once.
    """
    listed = list(keys)
    if min(workers, len(listed)) < 2:
        return [action(key) for key in listed]
    pool = ThreadPoolExecutor(min(workers, len(listed)), "minimalkv-many")
    try:
        return list(pool.map(action, listed))
    finally:
        pool.shutdown(cancel_futures=True)


def failures(
    action: Callable[[str], object], keys: Iterable[str], workers: int
) -> dict[str, StoreError]:
    """Do something for every key, a few at a time, and return where it failed.

    Once several had no answer, the others fail without being tried.
    """
    unavailable: list[StoreUnavailable] = []

    def attempt(key: str) -> StoreError | None:
        if len(unavailable) >= MOST_UNAVAILABLE:
            return unavailable[-1]
        try:
            action(key)
        except StoreError as error:
            if isinstance(error, StoreUnavailable):
                unavailable.append(error)
            return error
        return None

    listed = list(keys)
    errors = zip(listed, in_parallel(attempt, listed, workers), strict=True)
    return {key: error for key, error in errors if error is not None}


def each_in_parallel(
    action: Callable[[str], object], keys: Iterable[str], workers: int
) -> None:
    """Do something for every key, a few at a time.

    Raises
    ------
    StoreError
        Once for all keys where it failed; ``failed_keys`` has them.
    """
    failed = failures(action, keys, workers)
    if failed:
        raise_failed(failed)
