"""Many keys deleted with few requests."""

from collections.abc import Callable, Iterable
from itertools import islice

from minimalkv._errors import StoreError
from minimalkv._hooks import raise_failed


def in_batches(
    action: Callable[[list[str]], dict[str, StoreError]],
    keys: Iterable[str],
    size: int,
) -> None:
    """Do something for keys, many of them at a time.

    Parameters
    ----------
    action : callable
        Gets some keys, and returns those where it failed; what it raises is about all.
    keys : iterable of str
        The keys.
    size : int
        How many of them go together.

    Raises
    ------
    StoreError
        Once for all keys where it failed; ``failed_keys`` has them.
    """
    failed: dict[str, StoreError] = {}
    left = iter(keys)
    while batch := list(islice(left, size)):
        try:
            failed |= action(batch)
        except StoreError as error:
            failed |= dict.fromkeys(batch, error)
    if failed:
        raise_failed(failed)
