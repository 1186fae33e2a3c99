"""Several servers of Redis: every one of them is looked at."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.backends.process import HOST, free_ports
from tests.checking.looking import looked_at, one, statuses
from tests.net.redis_groups import (
    PASSWORD,
    SERVICE,
    ClusterNode,
    Node,
    Sentinel,
    cluster,
    kill,
    watched_pair,
)

# Both take a while to find together.
pytestmark = pytest.mark.stress


@pytest.fixture(scope="module")
def nodes() -> Iterator[list[ClusterNode]]:
    with cluster() as nodes:
        yield nodes


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Node, list[Sentinel]]]:
    with watched_pair("", PASSWORD) as pair:
        yield pair


def url_of(ports: list[int], query: str) -> str:
    hosts = ",".join(f"{HOST}:{port}" for port in ports)
    return f"redis://:{quote(PASSWORD)}@{hosts}/?{query}"


def test_a_cluster_that_is_well_has_nothing_to_complain_of(
    nodes: list[ClusterNode],
) -> None:
    report = looked_at(url_of([nodes[0].port, nodes[1].port], "cluster=true"))

    assert set(statuses(report).values()) == {"ok"}
    for node in nodes:
        assert f"{HOST}:{node.port}" in one(report, "nodes").text
    assert all(not node.ask("DBSIZE") for node in nodes)


def test_one_of_several_hosts_is_enough(nodes: list[ClusterNode]) -> None:
    (nobody,) = free_ports(1)

    report = looked_at(url_of([nobody, nodes[0].port], "cluster=true"))

    assert report.ok
    assert one(report, "connect").status == "warning"
    assert f"{HOST}:{nobody} refuses" in one(report, "connect").text
    assert one(report, "write").status == "ok"


def test_a_node_of_a_cluster_that_is_gone_is_told(nodes: list[ClusterNode]) -> None:
    url = url_of([nodes[0].port, nodes[1].port], "cluster=true")
    lost = nodes.pop()
    kill(lost)

    found = one(looked_at(url), "nodes")

    assert found.status == "warning"
    assert "5 of 6 take connections" in found.text
    assert f"{HOST}:{lost.port} refuses connections" in found.text


def test_sentinels_and_what_they_watch_are_looked_at(
    pair: tuple[Node, list[Sentinel]],
) -> None:
    primary, sentinels = pair
    ports = [sentinel.port for sentinel in sentinels]

    report = looked_at(url_of(ports, f"sentinel={SERVICE}"))

    assert set(statuses(report).values()) == {"ok"}
    for port in ports:
        assert f"{HOST}:{port}" in one(report, "connect").text
    assert f"{HOST}:{primary.port}" in one(report, "nodes").text
    unknown = looked_at(url_of(ports, "sentinel=another"))
    assert "knows a primary" in one(unknown, "list").text
