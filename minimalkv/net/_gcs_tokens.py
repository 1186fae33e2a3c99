"""Who gives out tokens, and signs for others: asked no longer than a call may take."""

import time
from collections.abc import Mapping
from typing import Any

from google.auth import transport
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request

from minimalkv.net._asked import BUSY_STATUS
from minimalkv.net._attempts import Attempts
from minimalkv.net._causes import root_of


class Unanswered(GoogleAuthError):
    """Nobody gave a token in time.

    Parameters
    ----------
    text : str
        What went wrong last.
    """


class TokenRequest(transport.Request):
    """Sends the requests of google-auth, whose own clock knows nothing of a timeout.

    It would try again for half a minute, so it does not get to see what may pass: that
    is tried again here, until the time is over.

    Parameters
    ----------
    request : google.auth.transport.requests.Request
        Sends a single request.
    secs : float
        How long all of them may take together, in seconds.
    repeats : bool
        False leaves repeating to google-auth, which then only ends when it has to.
    """

    def __init__(self, request: Request, secs: float, *, repeats: bool = True) -> None:
        self._request = request
        self._end = time.monotonic() + secs
        self._attempts = Attempts(secs) if repeats else None

    @property
    def session(self) -> Any:
        """What google-auth puts its own certificates into, on some machines."""
        return self._request.session

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **options: Any,
    ) -> transport.Response:
        failed = "not in time"
        while (left := self._end - time.monotonic()) > 0:
            secs = left if timeout is None else min(timeout, left)
            try:
                response: transport.Response = self._request(
                    url, method, body, headers, secs, **options
                )
                if self._attempts is None or response.status not in BUSY_STATUS:
                    return response
                failed = f"HTTP {response.status}"
            except TransportError as error:
                if self._attempts is None:
                    raise
                failed = type(root_of(error)).__name__
            if self._attempts is None or not self._attempts.pause_for_busy():
                break
        raise Unanswered(failed)  # type: ignore[no-untyped-call]  # it has no types
