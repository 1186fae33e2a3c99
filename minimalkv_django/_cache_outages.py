"""What a cache does while its store fails."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar
from weakref import WeakKeyDictionary

from minimalkv import KeyValueStore, PreconditionFailed, StoreError
from minimalkv import _clock as clock

PAUSE_SECS: Final = 5.0
"""For how long a store that failed is left alone, where errors are ignored."""

_log: Final = logging.getLogger("minimalkv_django")


class Outage:
    """Whether a store failed a moment ago, for all caches in it that ignore errors.

    Django creates a session in a cache by up to ten thousand tries: they must not all
    wait for a store that does not answer.
    """

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def is_on(self) -> bool:
        """Whether the store is left alone for now."""
        return bool(self._until) and clock.elapsed() < self._until

    def begin(self, error: StoreError) -> None:
        """Leave the store alone for a while."""
        # Whoever only lost a race has got an answer.
        if not isinstance(error, PreconditionFailed):
            self._until = clock.elapsed() + PAUSE_SECS
        _log.error("The cache is not used: %s", error)

    def end(self) -> None:
        """Tell that the store has answered, if it had not before."""
        if self._until:
            self._until = 0.0
            _log.info("The cache is used again.")


_outages: Final[WeakKeyDictionary[KeyValueStore, Outage]] = WeakKeyDictionary()


def outage_of(store: KeyValueStore) -> Outage:
    """Return the one that all caches in a store share."""
    return _outages.setdefault(store, Outage())


class Degrading(Protocol):
    """A cache, as far as its failures go.

    Attributes
    ----------
    ignored : Outage or None
        Set where errors of the store are ignored.
    """

    @property
    def ignored(self) -> Outage | None:
        """The outage that errors begin; None where they are raised."""


_C = TypeVar("_C", bound=Degrading)
_P = ParamSpec("_P")
_R = TypeVar("_R")
_Method = Callable[Concatenate[_C, _P], _R]


def degrading(
    fallback: Callable[..., Any],
) -> Callable[[_Method[_C, _P, _R]], _Method[_C, _P, _R]]:
    """Let a method return what a fallback does while the store fails.

    Parameters
    ----------
    fallback : callable
        Gets the same arguments without the cache.
    """

    def decorate(method: _Method[_C, _P, _R]) -> _Method[_C, _P, _R]:
        @wraps(method)
        def degraded(cache: _C, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
            outage = cache.ignored
            if outage is None:
                return method(cache, *args, **kwargs)
            if not outage.is_on:
                try:
                    found = method(cache, *args, **kwargs)
                except StoreError as error:
                    outage.begin(error)
                else:
                    outage.end()
                    return found
            instead: _R = fallback(*args, **kwargs)
            return instead

        return degraded

    return decorate
