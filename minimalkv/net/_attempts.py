"""How often a request is sent, and how long that may take."""

import logging
import time
from datetime import UTC, datetime
from typing import Final

from minimalkv.net._headers import date_of

_log: Final = logging.getLogger("minimalkv")

MAX_TRIES: Final = 3
"""How often a request is sent that may be repeated."""

MAX_BUSY_TRIES: Final = 8
"""How often it is sent to a server that says it has no time."""

_FIRST_PAUSE_SECS: Final = 0.05
_LONGEST_PAUSE_SECS: Final = 2.0
_LONGEST_BUSY_PAUSE_SECS: Final = 5.0
_SHORTEST_WAIT_SECS: Final = 0.05


class Attempts:
    """The attempts at one request.

    Parameters
    ----------
    timeout : float
        Seconds that they may take together, unless bytes keep coming.
    """

    def __init__(self, timeout: float) -> None:
        self._deadline = time.monotonic() + timeout
        self._failed = 0

    @property
    def left_secs(self) -> float:
        """How long the next one may wait for the server."""
        return max(self._deadline - time.monotonic(), _SHORTEST_WAIT_SECS)

    def pause(
        self,
        most: int = MAX_TRIES,
        longest_secs: float = _LONGEST_PAUSE_SECS,
        least_secs: float = 0,
    ) -> bool:
        """Wait a little, longer with every attempt that failed.

        Parameters
        ----------
        most : int
            How many attempts there may be.
        longest_secs : float
            Where the pauses stop growing.
        least_secs : float
            How long to wait at least.

        Returns
        -------
        bool
            Whether there shall be another one: there were less, and it is not too late.
        """
        self._failed += 1
        if self._failed >= most:
            return False
        from random import uniform  # only who was refused pays for the import

        longest = min(_FIRST_PAUSE_SECS * 2**self._failed, longest_secs)
        pause_secs = uniform(longest / 2, longest)  # noqa: S311 - jitter is no secret
        pause_secs = max(pause_secs, least_secs)
        if time.monotonic() + pause_secs >= self._deadline:
            return False
        _log.info(
            "A request to %s failed, try %d of %d.", self._server(), self._failed, most
        )
        time.sleep(pause_secs)
        return True

    def _server(self) -> str:
        """Say who is asked, for the log."""
        return "a server"

    def pause_for_busy(
        self, retry_after: str | None = None, most: int = MAX_BUSY_TRIES
    ) -> bool:
        """Wait until a server that has no time may have some, as `pause` does.

        Parameters
        ----------
        retry_after : str or None
            Its ``Retry-After``: seconds, or a date.
        most : int
            How many attempts there may be.
        """
        least_secs = _secs_of(retry_after)
        return self.pause(most, _LONGEST_BUSY_PAUSE_SECS, least_secs)


def _secs_of(retry_after: str | None) -> float:
    text = (retry_after or "").strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    date = date_of(text)
    return 0 if date is None else (date - datetime.now(UTC)).total_seconds()
