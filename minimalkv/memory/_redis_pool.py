"""Connections to one Redis server: nobody gets one that owes an answer to another."""

import time
from functools import partial
from inspect import Parameter, signature
from threading import Condition
from typing import Any, Protocol
from weakref import WeakSet

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MaxConnectionsError
from redis.exceptions import TimeoutError as RedisTimeoutError

# How long a connection that nobody gave back may go unnoticed by those who wait.
_LOOK_AGAIN_SECS = 0.05


class Connection(Protocol):
    """What is used of a connection of redis-py."""

    def connect(self) -> None:
        """Connect and log in, unless that is done."""

    def disconnect(self) -> None:
        """Close the socket; answers that are on their way go with it."""

    def can_read(self) -> bool:
        """Tell whether something came that nobody has read; raise if it is closed."""

    def send_packed_command(self, command: list[bytes]) -> None:
        """Send what was packed."""

    def read_response(self, disable_decoding: bool) -> Any:
        """Read one answer."""


class Channel(Protocol):
    """Where the connections to a server come from and go back to."""

    def take(self) -> Connection:
        """Return a connection, connected, for the caller alone."""

    def give_back(self, connection: Connection) -> None:
        """Take back a connection from which all answers were read."""

    def drop(self, connection: Connection) -> None:
        """Close a connection of which nobody knows what it is going to answer."""

    def close(self) -> None:
        """Close what is not in use, and the rest when it is given back."""

    def after_fork(self) -> None:
        """Leave the connections of the parent alone."""


class OwnConnections:
    """Connections made as a pool of redis-py would make them, but kept here.

    An exception that a signal handler raises may come at any place. So a connection is
    only ever given back after its last answer; one that gets lost on the way there is
    closed by its finalizer, and counts no longer.

    Parameters
    ----------
    pool : redis.ConnectionPool
        Has the class and the settings of the connections.
    limit : int
        How many may be open at a time; who wants one more waits.
    timeout : float
        How long to wait for one to become free, to connect, and to answer, in seconds.
    """

    def __init__(self, pool: Any, limit: int, timeout: float) -> None:
        times = dict.fromkeys(("socket_timeout", "socket_connect_timeout"), timeout)
        self._new = partial(pool.connection_class, **pool.connection_kwargs | times)
        self._limit = limit
        self._timeout = timeout
        self._closed = False
        self.after_fork()

    def after_fork(self) -> None:
        self._idle: list[Connection] = []
        self._made: WeakSet[Connection] = WeakSet()
        self._changed = Condition()
        self._waiting = 0

    def take(self) -> Connection:
        connection = self._fit()
        if connection is not None:
            return connection
        deadline = time.monotonic() + self._timeout
        while (connection := self._make(deadline)) is None:
            connection = self._fit()
            if connection is not None:
                return connection
        try:
            connection.connect()
        except BaseException:
            self.drop(connection)
            raise
        return connection

    def _fit(self) -> Connection | None:
        while (connection := self._pop()) is not None:
            if _is_fit(connection):
                return connection
            self.drop(connection)
        return None

    def _pop(self) -> Connection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _make(self, deadline: float) -> Connection | None:
        """Wait until one more may be made; None where one is free before that."""
        with self._changed:
            self._waiting += 1
            try:
                while len(self._made) >= self._limit:
                    if self._idle:
                        return None
                    self._wait(deadline)
                connection: Connection = self._new()
                self._made.add(connection)
                return connection
            finally:
                self._waiting -= 1

    def _wait(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise MaxConnectionsError(f"all {self._limit} are in use")
        self._changed.wait(min(left, _LOOK_AGAIN_SECS))

    def give_back(self, connection: Connection) -> None:
        self._idle.append(connection)
        self._tell()
        if self._closed:
            self.close()

    def drop(self, connection: Connection) -> None:
        self._made.discard(connection)
        connection.disconnect()
        self._tell()

    def _tell(self) -> None:
        if self._waiting:
            with self._changed:
                self._changed.notify()

    def close(self) -> None:
        self._closed = True
        while (connection := self._pop()) is not None:
            self.drop(connection)


class BorrowedConnections:
    """The connections of a client that somebody else made and closes.

    Parameters
    ----------
    pool : redis.ConnectionPool
        The pool of the client.
    """

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self.give_back = pool.release
        # Up to redis-py 5.2 the name of a command is asked for, and not used.
        parameters = signature(pool.get_connection).parameters.values()
        wanted = [one for one in parameters if one.name == "command_name"]
        is_needed = any(one.default is Parameter.empty for one in wanted)
        self._arguments = ("GET",) if is_needed else ()

    def take(self) -> Connection:
        try:
            connection: Connection = self._pool.get_connection(*self._arguments)
        except BaseException as error:
            if not isinstance(error, Exception):
                # A signal, say: the pool keeps the connection that it was just logging
                # in on, and may not have read the answer to that.
                self._pool.disconnect(inuse_connections=False)
            raise
        return connection

    def drop(self, connection: Connection) -> None:
        connection.disconnect()
        self._pool.release(connection)

    def close(self) -> None:
        pass

    def after_fork(self) -> None:
        pass


def _is_fit(connection: Connection) -> bool:
    try:
        return not connection.can_read()
    except (RedisConnectionError, RedisTimeoutError, OSError):
        return False
