"""Calls to Redis: sent once or repeated, and each gets its own answer."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NoReturn, Protocol, TypeAlias

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    SlotNotCoveredError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError

from minimalkv.memory._redis_pool import Channel, Connection
from minimalkv.memory._redis_wire import pack, pack_all

_log: Final = logging.getLogger("minimalkv")

Reader: TypeAlias = Callable[[Connection], Any]
Command: TypeAlias = tuple[bytes, ...]
Message: TypeAlias = tuple[list[bytes], Reader]
# Makes of a message of writes, and its reader, what is sent and read.
Ending: TypeAlias = Callable[[list[bytes], Reader], Message]

PAUSE_SECS = 0.05
_AT_ONCE_SECS = 0.5
# Answers that say that nothing was done, and that the next try may be better.
NOT_DONE = (
    BusyLoadingError,
    ClusterDownError,
    ReadOnlyError,
    SlotNotCoveredError,
    TryAgainError,
)


class Unreached(Exception):
    """There was no connection, so nothing was sent; ``error`` tells why."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Astray(ResponseError):
    """The servers of a cluster sent a call to each other until its time was over."""


class TooFewReplicas(ResponseError):
    """A write was done, and not as many replicas told in time that they have it."""

    def __init__(self, count: int, wanted: int) -> None:
        super().__init__(f"{count} of {wanted} replicas")


class Unsure(Exception):
    """An earlier try may have been done, whatever became of the last: ``error``."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def read_one(connection: Connection) -> Any:
    """Read the answer to one command."""
    return connection.read_response(disable_decoding=True)


def read_each(count: int) -> Reader:
    """Read the answers to several commands; an error is an answer."""

    def read(connection: Connection) -> list[Any]:
        return [read_or_error(connection) for _ in range(count)]

    return read


def read_all(count: int) -> Reader:
    """Read the answers to several commands, or raise the first error among them."""

    def read(connection: Connection) -> list[Any]:
        answers = [read_or_error(connection) for _ in range(count)]
        last = answers[-1] if isinstance(answers[-1], list) else []
        for answer in (*answers, *last):
            if isinstance(answer, ResponseError):
                raise answer
        return answers

    return read


def read_or_error(connection: Connection) -> Any:
    """Read the answer to one command; an error is an answer."""
    try:
        return connection.read_response(disable_decoding=True)
    except ResponseError as error:
        return error.with_traceback(None)


def as_it_is(pieces: list[bytes], read: Reader) -> Message:
    """Send a message without anything after it."""
    return pieces, read


def converse(channel: Channel, pieces: list[bytes], read: Reader = read_one) -> Any:
    """Send a message and read what answers it.

    Raises
    ------
    Unreached
        If nothing was sent.
    RedisError
        If Redis refused, or if nobody knows what it did.
    """
    try:
        connection = channel.take()
    except (RedisError, OSError, UnicodeError) as error:
        raise Unreached(error) from error
    try:
        connection.send_packed_command(pieces)
        answer = read(connection)
    except ResponseError:
        channel.give_back(connection)
        raise
    except BaseException:
        channel.drop(connection)
        raise
    channel.give_back(connection)
    return answer


def is_unsure(error: Exception) -> bool:
    """Tell whether a call that failed may have been done."""
    if isinstance(error, TooFewReplicas):
        return True
    is_answer = isinstance(error, ResponseError | BusyLoadingError)
    return not is_answer and not isinstance(error, Unreached)


def may_repeat(error: Exception, *, once: bool) -> bool:
    """Tell whether a call that failed may be sent again, and whether that may help.

    What waited as long as it may is not sent again, nor what may have been done and
    must not be done twice.
    """
    cause = error.error if isinstance(error, Unreached) else error
    if isinstance(cause, AuthenticationError | AuthorizationError):
        return False
    # With sentinels, redis-py makes of a ReadOnlyError that the connection broke.
    if isinstance(cause, NOT_DONE) or isinstance(cause.__context__, ReadOnlyError):
        return True
    if not isinstance(cause, RedisConnectionError):
        return False
    return isinstance(error, Unreached) or not once


def raise_last(error: Exception, *, unsure: bool) -> NoReturn:
    """Raise the error of the last try; *unsure* if one of them may have been done."""
    # Whoever sends a script knows what to do about NOSCRIPT.
    if unsure and not is_unsure(error) and not isinstance(error, NoScriptError):
        raise Unsure(error) from error
    raise error


class Link(Protocol):
    """The way to the server of a key."""

    is_cluster: bool

    def call(
        self,
        key: bytes,
        pieces: list[bytes],
        read: Reader = read_one,
        *,
        once: bool = False,
    ) -> Any:
        """Ask the server of a key; *once* if it must not be done twice."""

    def call_each(
        self,
        commands: Sequence[tuple[bytes, Command]],
        after: Ending = as_it_is,
        *,
        once: bool = False,
    ) -> list[Any]:
        """Send many commands, each with its key, at once; an error is an answer."""

    def call_keys(
        self,
        command: bytes,
        keys: Sequence[bytes],
        after: Ending = as_it_is,
        *,
        once: bool = False,
    ) -> list[Any]:
        """Send a command about many keys, at once; return an answer or several.

        In a cluster there is one for each key, which may be an error.
        """

    def servers(self) -> "Iterator[Link]":
        """Give every server that holds keys, as a link to it alone."""

    def close(self) -> None:
        """Close the connections of ours."""

    def after_fork(self) -> None:
        """Leave the connections of the parent alone."""


def tell_again(error: Exception) -> None:
    """Tell the log why a command is sent again, without what the server said."""
    cause = error.error if isinstance(error, Unreached) else error
    _log.info("A command to Redis is sent again after %s.", type(cause).__name__)


class ServerLink:
    """One server, or the one that sentinels name.

    Parameters
    ----------
    channel : Channel
        Where its connections come from.
    patience : float
        For how many seconds to try again, while sentinels look for a new server.
    """

    is_cluster = False

    def __init__(self, channel: Channel, patience: float = 0) -> None:
        self._channel = channel
        self._patience = patience

    def call(
        self,
        key: bytes,
        pieces: list[bytes],
        read: Reader = read_one,
        *,
        once: bool = False,
    ) -> Any:
        began = time.monotonic()
        tries = 0
        unsure = False
        while True:
            try:
                return converse(self._channel, pieces, read)
            except (RedisError, Unreached) as error:
                unsure = unsure or is_unsure(error)
                if not may_repeat(error, once=once) or not self._has_time(began, tries):
                    raise_last(error, unsure=unsure)
                tell_again(error)
            if tries:
                time.sleep(PAUSE_SECS)
            tries += 1

    def _has_time(self, began: float, tries: int) -> bool:
        # An idle connection may break in the very moment of its use: then a new one is
        # tried at once, whoever waits for a server.
        patience = self._patience if tries else max(self._patience, _AT_ONCE_SECS)
        return time.monotonic() - began < patience

    def call_each(
        self,
        commands: Sequence[tuple[bytes, Command]],
        after: Ending = as_it_is,
        *,
        once: bool = False,
    ) -> list[Any]:
        pieces = pack_all(command for _, command in commands)
        message = after(pieces, read_each(len(commands)))
        answers: list[Any] = self.call(b"", *message, once=once)
        return answers

    def call_keys(
        self,
        command: bytes,
        keys: Sequence[bytes],
        after: Ending = as_it_is,
        *,
        once: bool = False,
    ) -> list[Any]:
        answer = self.call(b"", *after(pack(command, *keys), read_one), once=once)
        return answer if isinstance(answer, list) else [answer]

    def servers(self) -> "Iterator[Link]":
        yield self

    def close(self) -> None:
        self._channel.close()

    def after_fork(self) -> None:
        self._channel.after_fork()
