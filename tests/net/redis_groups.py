"""Several Valkeys that belong together: a cluster, and a pair that sentinels watch."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from minimalkv import StoreError
from tests.backends import programs
from tests.backends.process import HOST, ServerProcess
from tests.waiting import wait_until

PASSWORD: Final = "the secret of the group"
SERVICE: Final = "the-service"
CLUSTERED: Final = (
    "cluster-enabled yes",
    "cluster-node-timeout 2000",
    f'primaryauth "{PASSWORD}"',
)
"""The configuration of a node, as docs/operations.md has it."""
_SLOTS: Final = 16384


class Node(ServerProcess):
    """A Valkey that belongs to a group, with a port for its like.

    Parameters
    ----------
    lines : str
        More lines of its configuration.
    password : str
        What a client has to know; the empty one for none.
    """

    port_count = 2

    def __init__(self, lines: Sequence[str] = (), *, password: str = PASSWORD) -> None:
        super().__init__()
        self._lines = lines
        self._password = password

    def _command(self, folder: Path) -> list[str]:
        lines = [f"bind {HOST}", f"port {self.port}", f"dir {folder}", *self._lines]
        if self._password:
            lines.append(f'requirepass "{self._password}"')
        config = folder / "valkey.conf"
        config.write_text("\n".join(lines) + "\n", "utf-8")
        return [programs.valkey(), str(config)]

    def _prepare(self) -> None:
        self.ask("PING")

    def ask(self, *command: str | int) -> Any:
        """Send one command and return the answer."""
        client: Any = Redis(
            HOST,
            self.port,
            password=self._password or None,
            socket_timeout=10,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        with closing(client):
            return client.execute_command(*command)


class ClusterNode(Node):
    """A node of a cluster."""

    def __init__(self) -> None:
        super().__init__(
            [
                *CLUSTERED,
                'save ""',
                # On a busy machine, a primary that is slow would be replaced.
                "cluster-replica-no-failover yes",
            ]
        )

    def _command(self, folder: Path) -> list[str]:
        return [*super()._command(folder), "--cluster-port", str(self.ports[1])]

    @cached_property
    def id(self) -> str:
        """The name that the other nodes know it by."""
        name: str = self.ask("CLUSTER", "MYID")
        return name


class Sentinel(Node):
    """A sentinel that watches a server, and replaces it after a silence."""

    def __init__(self, watched: Node, *, password: str, silence_ms: int) -> None:
        self._watched = watched
        self._silence_ms = silence_ms
        super().__init__(password=password)

    def _command(self, folder: Path) -> list[str]:
        self._lines = watching(self._watched.port, self._silence_ms)
        return [*super()._command(folder), "--sentinel"]


def watching(port: int, silence_ms: int, quorum: int = 1) -> list[str]:
    """Return the configuration of a sentinel, as docs/operations.md has it."""
    return [
        f"sentinel monitor {SERVICE} {HOST} {port} {quorum}",
        f'sentinel auth-pass {SERVICE} "{PASSWORD}"',
        f"sentinel down-after-milliseconds {SERVICE} {silence_ms}",
    ]


def check_all_calls(store: Any, key: str) -> None:
    assert store.get(key) == b"5"
    data, meta = store.get_with_meta(key)
    assert (data, meta.etag) == (b"5", store.head(key).etag)
    assert store.increment(key) == 6
    store.put(key, b"5", 100)
    store.put(key, b"5", if_match=meta.etag)
    assert store.add(key, b"no") is False
    assert key in store


def failure(call: Callable[..., object], *arguments: object) -> StoreError | None:
    try:
        call(*arguments)
    except StoreError as error:
        return error
    return None


@contextmanager
def running(*nodes: Node) -> Iterator[None]:
    """Start servers, and end them."""
    with ExitStack() as stack:
        for node in nodes:
            stack.callback(node.stop)
            node.begin()
        for node in nodes:
            node.wait()
        yield


@contextmanager
def cluster() -> Iterator[list[ClusterNode]]:
    """Run a cluster of three primaries, each with a replica: the last three."""
    nodes = [ClusterNode() for _ in range(6)]
    with running(*nodes):
        first, *others = nodes
        for number, node in enumerate(nodes[:3]):
            begin, end = _SLOTS * number // 3, _SLOTS * (number + 1) // 3 - 1
            node.ask("CLUSTER", "ADDSLOTSRANGE", begin, end)
        for node in others:
            first.ask("CLUSTER", "MEET", HOST, node.port, node.ports[1])
        wait_until(lambda: all(_knows(node, 6) for node in nodes))
        for primary, replica in zip(nodes[:3], nodes[3:], strict=True):
            replica.ask("CLUSTER", "REPLICATE", primary.id)
        wait_until(lambda: are_ready(nodes))
        yield nodes


def are_ready(nodes: Sequence[Node]) -> bool:
    """Tell whether all see three primaries, each with a replica."""
    return all(_is_ready(node) for node in nodes)


def _knows(node: Node, count: int) -> bool:
    facts = node.ask("CLUSTER INFO")
    return int(facts["cluster_known_nodes"]) == count


def _is_ready(node: Node) -> bool:
    rows = node.ask("CLUSTER", "SLOTS")
    is_ok = node.ask("CLUSTER INFO")["cluster_state"] == "ok"
    return is_ok and [len(row) for row in rows] == [4, 4, 4]


def migrate(
    slot: int, source: ClusterNode, target: ClusterNode, keys: Sequence[str] = ()
) -> None:
    """Begin to move a slot, and move these of its keys."""
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
    if keys:
        where: list[str | int] = [HOST, target.port, "", 0, 5000]
        source.ask("MIGRATE", *where, "AUTH", PASSWORD, "KEYS", *keys)


def hand_over(slot: int, source: ClusterNode, target: ClusterNode) -> None:
    """Give a slot, of which all keys have moved, to its new owner.

    The target first: by that it gets an epoch which outdoes all claims of the past.
    """
    for node in (target, source):
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", target.id)


def has_slot(node: Node, slot: int) -> bool:
    """Tell whether a node says that a slot is its own."""
    return knows_owner(node, slot, node)


def knows_owner(node: Node, slot: int, owner: Node) -> bool:
    """Tell whether a node says that a slot is another's."""
    rows = node.ask("CLUSTER", "SLOTS")
    return any(row[0] <= slot <= row[1] and row[2][1] == owner.port for row in rows)


def wait_for_replica(primary: Node) -> None:
    """Wait until a replica has all that its primary has.

    WAIT would not do: it is about what the same connection wrote.
    """
    offset = _replication(primary)["master_repl_offset"]
    wait_until(lambda: _replication(primary)["slave0"]["offset"] >= offset)


def _replication(primary: Node) -> dict[str, Any]:
    facts: dict[str, Any] = primary.ask("INFO", "replication")
    return facts


@contextmanager
def no_writes(node: Node) -> Iterator[None]:
    """Let a server answer no write."""
    node.ask("CLIENT", "PAUSE", 60_000, "WRITE")
    try:
        yield
    finally:
        node.ask("CLIENT", "UNPAUSE")


def kill(node: ServerProcess) -> None:
    """Take a node away without warning."""
    assert node.pid
    os.kill(node.pid, signal.SIGKILL)


_REPLICATED: Final = (
    'save ""',
    f'primaryauth "{PASSWORD}"',
    "repl-diskless-sync-delay 0",
)


@contextmanager
def replicated() -> Iterator[tuple[Node, Node]]:
    """Run a primary and its replica, which has all that the primary has."""
    primary = Node(_REPLICATED)
    with running(primary), add_replica(primary, 1) as replica:
        yield primary, replica


@contextmanager
def add_replica(primary: Node, count: int) -> Iterator[Node]:
    """Run a replica, and wait until there are so many that have all."""
    replica = Node(_REPLICATED)
    with running(replica):
        replica.ask("REPLICAOF", HOST, primary.port)
        wait_until(lambda: _online(primary) >= count)
        yield replica


def _online(primary: Node) -> int:
    facts = _replication(primary)
    rows = (facts.get(f"slave{number}", {}) for number in range(3))
    return sum(row.get("state") == "online" for row in rows)


@contextmanager
def watched_pair(
    *passwords: str, silence_ms: int = 60_000
) -> Iterator[tuple[Node, list[Sentinel]]]:
    """Run a primary and its replica, and a sentinel for each password."""
    with replicated() as (primary, _):
        sentinels = [
            Sentinel(primary, password=password, silence_ms=silence_ms)
            for password in passwords
        ]
        with running(*sentinels):
            for sentinel in sentinels:
                wait_until(partial(_sees_both, sentinel))
            yield primary, sentinels


def _sees_both(sentinel: Sentinel) -> bool:
    return len(sentinel.ask("SENTINEL", "REPLICAS", SERVICE)) == 1
