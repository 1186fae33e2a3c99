"""What Redis compares before it replaces a value that was read."""

from collections.abc import Iterator
from typing import Any

import pytest

from minimalkv import (
    PreconditionFailed,
    StoreError,
    StoreUnavailable,
    get_store_from_url,
)
from minimalkv._constants import KEEP
from minimalkv.memory._redis_wire import MOST_COMPARED_BYTES
from minimalkv.sessions import SessionManager
from tests.backends.redis import RedisServer
from tests.proxy import Answer, Cut, Proxy, Request

OLD = b"-ERR syntax error\r\n"


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[Proxy]:
    with Proxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture
def store(redis_server: RedisServer, proxy: Proxy) -> Iterator[Any]:
    url = redis_server.through(redis_server.url(), proxy.port)
    with get_store_from_url(url) as store:
        store.put("key", b"old")
        proxy.reset_counts()
        yield store


def is_set(request: Request) -> bool:
    return request.method == "SET"


def test_change_of_a_session_is_two_commands(store: Any, proxy: Proxy) -> None:
    manager = SessionManager(store)
    session = manager.open()
    session.data["visits"] = 1
    session.save()
    proxy.reset_counts()

    again = manager.open(session.id)
    again.data["visits"] += 1
    assert again.save()

    assert proxy.methods == ["GET", "SET"]
    assert manager.open(session.id).data == {"visits": 2}


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize("size", [0, 3, MOST_COMPARED_BYTES, MOST_COMPARED_BYTES + 1])
def test_only_the_value_that_was_read_is_replaced(
    store: Any, proxy: Proxy, size: int, is_old: bool
) -> None:
    store.put("key", b"x" * size)
    found, seen = store._get_with_etag("key")
    assert found == b"x" * size
    if is_old:
        proxy.fault = Answer(OLD, on=is_set, times=1)

    store.put("key", b"new", 100, if_match=seen)

    assert store.get("key") == b"new"
    assert 99 < store.ttl("key") <= 100
    with pytest.raises(PreconditionFailed):
        store.put("key", b"newer", if_match=seen)
    assert store.get("key") == b"new"
    store.delete("key")
    with pytest.raises(PreconditionFailed):
        store.put("key", b"newer", if_match=seen)
    assert "key" not in store


def test_expiry_of_a_replaced_value_stays_where_it_is_to_be_kept(store: Any) -> None:
    store.touch("key", 100)
    _, seen = store._get_with_etag("key")

    store._put("key", b"new", KEEP, if_match=seen)

    assert store.get("key") == b"new"
    assert 90 < store.ttl("key") <= 100


def test_value_that_was_read_can_be_deleted(store: Any) -> None:
    _, seen = store._get_with_etag("key")
    store.delete("key", if_match=seen)
    assert "key" not in store
    with pytest.raises(PreconditionFailed):
        store.delete("key", if_match=seen)


def test_old_server_is_asked_in_vain_only_once(store: Any, proxy: Proxy) -> None:
    proxy.fault = Answer(OLD, on=is_set)
    for number in range(3):
        _, seen = store._get_with_etag("key")
        store.put("key", b"%d" % number, 100, if_match=seen)

    assert proxy.methods.count("SET") == 1
    assert store.get("key") == b"2"


def test_lost_reply_to_a_comparison_is_an_unknown_outcome(
    store: Any, proxy: Proxy
) -> None:
    _, seen = store._get_with_etag("key")
    fault = proxy.fault = Cut(on=is_set)

    with pytest.raises(StoreUnavailable, match="may have happened"):
        store.put("key", b"new", 100, if_match=seen)

    assert fault.happened == 1


def test_key_of_another_kind_is_no_conflict(store: Any) -> None:
    _, seen = store._get_with_etag("key")
    store.redis.delete("key")
    store.redis.rpush("key", "a")

    with pytest.raises(StoreError, match="another program") as raised:
        store.put("key", b"new", 100, if_match=seen)

    assert not isinstance(raised.value, PreconditionFailed)
