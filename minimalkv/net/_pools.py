"""The pools of urllib3, safe from signals and from half an answer."""

from collections import deque
from functools import cache
from queue import Empty, Full
from typing import Any, Final

from minimalkv.net._sockets import sturdy_connection

_DEFAULT_CONNECTIONS: Final = 10


class IdleConnections:
    """The connections of a pool that no call uses.

    urllib3 has a `queue.LifoQueue` here. A signal handler that raises while that is
    about to take its lock leaves it locked, and whoever comes next waits for ever; a
    deque needs no lock. It does not wait either: a pool of ours never has a caller
    wait for another one's connection.

    Parameters
    ----------
    maxsize : int
        How many are kept.
    """

    def __init__(self, maxsize: int = _DEFAULT_CONNECTIONS) -> None:
        self._kept: deque[Any] = deque()
        self._maxsize = maxsize

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Return the connection that was used last."""
        del block, timeout
        try:
            return self._kept.pop()
        except IndexError:
            raise Empty from None

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Keep a connection, unless there are enough."""
        del block, timeout
        if len(self._kept) >= self._maxsize:
            raise Full
        self._kept.append(item)

    def qsize(self) -> int:
        """Return how many are kept."""
        return len(self._kept)


@cache
def sturdy_pool(kind: Any) -> type:
    """Return a kind of pool of urllib3 that no signal locks, of sturdy connections."""
    own = {
        "QueueCls": IdleConnections,
        "ConnectionCls": sturdy_connection(kind.ConnectionCls),
    }
    return type(kind.__name__, (kind,), own)
