"""From the settings of a store to a client of redis-py, and what a fork does to it."""

from threading import Lock, RLock
from typing import Any, Final, NamedTuple

from redis import Redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import AuthenticationError
from redis.retry import Retry
from redis.sentinel import Sentinel

from minimalkv._errors import InvalidArgument

DEFAULT_TIMEOUT_SECS: Final = 5.0
DEFAULT_CONNECTIONS: Final = 100

_PORT = 6379
_SENTINEL_PORT = 26379
_LOCKS = {type(Lock()): Lock, type(RLock()): RLock}

# redis-py has no types for these.
_node: Any = ClusterNode
_sentinel: Any = Sentinel


class Settings(NamedTuple):
    """What a URL says about a Redis.

    Attributes
    ----------
    hosts : tuple of (str, int or None)
        The server; the nodes of a cluster to ask first; or the sentinels.
    username, password : str or None
        For the servers, and for those sentinels that ask for a password.
    db : int
        The number of the database.
    tls : bool
        Whether to speak TLS.
    cluster : bool
        Whether it is a cluster.
    sentinel : str or None
        The name that sentinels know the service by.
    timeout : float
        Seconds.
    max_connections : int
        For each server.
    wait : int
        How many replicas have to have a write; 0 for none.
    """

    hosts: tuple[tuple[str, int | None], ...]
    username: str | None = None
    password: str | None = None
    db: int = 0
    tls: bool = False
    cluster: bool = False
    sentinel: str | None = None
    timeout: float = DEFAULT_TIMEOUT_SECS
    max_connections: int = DEFAULT_CONNECTIONS
    wait: int = 0

    def __repr__(self) -> str:
        return f"<Redis {self.place}>"

    @property
    def place(self) -> str:
        """Say where that is, without user and password."""
        port = _SENTINEL_PORT if self.sentinel else _PORT
        hosts = ",".join(f"{_bracketed(h)}:{p or port}" for h, p in self.hosts)
        if self.sentinel:
            return f"{hosts}/{self.db} sentinel {self.sentinel!r}"
        return f"{hosts} cluster" if self.cluster else f"{hosts}/{self.db}"

    def open(self) -> Any:
        """Make a client; only that of a cluster connects here.

        Raises
        ------
        RedisError, RedisClusterException
            If the cluster cannot be reached.
        """
        if self.cluster:
            return self._open_cluster()
        if self.sentinel:
            return self._open_sentinel(self.sentinel)
        host, port = self.hosts[0]
        settings: Any = {**self._common(), **self._database()}
        return Redis(host, port or _PORT, retry=_once(), **settings)

    def _open_cluster(self) -> Any:
        nodes = [_node(host, port or _PORT) for host, port in self.hosts]
        settings = {**self._common(), **self._share_of_time()}
        return RedisCluster(startup_nodes=nodes, retry=_once(), **settings)

    def _open_sentinel(self, name: str) -> Any:
        common = self._common()
        sentinel = _sentinel(
            [(host, port or _SENTINEL_PORT) for host, port in self.hosts],
            sentinel_kwargs={
                **common,
                **self._share_of_time(),
                "retry": _once(),
                "redis_connect_func": _log_in_if_asked,
            },
        )
        settings = {**common, **self._database()}
        return sentinel.master_for(name, retry=_once(), **settings)

    def _share_of_time(self) -> dict[str, Any]:
        """Return how long each host may take to say where the servers are.

        Together they take no longer than one may.
        """
        share = self.timeout / len(self.hosts)
        return {"socket_timeout": share, "socket_connect_timeout": share}

    def _database(self) -> dict[str, Any]:
        # As text: hiredis 3.5 crashes if a signal handler raises while it writes a
        # number, since it takes for granted that this cannot fail.
        return {"db": str(self.db)} if self.db else {}

    def _common(self) -> dict[str, Any]:
        tls = {"ssl": True, "ssl_check_hostname": True} if self.tls else {}
        return {
            "username": self.username,
            "password": self.password,
            "socket_timeout": self.timeout,
            "socket_connect_timeout": self.timeout,
            "socket_keepalive": True,
            "max_connections": self.max_connections,
            # RESP 3 has nothing that we use, and takes an answer more to begin with.
            "protocol": 2,
            **tls,
        }


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _once() -> Retry:
    """Return what lets redis-py try once: whether to try again is decided here."""
    return Retry(NoBackoff(), 0)


def _log_in_if_asked(connection: Any) -> None:
    """Log in to a sentinel, which need not have the password of its servers."""
    try:
        connection.on_connect()
    except AuthenticationError:
        if not connection.password:
            raise
        connection.username = connection.password = None
        connection.disconnect()
        connection.connect()


def close(client: Any) -> None:
    """Close a client, its connections, and the sentinels that it asks."""
    nodes: list[Any] = getattr(client, "get_nodes", list)()
    client.close()
    # redis-py 5.0 leaves the connections of a cluster to the garbage collector.
    for node in nodes:
        if node.redis_connection is not None:
            node.redis_connection.connection_pool.disconnect()
    pool = getattr(client, "connection_pool", None)
    manager = getattr(pool, "sentinel_manager", None)
    for sentinel in getattr(manager, "sentinels", ()):
        sentinel.close()


def renew_locks(client: Any) -> None:
    """Give a client in a forked child locks that no thread of the parent holds.

    redis-py notices a fork by itself, but uses a lock of its pool to do so.
    """
    seen = {id(client)}
    waiting = [client]
    while waiting:
        thing = waiting.pop()
        for name, value in list(getattr(thing, "__dict__", {}).items()):
            make = _LOCKS.get(type(value))
            if make is not None:
                setattr(thing, name, make())
            for inner in _inner(value):
                if id(inner) not in seen:
                    seen.add(id(inner))
                    waiting.append(inner)


def _inner(value: object) -> list[object]:
    """Return the objects of redis-py that a value is or has."""
    values = list(value.values()) if isinstance(value, dict) else [value]
    if isinstance(value, list | tuple | set):
        values = list(value)
    return [one for one in values if type(one).__module__.startswith("redis.")]


def checked(client: object) -> Any:
    """Return a client that somebody else made.

    Raises
    ------
    InvalidArgument
        If it is another object, such as a client for asyncio.
    """
    if not isinstance(client, Redis | RedisCluster):
        kind = f"{type(client).__module__}.{type(client).__qualname__}"
        raise InvalidArgument(
            "redis is a redis.Redis, a redis.cluster.RedisCluster or the URL of one, "
            f"not a {kind}."
        )
    return client


def place_of(client: Any) -> str:
    """Say where a client goes, without user and password."""
    if hasattr(client, "nodes_manager"):
        node = client.get_default_node()
        return f"{node.name} cluster" if node else "a cluster"
    pool = client.connection_pool
    settings = pool.connection_kwargs
    if hasattr(pool, "service_name"):
        return f"sentinel {pool.service_name!r}/{settings.get('db') or 0}"
    host = settings.get("host", "localhost")
    where = settings.get("path") or f"{host}:{settings.get('port', _PORT)}"
    return f"{where}/{settings.get('db') or 0}"


def timeout_of(client: Any) -> float | None:
    """Return the seconds that a client waits for an answer; None for ever."""
    timeout: float | None = client.get_connection_kwargs().get("socket_timeout")
    return timeout
