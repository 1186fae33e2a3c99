"""Redis behind sentinels, and behind TLS."""

import socket
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from minimalkv import AccessDenied, StoreUnavailable, get_store_from_url
from minimalkv._contract.tools import in_child, sample
from tests.backends.process import HOST
from tests.backends.redis import RedisServer
from tests.net.redis_groups import (
    PASSWORD,
    SERVICE,
    Node,
    Sentinel,
    check_all_calls,
    failure,
    kill,
    wait_for_replica,
    watched_pair,
)
from tests.proxy import Proxy

_USERINFO = f":{quote(PASSWORD)}@"

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


def test_lost_primary_is_replaced_by_its_replica() -> None:
    with watched_pair("", silence_ms=1000) as (primary, [sentinel]):
        where = f"{HOST}:{sentinel.port}?sentinel={SERVICE}&timeout=20"
        values = {f"key-{number}": b"%d" % number for number in range(100)}
        with get_store_from_url(f"redis://{_USERINFO}{where}") as store:
            store.put_many(values)
            store.increment("key-0", 0)  # the new server does not know its script
            wait_for_replica(primary)
            kill(primary)
            assert store.get_many(values) == values
            assert store.increment("key-1") == 2
            assert sorted(store) == sorted(values)
            assert store.add("key-1", b"") is False
            assert store.add("new", b"") is True


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
