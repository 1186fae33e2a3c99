"""Time, as far as it can be trusted for what expires."""

import time

# Suspended time counts too, where the system can tell.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_offset = 0.0


def elapsed() -> float:
    """Return seconds since some moment, whatever the time of day is set to."""
    return time.clock_gettime(_CLOCK)


def now() -> float:
    """Return seconds since 1970 that never go back within this process.

    A clock that is set back must not bring back what has expired. One that was set
    forward by mistake therefore counts as long as the process lives.
    """
    global _offset
    since = elapsed()
    _offset = max(_offset, time.time() - since)
    return _offset + since
