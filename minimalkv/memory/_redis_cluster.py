"""A Redis Cluster: which server has a key, and what to do when it has moved."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from threading import Lock
from typing import Any, TypeAlias

from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    MovedError,
    RedisClusterException,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from minimalkv.memory._redis_link import (
    NOT_DONE,
    PAUSE_SECS,
    Astray,
    Command,
    Ending,
    Link,
    Reader,
    ServerLink,
    Unreached,
    Unsure,
    as_it_is,
    converse,
    is_unsure,
    may_repeat,
    raise_last,
    read_each,
    read_one,
    tell_again,
)
from minimalkv.memory._redis_pool import Channel, Connection
from minimalkv.memory._redis_wire import pack, pack_all

_Address: TypeAlias = tuple[str, int]
_Send: TypeAlias = Callable[[AskError | None], Any]
_ASKING = pack(b"ASKING")
_PING = pack(b"PING")
# A server that does not answer may have been replaced: then nobody tells us.
_SUSPICIOUS = (Unreached, RedisConnectionError, RedisTimeoutError, *NOT_DONE)


class ClusterLink:
    """All servers of a cluster.

    Parameters
    ----------
    client : redis.cluster.RedisCluster
        Knows which server has which slot.
    connect : callable
        Makes a channel out of the connection pool of a server.
    patience : float
        For how many seconds to try again, while the cluster gets over a loss.
    """

    is_cluster = True

    def __init__(
        self, client: Any, connect: Callable[[Any], Channel], patience: float
    ) -> None:
        self._client = client
        self._connect = connect
        self._patience = patience
        self._channels: dict[_Address, Channel] = {}
        self._lock = Lock()
        self._is_stale = False

    def after_fork(self) -> None:
        self._lock = Lock()
        for channel in self._channels.values():
            channel.after_fork()

    def close(self) -> None:
        for channel in list(self._channels.values()):
            channel.close()

    # Who has what.

    def _owner(self, key: bytes) -> Channel:
        if self._is_stale:
            self._refresh()
        try:
            node = self._client.nodes_manager.get_node_from_slot(key_slot(key))
        except RedisClusterException as error:
            raise Unreached(error) from error
        return self._channel((node.host, node.port))

    def _refresh(self) -> None:
        self._is_stale = False
        try:
            self._client.nodes_manager.initialize()
        except (RedisError, RedisClusterException, OSError) as error:
            self._is_stale = True
            raise Unreached(reason(error)) from error
        self._forget_gone()

    def _forget_gone(self) -> None:
        known = {(node.host, node.port) for node in self._client.get_nodes()}
        with self._lock:
            gone = [address for address in self._channels if address not in known]
            channels = [self._channels.pop(address) for address in gone]
        for channel in channels:
            channel.close()

    def _channel(self, address: _Address) -> Channel:
        channel = self._channels.get(address)
        if channel is None:
            pool = self._pool(address)
            with self._lock:
                channel = self._channels.get(address) or self._connect(pool)
                self._channels[address] = channel
        return channel

    def _pool(self, address: _Address) -> Any:
        host, port = address
        manager = self._client.nodes_manager
        if manager.get_node(host, port) is None:
            self._refresh()
        node = manager.get_node(host, port)
        if node is None:
            unknown = RedisConnectionError(f"{host}:{port} is not in the cluster")
            raise Unreached(unknown)
        return self._client.get_redis_connection(node).connection_pool

    # Calls.

    def call(
        self,
        key: bytes,
        pieces: list[bytes],
        read: Reader = read_one,
        *,
        once: bool = False,
    ) -> Any:
        deadline = time.monotonic() + self._patience
        send = partial(self._send, key, pieces, read)
        return self._repeat(send, deadline, once=once)

    def _repeat(
        self, send: _Send, deadline: float, *, once: bool, unsure: bool = False
    ) -> Any:
        """Send until it is answered, to where a server says that the key has moved.

        That answer proves that nothing was done, so it is no reason not to go on.
        """
        redirect: AskError | None = None
        while True:
            try:
                return send(redirect)
            except AskError as error:
                if time.monotonic() >= deadline:
                    raise_last(Astray(str(error)), unsure=unsure)
                pause, redirect = redirect is not None, error
                self._is_stale = self._is_stale or isinstance(error, MovedError)
            except (RedisError, Unreached) as error:
                pause, redirect = True, None
                self._is_stale = self._is_stale or isinstance(error, _SUSPICIOUS)
                unsure = unsure or is_unsure(error)
                if time.monotonic() >= deadline or not may_repeat(error, once=once):
                    raise_last(error, unsure=unsure)
                tell_again(error)
            if pause:
                time.sleep(PAUSE_SECS)

    def _send(
        self, key: bytes, pieces: list[bytes], read: Reader, redirect: AskError | None
    ) -> Any:
        if redirect is None:
            return converse(self._owner(key), pieces, read)
        channel = self._channel((redirect.host, redirect.port))
        if isinstance(redirect, MovedError):
            return converse(channel, pieces, read)

        def read_after_asking(connection: Connection) -> Any:
            read_one(connection)
            return read(connection)

        return converse(channel, [*_ASKING, *pieces], read_after_asking)

    def call_each(
        self,
        commands: Sequence[tuple[bytes, Command]],
        after: Ending = as_it_is,
        *,
        once: bool = False,
    ) -> list[Any]:
        deadline = time.monotonic() + self._patience
        answers: list[Any] = [None] * len(commands)
        for channel, numbers in self._by_owner(commands).items():
            chosen = [commands[number] for number in numbers]
            found = self._ask_together(channel, chosen, after)
            again = partial(self._ask_alone, deadline=deadline, after=after, once=once)
            settled = self._settled(chosen, found, again, once=once)
            for number, answer in zip(numbers, settled, strict=True):
                answers[number] = answer
        return answers

    def _by_owner(
        self, commands: Sequence[tuple[bytes, Command]]
    ) -> dict[Channel | None, list[int]]:
        """Group the commands by channel; all under None where nobody knows."""
        groups: dict[Channel | None, list[int]] = {}
        try:
            for number, (key, _) in enumerate(commands):
                groups.setdefault(self._owner(key), []).append(number)
        except Unreached as error:
            if not may_repeat(error, once=True):
                raise
            return {None: list(range(len(commands)))}
        return groups

    def _ask_together(
        self,
        channel: Channel | None,
        commands: Sequence[tuple[bytes, Command]],
        after: Ending,
    ) -> list[Any]:
        count = len(commands)
        if channel is None:
            return [Unreached(RedisConnectionError("no server known"))] * count
        pieces = pack_all(command for _, command in commands)
        try:
            answers: list[Any] = converse(channel, *after(pieces, read_each(count)))
        except (RedisError, Unreached) as error:
            self._is_stale = True
            return [error] * count
        return answers

    def _settled(
        self,
        commands: Sequence[tuple[bytes, Command]],
        answers: Sequence[Any],
        ask_alone: Callable[[tuple[bytes, Command], Exception], Any],
        *,
        once: bool,
    ) -> Iterator[Any]:
        """Yield the answers; where there is none, send the command again, alone."""
        lost: Exception | None = None
        for command, answer in zip(commands, answers, strict=True):
            if not isinstance(answer, Exception) or not _is_open(answer, once=once):
                yield answer
            elif lost is not None:
                # It would wait as long, and for nothing.
                yield Unsure(lost) if is_unsure(answer) else Unreached(lost)
            else:
                self._is_stale = self._is_stale or isinstance(answer, MovedError)
                again = ask_alone(command, answer)
                lost = again if _is_lost(again) else None
                yield again

    def _ask_alone(
        self,
        command: tuple[bytes, Command],
        answer: Exception,
        *,
        deadline: float,
        after: Ending,
        once: bool,
    ) -> Any:
        key, arguments = command
        send = partial(self._send, key, *after(pack(*arguments), read_one))
        unsure = is_unsure(answer)
        try:
            return self._repeat(send, deadline, once=once, unsure=unsure)
        except (RedisError, Unreached, Unsure) as error:
            return error

    def call_keys(
        self,
        command: bytes,
        keys: Sequence[bytes],
        after: Ending = as_it_is,
        *,
        once: bool = False,
    ) -> list[Any]:
        commands = [(key, (command, key)) for key in keys]
        answers = self.call_each(commands, after, once=once)
        return [each[0] if isinstance(each, list) else each for each in answers]

    def servers(self) -> Iterator[Link]:
        deadline = time.monotonic() + self._patience
        channels = self._repeat(self._reached_servers, deadline, once=False)
        return map(ServerLink, channels)

    def _reached_servers(self, _: AskError | None) -> list[Channel]:
        # What is about no key is never told that the keys are elsewhere by now.
        self._refresh()
        nodes = self._client.get_primaries()
        channels = [self._channel((node.host, node.port)) for node in nodes]
        for channel in channels:
            converse(channel, _PING)
        return channels


def _is_open(error: Exception, *, once: bool) -> bool:
    """Tell whether a command got no answer but may be sent again."""
    return isinstance(error, AskError) or may_repeat(error, once=once)


def _is_lost(answer: object) -> bool:
    """Tell whether a command got no answer from any server."""
    return isinstance(answer, Exception) and not isinstance(answer, ResponseError)


def reason(error: Exception) -> Exception:
    """Return why redis-py found no cluster: the last error of its attempts."""
    cause = error.__cause__
    return cause if isinstance(cause, Exception) else error
