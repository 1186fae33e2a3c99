"""Open files and folders, which are closed once."""

import os
from functools import partial
from types import TracebackType
from typing import Final

CLOSED: Final = -1


class Descriptor:
    """A file descriptor and whether it is open; a ``with`` block closes it.

    An exception may come from a signal at any place, such as the time limit of a task,
    and the number that `os.open` returns would be lost between the call and the
    assignment. So `list.extend` keeps it, which Python does not interrupt. There is no
    ``__del__``: an exception from a signal that comes within one is lost.
    """

    __slots__ = ("_numbers",)

    def __init__(
        self, path: str, flags: int, mode: int = 0o777, dir_fd: int | None = None
    ) -> None:
        self._numbers: list[int] = []
        opener = os.open if dir_fd is None else partial(os.open, dir_fd=dir_fd)
        try:
            flags |= os.O_CLOEXEC
            self._numbers.extend(map(opener, (path,), (flags,), (mode,)))
        except BaseException:
            self.close()
            raise

    @property
    def number(self) -> int:
        """The descriptor, or `CLOSED`."""
        return self._numbers[0] if self._numbers else CLOSED

    def detach(self) -> int:
        """Give the descriptor to somebody else, who closes it."""
        return self._numbers.pop()

    def close(self) -> None:
        """Close it; never twice, for the number may be another thread's file by then.

        An error of closing is passed over: what has to be on disk was synchronised.
        """
        if self._numbers:
            try:  # noqa: SIM105 - on the way of every call
                os.close(self._numbers.pop())
            except OSError:
                pass

    def __enter__(self) -> int:
        return self.number

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
