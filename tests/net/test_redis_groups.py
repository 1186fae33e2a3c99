"""Redis as a cluster, behind sentinels, and behind TLS."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from redis.crc import key_slot

from minimalkv import (
    AccessDenied,
    StoreError,
    StoreUnavailable,
    get_store_from_url,
)
from minimalkv._contract.tools import in_child, sample, together
from minimalkv.memory.redisstore import RedisStore
from tests.backends.process import HOST
from tests.backends.redis import RedisServer
from tests.net.redis_groups import (
    PASSWORD,
    SERVICE,
    ClusterNode,
    Node,
    Sentinel,
    cluster,
    watched_pair,
)
from tests.net.under_redis import Raw, Store
from tests.proxy import Proxy

_USERINFO = f":{quote(PASSWORD)}@"


@pytest.fixture(scope="module")
def nodes() -> Iterator[list[ClusterNode]]:
    with cluster() as nodes:
        yield nodes


@pytest.fixture
def cluster_url(nodes: list[ClusterNode]) -> str:
    for node in nodes[:3]:
        node.ask("FLUSHALL")
    hosts = ",".join(f"{HOST}:{node.port}" for node in nodes[:2])
    return f"hredis://{_USERINFO}{hosts}?cluster=true&timeout=10"


@pytest.fixture
def store(cluster_url: str) -> Iterator[Any]:
    with get_store_from_url(cluster_url) as store:
        yield store


class TestRedisCluster(Raw):
    @pytest.fixture
    def store(self, cluster_url: str) -> Iterator[Store]:
        with get_store_from_url(cluster_url) as store:
            yield store


class TestRedisClusterOfClient(Raw):
    @pytest.fixture
    def store(self, cluster_url: str) -> Iterator[Store]:
        with get_store_from_url(cluster_url) as owner:
            yield RedisStore(owner.redis)  # type: ignore[attr-defined]  # it has one

    def reopen(self, store: Any) -> Store:
        return RedisStore(store.redis)

    def test_store_survives_pickle(self, store: Store) -> None:
        assert "cluster" in repr(store)

    def test_pickled_store_keeps_its_default(self, store: Store) -> None:
        assert store.default_ttl_secs


# Clusters.


def test_keys_of_all_servers_are_found(store: Any) -> None:
    values = {f"a/{number}": sample(50, number) for number in range(3000)}
    store.put_many(values)
    assert len({key_slot(key.encode()) * 3 // 16384 for key in values}) == 3
    assert sorted(store.keys("a/")) == sorted(values)
    assert store.get_many([*values, "missing"]) == values
    assert {meta.key for meta in store.iter_meta("a/1")} == set(store.keys("a/1"))
    store.delete_many(list(values)[::2])
    assert len(store.keys()) == 1500
    assert store.delete_prefix("a/") == 1500


def test_copy_and_move_cross_servers_with_their_expiry(store: Any) -> None:
    for source, dest in (("a", "b"), ("{a}1", "{a}2")):
        store.put(source, b"value", 100)
        store.copy(source, dest)
        store.move(dest, f"{dest}-moved")
        assert 95 < store.ttl(f"{dest}-moved") <= 100
        assert dest not in store


def test_slot_that_moves_is_followed(store: Any, nodes: list[ClusterNode]) -> None:
    keys = [f"{{a}}{number}" for number in range(5)]
    slot = key_slot(b"a")
    old, new = nodes[slot * 3 // 16384], nodes[(slot * 3 // 16384 + 1) % 3]
    store.put_many(dict.fromkeys(keys[:4], b"5"), 100)
    old_id, new_id = old.ask("CLUSTER", "MYID"), new.ask("CLUSTER", "MYID")
    new.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", old_id)
    old.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", new_id)
    move: list[str | int] = [
        "MIGRATE",
        HOST,
        new.port,
        "",
        0,
        5000,
        "AUTH",
        PASSWORD,
        "KEYS",
    ]
    old.ask(*move, *keys[:2])
    for key in keys[:4]:
        check_all_calls(store, key)
    store.put(keys[4], b"5")
    assert store.get_many(keys) == dict.fromkeys(keys, b"5")
    old.ask(*move, *keys[2:4])
    for node in (new, old):
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", new_id)
    for key in keys:
        check_all_calls(store, key)
    assert store.get_many(keys) == dict.fromkeys(keys, b"5")
    store.delete_many(keys)
    for node in (old, new):
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", old_id)
    store.put_many(dict.fromkeys(keys, b"5"))
    assert sorted(store) == keys


def check_all_calls(store: Any, key: str) -> None:
    assert store.get(key) == b"5"
    data, meta = store.get_with_meta(key)
    assert (data, meta.etag) == (b"5", store.head(key).etag)
    assert store.increment(key) == 6
    store.put(key, b"5", 100)
    store.put(key, b"5", if_match=meta.etag)
    assert store.add(key, b"no") is False
    assert key in store


def test_client_that_knows_one_server_finds_the_others(
    nodes: list[ClusterNode], cluster_url: str
) -> None:
    del cluster_url
    url = f"redis://{_USERINFO}{HOST}:{nodes[4].port}?cluster=true"
    with get_store_from_url(url) as store:
        store.put_many({f"key-{number}": b"" for number in range(30)})
        assert len(store.keys()) == 30


def test_cluster_without_the_word_is_told(
    nodes: list[ClusterNode], redis_server: RedisServer
) -> None:
    with get_store_from_url(f"redis://{_USERINFO}{HOST}:{nodes[0].port}") as store:
        errors = [failure(store.put, f"key-{number}", b"") for number in range(30)]
    assert all("?cluster=true" in str(error) for error in errors if error)
    assert any(errors)
    url = redis_server.url().rpartition("/")[0] + "?cluster=true"
    with get_store_from_url(url) as store:
        assert "leave out ?cluster=true" in str(failure(store.get, "key"))


def failure(call: Callable[..., object], *arguments: object) -> StoreError | None:
    try:
        call(*arguments)
    except StoreError as error:
        return error
    return None


def test_cluster_that_nobody_reaches_is_told() -> None:
    with socket.create_server((HOST, 0)) as hole:
        black_hole = hole.getsockname()[1]
        with socket.socket() as unused:
            unused.bind((HOST, 0))
            closed = unused.getsockname()[1]
        for port, word in ((black_hole, "did not answer"), (closed, "refused")):
            url = f"redis://:hunter2@{HOST}:{port}?cluster=true&timeout=0.5"
            with get_store_from_url(url) as store:
                began = time.monotonic()
                error = failure(store.put, "key", b"value")
                assert time.monotonic() - began < 2
            assert isinstance(error, StoreUnavailable)
            assert word in str(error)
            assert "hunter2" not in f"{error!r} {error.__cause__!r}"


def test_wrong_password_of_a_cluster_is_denied(nodes: list[ClusterNode]) -> None:
    url = f"redis://:hunter2@{HOST}:{nodes[0].port}?cluster=true"
    with get_store_from_url(url) as store:
        error = failure(store.get, "key")
    assert isinstance(error, AccessDenied)
    assert "hunter2" not in f"{error!r} {error.__cause__!r}"


def test_sixteen_threads_and_a_child_share_a_cluster(store: Any) -> None:
    store.put("key", b"0")

    def count(number: int) -> None:
        for turn in range(10):
            store.update("key", lambda old: b"%d" % (int(old) + 1))
            store.put(f"{number}-{turn}", b"value")

    with in_child(lambda: count(99)):
        together(16, count)
    assert store.get("key") == b"170"
    assert len(store.keys()) == 171


def test_lost_server_is_replaced_by_its_replica(
    store: Any, nodes: list[ClusterNode]
) -> None:
    """The last test with this cluster, of which it takes a server away."""
    values = {f"key-{number}": b"%d" % number for number in range(100)}
    store.put_many(values)
    for node in nodes[:3]:
        node.ask("WAIT", 1, 5000)
    victim = nodes[0].pid
    assert victim
    os.kill(victim, signal.SIGKILL)
    assert store.get_many(values) == values
    for key in values:
        store.put(key, b"new")
    assert sorted(store) == sorted(values)
    assert store.add("key-1", b"") is False


# Sentinels.


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Node, list[Sentinel]]]:
    """Run a pair that is watched by a sentinel without and one with a password."""
    with watched_pair("", PASSWORD) as pair:
        yield pair


@pytest.mark.parametrize("chosen", [[0], [1], [0, 1], [1, 0]])
def test_sentinels_name_the_server(
    chosen: list[int], pair: tuple[Node, list[Sentinel]]
) -> None:
    primary, sentinels = pair
    primary.ask("FLUSHALL")
    hosts = ",".join(f"{HOST}:{sentinels[number].port}" for number in chosen)
    url = f"hredis://{_USERINFO}{hosts}/3?sentinel={SERVICE}"
    with get_store_from_url(url) as store:
        store.put("a/b", b"5", 100)
        check_all_calls(store, "a/b")
        assert store.keys() == ["a/b"]
        assert primary.ask("INFO", "keyspace")["db3"]["keys"] == 1
        with in_child(lambda: check_all_calls(store, "a/b")):
            check_all_calls(store, "a/b")
        assert hosts in repr(store)
        assert SERVICE in repr(store)


def test_sentinels_that_do_not_help_are_told(pair: tuple[Node, list[Sentinel]]) -> None:
    _, (sentinel, with_password) = pair
    with socket.create_server((HOST, 0)) as hole:
        holes = ",".join([f"{HOST}:{hole.getsockname()[1]}"] * 3)
        cases = {
            f"{HOST}:{sentinel.port}?sentinel=another": StoreUnavailable,
            f"{HOST}:{sentinel.port}?sentinel={SERVICE}": AccessDenied,
            f"{HOST}:{with_password.port}?sentinel={SERVICE}": AccessDenied,
            f"{HOST}:1,{HOST}:2?sentinel={SERVICE}": StoreUnavailable,
            f"{holes}?sentinel={SERVICE}": StoreUnavailable,
        }
        for case, kind in cases.items():
            url = f"redis://:hunter2@{case}&timeout=1"
            with get_store_from_url(url) as store:
                began = time.monotonic()
                error = failure(store.put, "key", b"value")
                assert time.monotonic() - began < 2.5
            assert isinstance(error, kind), case
            assert "hunter2" not in f"{error!r} {error.__cause__!r}"


# TLS.


@pytest.fixture
def tls(redis_server: RedisServer) -> Iterator[Proxy]:
    with Proxy(redis_server.port, tls=True) as proxy:
        yield proxy


def test_tls_works_with_an_authority_that_is_known(
    tls: Proxy, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", tls.ca_file)
    url = redis_server.through(redis_server.url(), tls.port)
    secure = url.replace("hredis://", "hrediss://")
    with get_store_from_url(secure) as store:
        value = sample(2**20)
        store.put("a/b", b"5")
        store.put("large", value)
        check_all_calls(store, "a/b")
        assert store.get("large") == value
        with in_child(lambda: check_all_calls(store, "a/b")):
            assert store.get("large") == value
    assert tls.round_trips > 5
    with get_store_from_url(url) as store:
        assert isinstance(failure(store.get, "a/b"), StoreUnavailable)


def test_tls_with_a_stranger_is_refused(
    tls: Proxy, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    url = redis_server.url(h=False, timeout=1).replace("redis://", "rediss://")
    with get_store_from_url(redis_server.through(url, tls.port)) as store:
        error = failure(store.put, "key", b"value")
    assert isinstance(error, StoreUnavailable)
    assert "certificate" in str(error).lower()
    with get_store_from_url(url) as store:
        assert isinstance(failure(store.put, "key", b"value"), StoreUnavailable)
