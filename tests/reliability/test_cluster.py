"""A Valkey cluster of three primaries and three replicas loses a primary under load."""

from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import quote

import pytest
from pytest_django import Settings

from tests.backends.process import HOST
from tests.net.redis_groups import (
    PASSWORD,
    ClusterNode,
    cluster,
    kill,
    wait_for_replica,
)
from tests.reliability.load import Load
from tests.reliability.visits import makers

pytestmark = pytest.mark.stress

# The cluster takes 2 s to miss a node (`cluster-node-timeout`), and then elects.
WITHIN_SECS: Final = 15


@pytest.fixture
def nodes() -> Iterator[list[ClusterNode]]:
    with cluster() as nodes:
        for node in nodes:
            node.ask("CONFIG", "SET", "cluster-replica-no-failover", "no")
        yield nodes


@pytest.mark.parametrize("times", range(3))
def test_visitors_go_on_when_a_primary_is_killed(
    times: int,
    nodes: list[ClusterNode],
    settings: Settings,
    tell: Callable[[str], None],
) -> None:
    hosts = ",".join(f"{HOST}:{node.port}" for node in nodes[::2])
    url = f"hredis://:{quote(PASSWORD)}@{hosts}?cluster=true"
    settings.MINIMALKV_SESSION_STORE = url

    def replicate() -> None:
        for node in nodes[:3]:
            wait_for_replica(node)

    with Load(makers(url)) as load:
        load.runs(3)
        load.is_safe(replicate)
        load.runs(0.2)
        load.loses(lambda: kill(nodes[times]))
        outcome = load.recovers(WITHIN_SECS)
    tell(str(outcome))
    assert outcome.wrong == []
    # Else nobody noticed, and nothing was tested.
    assert outcome.slowest_secs > 1
