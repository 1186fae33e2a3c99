"""A Valkey that sentinels watch is lost under load, and a replica takes over."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote

import pytest
from pytest_django import Settings

from minimalkv import StoreUnavailable, get_store_from_url
from tests.backends.process import HOST
from tests.net.redis_groups import (
    PASSWORD,
    SERVICE,
    Node,
    Sentinel,
    add_replica,
    failure,
    kill,
    wait_for_replica,
    watched_pair,
)
from tests.reliability.load import Load, Outcome
from tests.reliability.visits import makers
from tests.waiting import wait_until

pytestmark = pytest.mark.stress

SILENCE_MS: Final = 1000
# Sentinels tell a replica of its new primary again after ten seconds if that failed.
WITHIN_SECS: Final = 30


def url_of(sentinel: Sentinel, options: str = "") -> str:
    where = f"{HOST}:{sentinel.port}?sentinel={SERVICE}{options}"
    return f"hredis://:{quote(PASSWORD)}@{where}"


@pytest.fixture
def pair() -> Iterator[tuple[Node, Sentinel]]:
    with watched_pair("", silence_ms=SILENCE_MS) as (primary, [sentinel]):
        yield primary, sentinel


def lose_primary(primary: Node, url: str, settings: Settings) -> Outcome:
    settings.MINIMALKV_SESSION_STORE = url
    with Load(makers(url)) as load:
        load.runs(3)
        load.is_safe(lambda: wait_for_replica(primary))
        load.runs(0.2)
        load.loses(lambda: kill(primary))
        outcome = load.recovers(WITHIN_SECS)
    assert outcome.wrong == []
    # Else nobody noticed, and nothing was tested.
    assert outcome.slowest_secs > 0.5
    return outcome


@pytest.mark.parametrize("times", range(3))
def test_visitors_go_on_when_the_primary_is_killed(
    times: int,
    pair: tuple[Node, Sentinel],
    settings: Settings,
    tell: Callable[[str], None],
) -> None:
    del times
    primary, sentinel = pair
    tell(str(lose_primary(primary, url_of(sentinel), settings)))


@pytest.mark.parametrize("times", range(3))
def test_with_two_replicas_and_wait_nothing_acknowledged_is_lost(
    times: int,
    pair: tuple[Node, Sentinel],
    settings: Settings,
    tell: Callable[[str], None],
) -> None:
    del times
    primary, sentinel = pair
    with added(primary, sentinel, 2):
        outcome = lose_primary(primary, url_of(sentinel, "&wait=1"), settings)
    tell(f"with wait=1: {outcome}")
    assert outcome.lost == {}


def test_pair_acknowledges_nothing_after_its_fail_over_until_it_has_a_replica(
    pair: tuple[Node, Sentinel], tell: Callable[[str], None]
) -> None:
    primary, sentinel = pair
    with get_store_from_url(url_of(sentinel, "&wait=1&timeout=2")) as store:
        store.put("key", b"old")
        kill(primary)
        wait_until(lambda: "0 of 1 replicas" in str(failure(store.put, "key", b"new")))
        for _ in range(3):
            assert isinstance(failure(store.put, "key", b"newer"), StoreUnavailable)
        assert store.get("key") == b"newer"
        began = time.monotonic()
        with added(primary_of(sentinel), sentinel, 1):
            store.put("key", b"newest")
        tell(f"acknowledges again {time.monotonic() - began:.1f} s after a new replica")


@pytest.mark.parametrize("wait", [0, 1])
def test_what_no_replica_had_is_lost_and_counted_and_with_wait_not_acknowledged(
    wait: int,
    pair: tuple[Node, Sentinel],
    settings: Settings,
    tell: Callable[[str], None],
) -> None:
    primary, sentinel = pair
    replica = node_at(replicas(sentinel)[0]["port"])
    url = url_of(sentinel, "&wait=1" if wait else "")
    settings.MINIMALKV_SESSION_STORE = url
    with Load(makers(url)) as load:
        load.runs(2)
        load.is_safe(lambda: wait_for_replica(primary))
        with cut_off(primary, replica):
            load.runs(0.4)
            load.loses(lambda: kill(primary))
        wait_until(lambda: primary_of(sentinel).port == replica.port)
        with added(replica, sentinel, 1):
            outcome = load.recovers(WITHIN_SECS)
    tell(f"with a replica that was 0.4 s behind and wait={wait}: {outcome}")
    assert outcome.wrong == []
    assert bool(outcome.lost) == (not wait)


@contextmanager
def cut_off(primary: Node, replica: Node) -> Iterator[None]:
    """Let a replica miss what its primary takes meanwhile."""
    pid = replica.ask("INFO", "server")["process_id"]
    os.kill(pid, signal.SIGSTOP)
    try:
        primary.ask("CLIENT", "KILL", "TYPE", "replica")
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def node_at(port: int) -> Node:
    """Return a server that somebody else started."""
    node = Node()
    node.ports = (int(port),)
    return node


def primary_of(sentinel: Sentinel) -> Node:
    """Return the server that the sentinel names."""
    _, port = sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
    return node_at(port)


@contextmanager
def added(primary: Node, sentinel: Sentinel, count: int) -> Iterator[None]:
    """Start one more replica, and wait until the sentinel knows of so many."""
    with add_replica(primary, count):
        # It asks the primary who its replicas are every ten seconds.
        wait_until(lambda: len(replicas(sentinel)) >= count)
        yield


def replicas(sentinel: Sentinel) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sentinel.ask("SENTINEL", "REPLICAS", SERVICE)
    return found
