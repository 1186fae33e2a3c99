"""The time of day, as far as it can be trusted for what expires."""

import time

_STARTED = time.time() - time.monotonic()


def now() -> float:
    """Return seconds since 1970 that never go back within this process.

    A clock that is set back by an hour must not bring back what expired meanwhile, so
    the time since the process started counts too. A clock that is set forward is
    followed.
    """
    return max(time.time(), _STARTED + time.monotonic())
