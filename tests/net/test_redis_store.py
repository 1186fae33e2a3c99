"""RedisStore on clients that others made, and what a busy or full server says."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
import redis
from redis import BlockingConnectionPool, ConnectionPool, Redis
from redis._parsers import _RESP2Parser, _RESP3Parser
from redis.backoff import NoBackoff
from redis.retry import Retry

from minimalkv import FOREVER, InvalidArgument, StoreUnavailable, get_store_from_url
from minimalkv.memory.redisstore import RedisStore
from tests.backends.process import HOST
from tests.backends.redis import RedisServer
from tests.net.redis_groups import PASSWORD, Node, failure, running
from tests.proxy import Answer, Cut, Proxy, Request
from tests.waiting import wait_until

DAY = 24 * 3600


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """Run a server whose settings a test may change."""
    with running(node := Node(["unixsocket socket"])):
        yield node


@pytest.fixture
def url(node: Node) -> str:
    node.ask("FLUSHALL")
    return f"hredis://:{quote(PASSWORD)}@{HOST}:{node.port}"


@pytest.fixture
def store(url: str) -> Iterator[Any]:
    with get_store_from_url(url) as store:
        yield store


# Clients that somebody else made.


def of_pool(kind: type[ConnectionPool], port: int, **settings: Any) -> Redis:
    return Redis(connection_pool=kind(host=HOST, port=port, **settings))


CLIENTS: dict[str, Callable[[Node], Redis]] = {
    "text": lambda node: Redis(HOST, node.port, decode_responses=True),
    "latin-1": lambda node: Redis(
        HOST, node.port, decode_responses=True, encoding="latin-1"
    ),
    "RESP 2": lambda node: Redis(HOST, node.port, protocol=2),
    "RESP 3": lambda node: Redis(HOST, node.port, protocol=3, decode_responses=True),
    "Python, RESP 2": lambda node: of_pool(
        ConnectionPool, node.port, protocol=2, parser_class=_RESP2Parser
    ),
    "Python, RESP 3": lambda node: of_pool(
        ConnectionPool,
        node.port,
        protocol=3,
        parser_class=_RESP3Parser,
        decode_responses=True,
    ),
    "blocking": lambda node: of_pool(
        BlockingConnectionPool, node.port, max_connections=1, timeout=1
    ),
    "health check": lambda node: Redis(HOST, node.port, health_check_interval=1),
    "socket": lambda node: Redis(unix_socket_path=str(node.folder / "socket")),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_values_are_bytes_whatever_the_client_makes_of_them(
    name: str, node: Node, url: str
) -> None:
    del url
    value = bytes(range(256)) * 20
    with CLIENTS[name](node) as client:
        client.connection_pool.connection_kwargs["password"] = PASSWORD
        store = RedisStore(client)
        store.put("key", value, 100)
        store.put_many({"a": value, "number": b"5"})
        assert store.get("key") == store.get_with_meta("key")[0] == value
        assert store.get_many(["a", "key", "b"]) == {"a": value, "key": value}
        assert store.stream("key", 3, 9)[1].read() == value[3:9]
        etag = store.head("key").etag
        assert [meta.etag for meta in store.iter_meta("key")] == [etag]
        store.put("key", b"\xff", if_match=etag)
        assert store.add("key", b"") is False
        assert store.increment("number") == 6
        store.move("key", "moved")
        assert sorted(store) == ["a", "moved", "number"]
        assert "moved" in store
        assert store.delete_prefix("") == 3


# Time to live.


@pytest.mark.parametrize(
    ("ttl_secs", "expected_ms"),
    [
        (40 * DAY, 40 * DAY * 1000),
        (36_600 * DAY, 36_600 * DAY * 1000),
        (90.25, 90_250),
        (7.0004, 7_001),
        (FOREVER, -1),
        (0, -2),
    ],
)
def test_lifetime_is_kept_to_the_millisecond(
    ttl_secs: float | str, expected_ms: int, store: Any
) -> None:
    ways: list[Callable[[], object]] = [
        lambda: store.put("key", b"old", ttl_secs),
        lambda: store.put_many({"key": b"old"}, ttl_secs),
        lambda: store.put("key", b"new", ttl_secs, if_match=store.head("key").etag),
        lambda: store.touch("key", ttl_secs),
        lambda: store.update("key", lambda _: b"newer", ttl_secs),
    ]
    for way in ways:
        store.put("key", b"old", 50)
        way()
        left_ms = store.redis.pttl("key")
        assert expected_ms - 5_000 < left_ms <= expected_ms


def test_copies_and_changes_keep_the_lifetime(store: Any) -> None:
    store.put("a", b"5", 40 * DAY)
    store.copy("a", "b")
    store.move("b", "c")
    store.increment("c")
    store.update("c", lambda old: old + b"0")
    store.touch("a", FOREVER)
    assert store.get("c") == b"60"
    assert 40 * DAY - 5 < store.ttl("c") <= 40 * DAY
    assert store.ttl("a") is None


def test_large_value_cannot_be_replaced_on_a_condition(store: Any) -> None:
    store.put("large", bytes(16 * 2**20 + 1))
    for function in (lambda old: old[:1], lambda _: None):
        with pytest.raises(InvalidArgument, match=r"no etag.*16 MiB.*in parts"):
            store.update("large", function)
    assert store.head("large").size == 16 * 2**20 + 1


# Servers that have no time or no room.


@contextmanager
def busy(node: Node) -> Iterator[None]:
    """Let a server run a script that does not end."""
    node.ask("CONFIG", "SET", "busy-reply-threshold", 50)
    client = Redis(HOST, node.port, password=PASSWORD, retry=Retry(NoBackoff(), 0))

    def spin() -> None:
        with client, pytest.raises(redis.ResponseError, match="killed"):
            client.eval("while true do end", 0)

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        wait_until(lambda: is_busy(node))
        yield
    finally:
        node.ask("SCRIPT", "KILL")
        thread.join()


def is_busy(node: Node) -> bool:
    try:
        node.ask("PING")
    except redis.ResponseError as error:
        return "BUSY" in str(error)
    return False


def test_busy_server_is_told(store: Any, node: Node) -> None:
    store.put("key", b"5")
    with busy(node):
        for call in (store.get, store.head, store.increment, store.delete):
            error = failure(call, "key")
            assert isinstance(error, StoreUnavailable)
            assert "is busy with a script" in str(error)
    assert store.increment("key") == 6


def test_server_without_room_for_another_client_is_told(url: str, node: Node) -> None:
    once = Retry(NoBackoff(), 0)
    with (
        Redis(HOST, node.port, password=PASSWORD, retry=once) as holder,
        Redis(HOST, node.port, password=PASSWORD, retry=once) as client,
        get_store_from_url(url) as opened,
    ):
        holder.config_set("maxclients", 1)
        for store in (opened, RedisStore(client)):
            error = failure(store.put, "key", b"value")
            assert isinstance(error, StoreUnavailable)
            assert "max number of clients" in str(error)
            assert "Nothing was changed." in str(error)
        holder.config_set("maxclients", 100)
        assert opened.put("key", b"value") == "key"


# Servers behind a network that fails.


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[Proxy]:
    with Proxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture
def distant(redis_server: RedisServer, proxy: Proxy) -> Iterator[Any]:
    url = redis_server.through(redis_server.url(), proxy.port)
    with get_store_from_url(url) as store:
        yield store


def is_script(request: Request) -> bool:
    return request.method == "EVALSHA"


def test_script_that_is_forgotten_meanwhile_is_sent_again(
    distant: Any, proxy: Proxy
) -> None:
    distant.put("key", b"value")
    size = distant.head("key").size
    fault = proxy.fault = Cut(on=is_script, times=1)
    distant.redis.script_flush()
    assert distant.head("key").size == size
    assert fault.happened == 1


def test_server_that_is_too_old_is_told(distant: Any, proxy: Proxy) -> None:
    distant.put("key", b"value")
    for answer in (
        b"-ERR unknown command `COPY`, with args beginning with: `key`, `hunter2`\r\n",
        b"-ERR Error running script: Unknown Redis command called from script\r\n",
    ):
        proxy.fault = Answer(answer)
        for call in (
            lambda: distant.copy("key", "copy"),
            lambda: distant.delete("key", if_match="x"),
        ):
            error = failure(call)
            assert "Redis 6.2 or later" in str(error)
            assert "hunter2" not in str(error)
    proxy.fault = None
    assert distant.get("key") == b"value"


def test_password_is_in_no_log(
    url: str, node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = url.replace(quote(PASSWORD), "hunter2")
    for secret, address in ((PASSWORD, url), ("hunter2", wrong)):
        store: Any = get_store_from_url(address)
        with store:
            error = failure(store.put, "key", b"value")
            shown = f"{store!r} {store.redis!r} {vars(store)!r} {error!r}"
            assert repr(store) == f"<HRedisStore of {HOST}:{node.port}/0>"
        assert secret not in f"{shown} {caplog.text}"
