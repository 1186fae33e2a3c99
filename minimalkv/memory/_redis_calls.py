"""What a store asks of Redis, opened when it is first asked, and explained errors."""

from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Any, Final, NoReturn

from redis.cluster import RedisCluster
from redis.crc import key_slot
from redis.exceptions import NoScriptError, RedisClusterException, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from minimalkv._errors import StoreError, Unsupported
from minimalkv._fork import tell_after_fork
from minimalkv.memory._redis_client import (
    DEFAULT_TIMEOUT_SECS,
    Settings,
    checked,
    close,
    place_of,
    renew_locks,
    timeout_of,
)
from minimalkv.memory._redis_cluster import ClusterLink, reason
from minimalkv.memory._redis_errors import FAILURES, Call, explain, wrong_kind
from minimalkv.memory._redis_link import (
    Command,
    Ending,
    Link,
    Reader,
    ServerLink,
    Unreached,
    as_it_is,
    read_one,
)
from minimalkv.memory._redis_pool import BorrowedConnections, Channel, OwnConnections
from minimalkv.memory._redis_wait import Wait
from minimalkv.memory._redis_wire import Script, pack

_KEYS_AT_ONCE: Final = b"1000"


class Calls:
    """The calls to one Redis, by a client that is given or one that is opened here.

    Parameters
    ----------
    redis : redis.Redis, redis.cluster.RedisCluster or Settings
        The client, which stays open; or what is needed to make one.
    """

    # Until it is not understood: Valkey compares since 8.1, Redis since 8.4.
    may_compare = True

    def __init__(self, redis: Any) -> None:
        self._settings = redis if isinstance(redis, Settings) else None
        self._client = None if self._settings else checked(redis)
        self._link: Link | None = None
        self._after_writes: Ending = as_it_is
        if self._settings and self._settings.wait:
            wait = Wait.within(self._settings.wait, self._settings.timeout)
            self._after_writes = wait.after
        self._lock = Lock()
        tell_after_fork(self)

    @property
    def place(self) -> str:
        """Where Redis is, without user and password."""
        return self._settings.place if self._settings else place_of(self._client)

    @property
    def waits(self) -> bool:
        """Whether a write waits for replicas.

        Then a deletion must not be sent again: the second one deletes nothing, so it
        could not tell whether the replicas know of the first.
        """
        return self._after_writes is not as_it_is

    @property
    def _timeout(self) -> float | None:
        return self._settings.timeout if self._settings else timeout_of(self._client)

    @property
    def client(self) -> Any:
        """The client; one that is opened here makes connections of its own."""
        try:
            self._opened()
        except FAILURES as error:
            self._explain(error)
        return self._client

    # From opening to closing.

    def _opened(self) -> Link:
        patience = self._timeout or DEFAULT_TIMEOUT_SECS
        if not self._lock.acquire(timeout=patience):
            raise Unreached(RedisTimeoutError("another thread is still connecting"))
        try:
            if self._client is None and self._settings is not None:
                self._client = self._settings.open()
            if self._link is None:
                self._link = self._new_link(patience)
        except (RedisError, RedisClusterException, OSError) as error:
            raise Unreached(reason(error)) from error
        else:
            return self._link
        finally:
            self._lock.release()

    def _new_link(self, patience: float) -> Link:
        if isinstance(self._client, RedisCluster):
            return ClusterLink(self._client, self._channel, patience)
        pool = self._client.connection_pool  # type: ignore[union-attr]  # it is open
        has_sentinels = hasattr(pool, "sentinel_manager")
        return ServerLink(self._channel(pool), patience if has_sentinels else 0)

    def _channel(self, pool: Any) -> Channel:
        if self._settings is None:
            return BorrowedConnections(pool)
        settings = self._settings
        return OwnConnections(pool, settings.max_connections, settings.timeout)

    def close(self) -> None:
        """Close what was opened here."""
        with self._lock:
            link, self._link = self._link, None
            if link is not None:
                link.close()
            if self._settings is not None and self._client is not None:
                client, self._client = self._client, None
                close(client)

    def _after_fork(self) -> None:
        self._lock = Lock()
        if self._client is not None:
            renew_locks(self._client)
        if self._link is not None:
            self._link.after_fork()

    def __reduce__(self) -> tuple[type["Calls"], tuple[Settings]]:
        if self._settings is None:
            raise Unsupported(
                "A RedisStore made of a client cannot be pickled, since the client "
                "cannot: make it of a URL, as in RedisStore('redis://localhost')."
            )
        return type(self), (self._settings,)

    # Calls.

    def ask(
        self,
        key: str,
        pieces: list[bytes],
        read: Reader = read_one,
        *,
        writes: bool = False,
        once: bool = False,
    ) -> Any:
        """Ask about a key; *once* if it must not be done twice."""
        try:
            link = self._link or self._opened()
            after = self._after_writes if writes else as_it_is
            return link.call(key.encode(), *after(pieces, read), once=once)
        except FAILURES as error:
            self._explain(error, key, writes=writes)

    def run(
        self,
        script: Script,
        keys: Sequence[str],
        *arguments: bytes,
        writes: bool = False,
        once: bool = False,
    ) -> Any:
        """Run a script about keys that are on the same server."""
        names = [key.encode() for key in keys]
        try:
            link = self._link or self._opened()
            after = self._after_writes if writes else as_it_is
            try:
                pieces = pack(*script.call(names, *arguments))
                return link.call(names[0], *after(pieces, read_one), once=once)
            except NoScriptError:
                pieces = pack(*script.first_call(names, *arguments))
                return link.call(names[0], *after(pieces, read_one), once=once)
        except FAILURES as error:
            self._explain(error, keys[0], writes=writes)

    def ask_each(
        self, commands: Sequence[tuple[bytes, Command]], *, writes: bool, once: bool
    ) -> list[Any]:
        """Send many commands, each with its key; an error of Redis is an answer."""
        try:
            link = self._link or self._opened()
            after = self._after_writes if writes else as_it_is
            return link.call_each(commands, after, once=once)
        except FAILURES as error:
            self._explain(error, writes=writes)

    def ask_all(self, key: str, commands: Sequence[Command]) -> list[Any]:
        """Send commands about a key that only read."""
        name = key.encode()
        pairs = [(name, command) for command in commands]
        answers = self.ask_each(pairs, writes=False, once=False)
        for answer in answers:
            if isinstance(answer, Exception):
                self._explain(answer, key)
        return answers

    def ask_keys(
        self,
        command: bytes,
        keys: Sequence[bytes],
        *,
        writes: bool = False,
        once: bool = False,
    ) -> list[Any]:
        """Send a command about many keys; what a cluster fails at is an answer."""
        try:
            link = self._link or self._opened()
            after = self._after_writes if writes else as_it_is
            return link.call_keys(command, keys, after, once=once)
        except FAILURES as error:
            self._explain(error, writes=writes)

    def pages(self, pattern: bytes) -> Iterator[list[bytes]]:
        """Yield the names of strings that match, a thousand at a time, some twice."""
        for server in self._servers():
            cursor = b"0"
            while True:
                cursor, page = self._page(server, cursor, pattern)
                yield page
                if cursor == b"0":
                    break

    def _servers(self) -> list[Link]:
        try:
            link = self._link or self._opened()
            return list(link.servers())
        except FAILURES as error:
            self._explain(error)

    def _page(
        self, server: Link, cursor: bytes, pattern: bytes
    ) -> tuple[bytes, list[bytes]]:
        match = (b"MATCH", pattern, b"COUNT", _KEYS_AT_ONCE, b"TYPE", b"string")
        try:
            cursor, page = server.call(b"", pack(b"SCAN", cursor, *match))
        except FAILURES as error:
            self._explain(error)
        return cursor, page

    def are_together(self, one: str, other: str) -> bool:
        """Tell whether one command may have both keys."""
        try:
            link = self._link or self._opened()
        except FAILURES as error:
            self._explain(error)
        return not link.is_cluster or _slot(one) == _slot(other)

    def explained(
        self, error: Exception, key: str | None, *, writes: bool
    ) -> StoreError:
        """Return what an error means."""
        return explain(error, Call(self.place, self._timeout, key, writes))

    def wrong_kind(self, key: str) -> StoreError:
        """Return the error that says that another program has the key."""
        return wrong_kind(Call(self.place, self._timeout, key))

    def _explain(
        self, error: Exception, key: str | None = None, *, writes: bool = False
    ) -> NoReturn:
        explained = self.explained(error, key, writes=writes)
        raise explained from explained.__cause__


def _slot(key: str) -> int:
    slot: int = key_slot(key.encode())
    return slot
