"""What the proxy can do to a request or to its reply."""

import re
from collections.abc import Callable
from typing import Final

from tests.proxying.requests import Request

_HEAD_END: Final = b"\r\n\r\n"
# The sum of Google is one of the whole value, also in front of a part of it.
_GUARDED: Final = re.compile(
    rb"\r\n(content-md5|x-amz-checksum-[a-z0-9]+):|\A\S+ 200 (?s:.*)\r\nx-goog-hash:",
    re.I,
)
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.I)


def always(request: Request) -> bool:
    """Want every request."""
    del request
    return True


class Fault:
    """The base of all faults.

    Parameters
    ----------
    on : callable
        Takes a `Request` and tells whether the fault is for it; all by default.
    times : int or None
        How many of those requests it is for: with 1, a retry gets through.

    Attributes
    ----------
    happened : int
        How often it did what it is for; assert it, or the test may test nothing.
    """

    def __init__(
        self, *, on: Callable[[Request], bool] = always, times: int | None = None
    ) -> None:
        self._on = on
        self._left = times
        self.happened = 0

    def take(self, request: Request) -> bool:
        """Tell whether it is for this request, and count that."""
        if self._left == 0 or not self._on(request):
            return False
        if self._left is not None:
            self._left -= 1
        return True


class Refuse(Fault):
    """Nobody listens, and what was open is cut off; ends when the fault is changed."""

    def __init__(self) -> None:
        super().__init__()


class Drop(Fault):
    """Cut the connection before the request is complete: the server does not do it.

    Parameters
    ----------
    after : int or None
        How many bytes of the body reach the server; None keeps back the head too.
        If it has no more, the server does it, and its answer is lost. Redis commands
        never reach it.
    """

    def __init__(
        self,
        *,
        after: int | None = None,
        on: Callable[[Request], bool] = always,
        times: int | None = None,
    ) -> None:
        super().__init__(on=on, times=times)
        self.after = after


class Answer(Fault):
    """Read the request and answer in the place of the server, which gets nothing.

    Parameters
    ----------
    reply : bytes
        All of it, as in ``b"HTTP/1.1 503 Busy\\r\\nContent-Length: 0\\r\\n\\r\\n"``.
    """

    def __init__(
        self,
        reply: bytes,
        *,
        on: Callable[[Request], bool] = always,
        times: int | None = None,
    ) -> None:
        super().__init__(on=on, times=times)
        self.reply = reply


class ReplyFault(Fault):
    """Something happens in the middle of a reply, so the server did the request.

    Parameters
    ----------
    after : int
        Behind how many bytes of the reply; 0, the default, loses it all.
    body : int or None
        Behind how many bytes of the body of an HTTP reply, instead.
    before : str
        In front of the first place with this text in the head of an HTTP reply,
        whatever its case, instead; as ``Content-Length``. Nothing happens without it.
    """

    def __init__(
        self,
        *,
        after: int = 0,
        body: int | None = None,
        before: str = "",
        on: Callable[[Request], bool] = always,
        times: int | None = None,
    ) -> None:
        super().__init__(on=on, times=times)
        self._after = after
        self._body = body
        self._before = before.lower().encode()

    def position(self, start: bytes) -> int:
        """Return behind how many bytes it happens, or -1, from the first bytes."""
        head, end, _ = start.partition(_HEAD_END)
        if self._before:
            return (head + end).lower().find(self._before)
        if self._body is not None:
            return len(head + end) + self._body
        return self._after


class Cut(ReplyFault):
    """Close the connection in the middle of a reply, as a server that ends does."""


class Reset(ReplyFault):
    """Reset the connection in the middle of a reply."""


class Stall(ReplyFault):
    """Send no more of a reply, for ever, over a connection that stays open."""


class Delay(ReplyFault):
    """Wait in the middle of a reply, and go on.

    Parameters
    ----------
    secs : float
        How long.
    """

    def __init__(
        self,
        secs: float,
        *,
        after: int = 0,
        on: Callable[[Request], bool] = always,
        times: int | None = None,
    ) -> None:
        super().__init__(after=after, on=on, times=times)
        self.secs = secs


class Drip(ReplyFault):
    """Send on a few bytes at a time, and then the rest at once.

    Parameters
    ----------
    pieces : int
        How many times.
    secs : float
        How long to wait behind each.
    """

    def __init__(
        self,
        pieces: int,
        secs: float,
        *,
        after: int = 0,
        on: Callable[[Request], bool] = always,
        times: int | None = None,
    ) -> None:
        super().__init__(after=after, on=on, times=times)
        self.pieces = pieces
        self.secs = secs


class Flip(ReplyFault):
    """Change a bit in the body of a reply, where a header has a checksum of the body.

    Parameters
    ----------
    share : float
        Where, from 0, the first byte, to below 1.
    """

    def __init__(
        self,
        share: float,
        *,
        on: Callable[[Request], bool] = always,
        times: int | None = None,
    ) -> None:
        super().__init__(on=on, times=times)
        self._share = share

    def position(self, start: bytes) -> int:
        """Return which byte it is, or -1 without a checksum."""
        head, end, _ = start.partition(_HEAD_END)
        length = _LENGTH.search(head)
        if not _GUARDED.search(head) or length is None or int(length[1]) == 0:
            return -1
        return len(head + end) + int(int(length[1]) * self._share)


class FlipSent(Fault):
    """Change a bit in the body of a request, and let the server find out.

    Parameters
    ----------
    share : float
        Where, from 0, the first byte, to below 1.
    """

    def __init__(
        self,
        share: float,
        *,
        on: Callable[[Request], bool] = always,
        times: int | None = None,
    ) -> None:
        super().__init__(on=on, times=times)
        self._share = share

    def position(self, request: Request) -> int:
        """Return which byte of the body it is."""
        return int(int(request.headers.get("content-length", 0)) * self._share)
