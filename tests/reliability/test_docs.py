"""How to run several servers: what docs/operations.md says is what the tests do."""

import re
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from redis.exceptions import RedisError

from tests import pages
from tests.backends.process import HOST
from tests.backends.weed import Filer, Gateway, Master, Part, Volume
from tests.net.redis_groups import (
    CLUSTERED,
    PASSWORD,
    SERVICE,
    ClusterNode,
    are_ready,
    running,
    watching,
)
from tests.reliability.test_sentinel import SILENCE_MS
from tests.waiting import wait_until

_PLACES: Final = {"-ip", "-dir", "-mdir", "-defaultStoreDir", "-config"}
# Logs and small volumes are for tests.
_UNTOLD: Final = {"-logdir", "-volumeSizeLimitMB"}
_STEP: Final = re.compile(r"10\.0\.0\.(\d)> (CLUSTER .+)")


def sample(word: str) -> list[str]:
    """Return the lines of the block that has a word in its first line."""
    found = [
        block.text.splitlines()
        for block in pages.blocks("docs/operations.md")
        if word in block.text.partition("\n")[0]
    ]
    assert len(found) == 1
    return found[0]


def options(words: list[str]) -> dict[str, str]:
    pairs = (word.partition("=")[::2] for word in words if word.startswith("-"))
    return {name: value for name, value in pairs if name not in _PLACES | _UNTOLD}


def parts() -> dict[str, Part | Gateway]:
    master = Master()
    filer = Filer(master)
    made: dict[str, Part | Gateway] = {
        "master": master,
        "volume": Volume(master),
        "filer": filer,
        "s3": Gateway(filer),
    }
    ports = {"master": 9333, "volume": 8080, "filer": 8888, "s3": 8333}
    for name, part in made.items():
        part.ports = (ports[name], ports[name] + 10_000)
    return made


def test_seaweedfs_is_started_as_documented(tmp_path: Path) -> None:
    lines = sample("weed master")
    assert sum(line.startswith("weed volume") for line in lines) == 3
    used = {name: part._command(tmp_path) for name, part in parts().items()}
    assert {line.split()[1] for line in lines} == set(used)
    for line in lines:
        name = line.split()[1]
        told = re.sub(r"10\.0\.0\.\d", HOST, line)
        assert options(told.split()) == options(used[name]), name


def test_nodes_of_a_cluster_are_configured_as_documented() -> None:
    documented = {line.replace("the password", PASSWORD) for line in sample("cluster-")}
    assert documented == {*CLUSTERED, f'requirepass "{PASSWORD}"'}


def test_sentinels_are_configured_as_documented() -> None:
    used = watching(6379, SILENCE_MS, quorum=2)
    told = "\n".join(used).replace(SERVICE, "main").replace(HOST, "10.0.0.1")
    documented = sample("port 26379")[1:]
    assert documented == told.replace(PASSWORD, "the password").splitlines()


@pytest.mark.stress
def test_documented_commands_make_a_cluster() -> None:
    nodes = [ClusterNode() for _ in range(6)]
    with running(*nodes):
        for step in sample("ADDSLOTSRANGE"):
            match = _STEP.fullmatch(step)
            assert match, step
            words = [_real(word, nodes) for word in _words(match[2])]
            wait_until(partial(_does, nodes[int(match[1]) - 1], words))
        wait_until(lambda: are_ready(nodes))


def _words(command: str) -> list[str]:
    """Split a command, and add the second port, which is not the usual one here."""
    command = re.sub(r"<CLUSTER MYID of (\S+)>", r"id-of-\1", command)
    command = re.sub(r"MEET (\S+) 6379", r"MEET \1 port-of-\1 second-of-\1", command)
    return command.split()


def _real(word: str, nodes: list[ClusterNode]) -> str:
    what, _, number = word.rpartition("10.0.0.")
    if not number or number == word:
        return word
    node = nodes[int(number) - 1]
    reals = {"": HOST, "id-of-": node.id}
    return str(reals.get(what) or node.ports[what.startswith("second")])


def _does(node: ClusterNode, words: list[str]) -> bool:
    try:
        return bool(node.ask(*words))
    except RedisError:
        return False  # the nodes may not know each other yet
