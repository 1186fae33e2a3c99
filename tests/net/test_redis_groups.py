"""Redis as a cluster, whose slots move and whose servers get lost."""

import hashlib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from redis.cluster import RedisCluster
from redis.crc import key_slot

from minimalkv import (
    AccessDenied,
    StoreUnavailable,
    get_store_from_url,
)
from minimalkv._contract.tools import in_child, sample, together
from minimalkv.memory.redisstore import RedisStore
from tests.backends.process import HOST
from tests.backends.redis import RedisServer
from tests.net.redis_groups import (
    PASSWORD,
    ClusterNode,
    check_all_calls,
    cluster,
    failure,
    hand_over,
    has_slot,
    kill,
    knows_owner,
    migrate,
    no_writes,
    wait_for_replica,
)
from tests.net.under_redis import Raw, Store
from tests.waiting import wait_until

ETAG_OF_5 = hashlib.sha1(b"5", usedforsecurity=False).hexdigest()
_READS = ("+@read", "+@connection", "+cluster", "+info")
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


@pytest.fixture
def hasty(cluster_url: str) -> Iterator[Any]:
    """Return a store that gives up after a second."""
    with get_store_from_url(cluster_url.replace("=10", "=1")) as store:
        yield store


class TestRedisCluster(Raw):
    @pytest.fixture
    def store(self, cluster_url: str) -> Iterator[Store]:
        with get_store_from_url(cluster_url) as store:
            yield store


@pytest.mark.stress  # a client of a single server runs in `make test`
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


def test_values_are_bytes_whatever_the_client_makes_of_them(
    nodes: list[ClusterNode], store: Any
) -> None:
    values = {f"key-{number}": bytes([number, 255]) for number in range(100)}
    url = f"redis://{_USERINFO}{HOST}:{nodes[0].port}"
    with RedisCluster.from_url(url, decode_responses=True) as client:
        given = RedisStore(client)
        given.put_many(values)
        for key, value in values.items():
            data, meta = given.get_with_meta(key)
            assert data == given.get(key) == value
            assert given.head(key).etag == meta.etag
        assert given.get_many(values) == store.get_many(values) == values
        assert sorted(given) == sorted(values)
        given.delete_many(values)
        assert given.keys() == []


def test_copy_and_move_cross_servers_with_their_expiry(store: Any) -> None:
    for source, dest in (("a", "b"), ("{a}1", "{a}2")):
        store.put(source, b"value", 100)
        store.copy(source, dest)
        store.move(dest, f"{dest}-moved")
        assert 95 < store.ttl(f"{dest}-moved") <= 100
        assert dest not in store


class Move(NamedTuple):
    """A slot, who has it, and who is to have it."""

    slot: int
    old: ClusterNode
    new: ClusterNode


@pytest.fixture
def move(nodes: list[ClusterNode]) -> Iterator[Move]:
    """Return what a test may do with the slot of ``{a}``; then it is as it was."""
    slot = key_slot(b"a")
    old, new, _ = sorted(nodes[:3], key=lambda node: not has_slot(node, slot))
    yield Move(slot, old, new)
    for node in nodes[:3]:
        node.ask("FLUSHALL")
        node.ask("CLUSTER", "SETSLOT", slot, "STABLE")
    if not has_slot(old, slot):
        old.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", new.id)
        hand_over(slot, new, old)
    wait_until(lambda: all(knows_owner(node, slot, old) for node in nodes))


def test_slot_that_moves_is_followed(
    store: Any, nodes: list[ClusterNode], cluster_url: str, move: Move
) -> None:
    keys = [f"{{a}}{number}" for number in range(5)]
    values = dict.fromkeys(keys, b"5")
    for node in nodes[:3]:
        node.ask("ACL", "SETUSER", "reader", "on", ">pw", "~*", *_READS)
    store.put_many(dict.fromkeys(keys[:4], b"5"), 100)
    with get_store_from_url(cluster_url.replace(_USERINFO, "reader:pw@")) as reader:
        migrate(*move, keys[:2])
        for key in keys[:4]:
            check_all_calls(store, key)
            assert reader.get_with_meta(key)[0] == b"5"
            assert reader.head(key).size == 1
    store.put(keys[4], b"5")
    assert store.get_many(keys) == values
    migrate(*move, keys[2:4])
    hand_over(*move)
    for key in keys:
        check_all_calls(store, key)
    assert store.get_many(keys) == values
    assert sorted(store) == keys
    store.delete_many(keys)
    assert store.keys() == []


def test_writes_wait_for_the_replicas_of_their_servers(
    store: Any, cluster_url: str, move: Move
) -> None:
    values = dict.fromkeys(["{a}0", "{a}1", "b", "c"], b"5")
    one, two = f"{cluster_url}&wait=1", f"{cluster_url.replace('=10', '=4')}&wait=2"
    store.put_many(values)
    with get_store_from_url(one) as enough, get_store_from_url(two) as too_few:
        migrate(*move, ["{a}0"])
        enough.put_many(values)
        check_all_calls(enough, "{a}0")
        migrate(*move, ["{a}1"])
        hand_over(*move)
        error = failure(too_few.put_many, dict.fromkeys(values, b"new"))
        assert "1 of 2 replicas" in str(error)
        assert set(getattr(error, "failed_keys", ())) == set(values)
        enough.delete_many(["b", "c"])
    assert store.get_many(values) == {"{a}0": b"new", "{a}1": b"new"}


def update(store: Any) -> None:
    store.update("{a}update", lambda old: old + b"0")


MISDIRECTED: dict[str, tuple[Callable[[Any], object], bytes | None]] = {
    "get": (lambda store: store.get("{a}get"), b"5"),
    "put": (lambda store: store.put("{a}put", b"new"), b"new"),
    "put-many": (
        lambda store: store.put_many({"{a}put-many": b"new", "b": b"", "c": b""}),
        b"new",
    ),
    "add-many": (
        lambda store: store.put_many({"{a}new": b"", "b-new": b""}, if_absent=True),
        b"5",
    ),
    "get-many": (lambda store: store.get_many(["b", "{a}get-many"]), b"5"),
    "delete-many": (lambda store: store.delete_many(["b", "{a}delete-many"]), None),
    "if-match": (
        lambda store: store.put("{a}if-match", b"new", if_match=ETAG_OF_5),
        b"new",
    ),
    "delete-if-match": (
        lambda store: store.delete("{a}delete-if-match", if_match=ETAG_OF_5),
        None,
    ),
    "increment": (lambda store: store.increment("{a}increment"), b"6"),
    "update": (update, b"50"),
    "move": (lambda store: store.move("{a}move", "{a}moved"), None),
    "touch": (lambda store: store.touch("{a}touch", 100), b"5"),
    "list": (lambda store: next(store.iter_meta("{a}list")), b"5"),
}


def test_call_to_the_wrong_server_is_done_once_by_the_right_one(
    store: Any, cluster_url: str, move: Move
) -> None:
    names = [f"{{a}}{name}" for name in MISDIRECTED]
    store.put_many(dict.fromkeys(names, b"5"))
    with ExitStack() as stack:
        others: dict[str, Any] = {}
        for name in MISDIRECTED:
            others[name] = stack.enter_context(get_store_from_url(cluster_url))
            assert others[name].head("{a}get").etag == ETAG_OF_5
        migrate(*move, names)
        hand_over(*move)
        for name, (call, _) in MISDIRECTED.items():
            call(others[name])
    found = store.get_many(names)
    for name, (_, expected) in MISDIRECTED.items():
        assert found.get(f"{{a}}{name}") == expected, name
    assert store.get_many(["{a}new", "{a}moved"]) == {"{a}new": b"", "{a}moved": b"5"}


UNTAKEN: dict[str, Callable[[Any], object]] = {
    "put": lambda store: store.put("{a}", b"value"),
    "add": lambda store: store.add("{a}", b"value"),
    "if_match": lambda store: store.put("{a}", b"value", if_match=ETAG_OF_5),
    "increment": lambda store: store.increment("{a}"),
    "put_many": lambda store: store.put_many({"{a}": b"", "b": b"", "c": b""}),
    "delete_many": lambda store: store.delete_many(["{a}", "b"]),
    "get": lambda store: store.get("{a}"),
    "get_many": lambda store: store.get_many(["b", "{a}"]),
}


def test_slot_that_no_server_takes_is_told(hasty: Any, move: Move) -> None:
    slot, old, new = move
    assert hasty.keys() == []
    old.ask("CLUSTER", "SETSLOT", slot, "NODE", new.id)
    for name, call in UNTAKEN.items():
        error = failure(call, hasty)
        assert isinstance(error, StoreUnavailable), name
        assert "'{a}': each says that another has it" in str(error), name
        assert ("Nothing was changed." in str(error)) == ("get" not in name), name
        assert error.failed_keys == (("{a}",) if "many" in name else ()), name
    assert hasty.keys() == ["c"]
    old.ask("CLUSTER", "SETSLOT", slot, "NODE", old.id)
    hasty.put("{a}", b"value")
    assert hasty.get("{a}") == b"value"


def test_server_that_does_not_answer_holds_up_its_own_keys_only(
    hasty: Any, nodes: list[ClusterNode]
) -> None:
    keys = [f"key-{number}" for number in range(100)]
    stuck = {key for key in keys if has_slot(nodes[1], key_slot(key.encode()))}
    hasty.put_many(dict.fromkeys(keys, b"old"))
    with no_writes(nodes[1]):
        error = failure(hasty.put_many, dict.fromkeys(keys, b"new"))
        assert isinstance(error, StoreUnavailable)
        assert set(error.failed_keys) == stuck
        assert "within 1 seconds. It may have happened." in str(error)
        found = hasty.get_many(keys)
    assert {key for key, value in found.items() if value == b"old"} == stuck


def test_where_one_key_waited_in_vain_the_others_are_not_sent(
    hasty: Any, store: Any, move: Move
) -> None:
    values = {f"{{a}}{number}": b"old" for number in range(20)}
    hasty.put_many(values)
    migrate(*move, list(values))
    hand_over(*move)
    with no_writes(move.new):
        error = failure(hasty.put_many, dict.fromkeys(values, b"new"))
        assert error
        assert set(error.failed_keys) == set(values)
        assert "did not answer" in str(error)
    values.pop("{a}0")  # nobody knows
    assert store.get_many(values) == values


def test_two_keys_on_their_way_are_told_and_found_when_they_are_there(
    hasty: Any, move: Move
) -> None:
    keys = ["{a}0", "{a}1"]
    hasty.put_many({"{a}0": b"0", "{a}1": b"1"})
    migrate(*move, keys[:1])
    for call in (hasty.copy, hasty.move):
        error = failure(call, *keys)
        assert isinstance(error, StoreUnavailable)
        assert "is moving keys" in str(error)
        assert "Nothing was changed." in str(error)
    migrate(*move, keys[1:])
    hand_over(*move)
    hasty.move(*keys)
    assert hasty.get_many(keys) == {"{a}1": b"0"}


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


def test_cluster_that_nobody_reaches_is_told() -> None:
    with socket.create_server((HOST, 0)) as hole:
        black_hole = hole.getsockname()[1]
        with socket.socket() as unused:
            unused.bind((HOST, 0))
            closed = unused.getsockname()[1]
        cases = {
            f"{HOST}:{black_hole}": "did not answer",
            f"{HOST}:{black_hole}," * 4 + f"{HOST}:{closed}": "Redis at",
            f"{HOST}:{closed}": "refused",
        }
        for hosts, word in cases.items():
            url = f"redis://:hunter2@{hosts}?cluster=true&timeout=0.5"
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
    store: Any, cluster_url: str, nodes: list[ClusterNode]
) -> None:
    """The last test with this cluster, of which it takes a server away."""
    for node in nodes:
        node.ask("CONFIG", "SET", "cluster-replica-no-failover", "no")
    values = {f"key-{number}": b"%d" % number for number in range(100)}
    store.put_many(values)
    for node in nodes[:3]:
        wait_for_replica(node)
    with get_store_from_url(cluster_url) as lister:
        assert len(lister.keys()) == 100
        kill(nodes[0])
        assert sorted(lister) == sorted(values)
    assert store.get_many(values) == values
    for key in values:
        store.put(key, b"new")
    assert sorted(store) == sorted(values)
    assert store.add("key-1", b"") is False
