"""How often something is tried again before it fails, and how many may fail."""

import threading
from collections.abc import Callable
from typing import Final, TypeVar

from minimalkv._clock import elapsed
from minimalkv._errors import KeyExists, PreconditionFailed, StoreUnavailable
from minimalkv._hooks import MOST_UNAVAILABLE
from minimalkv._sync.crew import Stopped
from minimalkv._sync.tally import Tally

PAUSES_SECS: Final = (0.5, 1.0, 2.0, 4.0)
"""What is waited before each further try, on top of what the stores try themselves."""

MOST_FAILURES: Final = 1000
"""After so many failures in a row the run ends: the cause is none of one object."""

# So many are enough where nothing has succeeded yet: nobody may write, for example.
_MOST_AT_FIRST: Final = 20
# A silent store takes half a minute to fail, each time.
_MOST_SECS: Final = 60

_T = TypeVar("_T")


def patiently(action: Callable[[], _T], stop: threading.Event) -> _T:
    """Call a function again where a store does not answer or a value changed meanwhile.

    Raises
    ------
    Stopped
        If the run is to end.
    """
    began = elapsed()
    for pause in PAUSES_SECS:
        try:
            return action()
        except KeyExists:
            raise
        except (StoreUnavailable, PreconditionFailed):
            if elapsed() - began > _MOST_SECS:
                raise
            if stop.wait(pause):
                raise Stopped from None
    return action()


def fail(
    tally: Tally, stop: threading.Event, key: str, error: Exception, said: str = ""
) -> None:
    """Count a failure, and end the run where it is no use to go on."""
    tally.fail(key, "failed", f"{said}{error}")
    if tally.failures_in_row < _most_failures(tally, error):
        return
    tally.stopped = (
        f"{tally.failures_in_row} objects in a row failed, the last: {error} What was "
        "copied stays; the same command goes on from there."
    )
    stop.set()


def _most_failures(tally: Tally, error: Exception) -> int:
    if isinstance(error, StoreUnavailable):
        return MOST_UNAVAILABLE
    return MOST_FAILURES if tally.has_succeeded else _MOST_AT_FIRST
