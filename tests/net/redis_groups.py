"""Several Valkeys that belong together: a cluster, and a pair that sentinels watch."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.backends import programs
from tests.backends.process import HOST, ServerProcess

PASSWORD: Final = "the secret of the group"
SERVICE: Final = "the-service"
_SLOTS: Final = 16384
_WITHIN_SECS: Final = 40


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
                'save ""',
                "cluster-enabled yes",
                "cluster-node-timeout 2000",
                f'primaryauth "{PASSWORD}"',
            ]
        )

    def _command(self, folder: Path) -> list[str]:
        return [*super()._command(folder), "--cluster-port", str(self.ports[1])]


class Sentinel(Node):
    """A sentinel that watches a server."""

    def __init__(self, watched: Node, *, password: str) -> None:
        self._watched = watched
        super().__init__(password=password)

    def _command(self, folder: Path) -> list[str]:
        self._lines = [
            f"sentinel monitor {SERVICE} {HOST} {self._watched.port} 1",
            f'sentinel auth-pass {SERVICE} "{PASSWORD}"',
            f"sentinel down-after-milliseconds {SERVICE} 1000",
        ]
        return [*super()._command(folder), "--sentinel"]


def wait_until(is_so: Any) -> None:
    """Look until something is so."""
    deadline = time.monotonic() + _WITHIN_SECS
    while not is_so():
        assert time.monotonic() < deadline, "It did not come about in time."
        time.sleep(0.05)


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
            replica.ask("CLUSTER", "REPLICATE", primary.ask("CLUSTER", "MYID"))
        wait_until(lambda: all(_is_ready(node) for node in nodes))
        yield nodes


def _knows(node: Node, count: int) -> bool:
    facts = node.ask("CLUSTER INFO")
    return int(facts["cluster_known_nodes"]) == count


def _is_ready(node: Node) -> bool:
    rows = node.ask("CLUSTER", "SLOTS")
    is_ok = node.ask("CLUSTER INFO")["cluster_state"] == "ok"
    return is_ok and [len(row) for row in rows] == [4, 4, 4]


@contextmanager
def watched_pair(*passwords: str) -> Iterator[tuple[Node, list[Sentinel]]]:
    """Run a primary and its replica, and a sentinel for each password."""
    keys = ['save ""', f'primaryauth "{PASSWORD}"']
    primary = Node(keys)
    replica = Node(keys)
    sentinels = [Sentinel(primary, password=password) for password in passwords]
    with running(primary, replica):
        replica.ask("REPLICAOF", HOST, primary.port)
        with running(*sentinels):
            for sentinel in sentinels:
                wait_until(lambda one=sentinel: _sees_both(one))
            yield primary, sentinels


def _sees_both(sentinel: Sentinel) -> bool:
    return len(sentinel.ask("SENTINEL", "REPLICAS", SERVICE)) == 1
