"""What Redis refuses, and in which words the store says so."""

import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from minimalkv import (
    AccessDenied,
    KeyNotFound,
    StoreError,
    StoreUnavailable,
    get_store_from_url,
)
from minimalkv.memory.redisstore import RedisStore
from tests.backends.base import Credentials
from tests.backends.process import HOST
from tests.backends.redis import RedisServer
from tests.net.backend import Backend, one_of
from tests.net.redis_groups import PASSWORD, Node, running
from tests.proxy import Answer, Proxy, Refuse

backend = one_of("redis")

CALLS: dict[str, Callable[[Any], object]] = {
    "get": lambda store: store.get("key"),
    "get_with_meta": lambda store: store.get_with_meta("key"),
    "head": lambda store: store.head("key"),
    "in": lambda store: "key" in store,
    "open": lambda store: store.open("key"),
    "stream": lambda store: store.stream("key", 1),
    "put": lambda store: store.put("key", b"value"),
    "put for a while": lambda store: store.put("key", b"value", 5),
    "put if it matches": lambda store: store.put("key", b"value", if_match="x"),
    "add": lambda store: store.add("key", b"value"),
    "update": lambda store: store.update("key", lambda _: b"value"),
    "increment": lambda store: store.increment("key"),
    "delete": lambda store: store.delete("key"),
    "copy": lambda store: store.copy("key", "copy"),
    "move": lambda store: store.move("key", "moved"),
    "touch": lambda store: store.touch("key", 5),
    "ttl": lambda store: store.ttl("key"),
    "keys": lambda store: store.keys(),
    "iter_meta": lambda store: list(store.iter_meta()),
    "get_many": lambda store: store.get_many(["key"]),
    "put_many": lambda store: store.put_many({"key": b"value"}),
    "delete_many": lambda store: store.delete_many(["key"]),
    "ping": lambda store: store.ping(),
}
WRITES = ("put", "put for a while", "add", "increment", "delete", "copy", "put_many")
every_call = pytest.mark.parametrize("name", CALLS)


@pytest.fixture
def store(backend: Backend, proxy: Proxy) -> Iterator[Any]:
    proxy.fault = None
    with backend.opened(backend.url(), proxy.port) as store:
        yield store


def all_text_of(error: BaseException | None) -> str:
    """Return all that a log could show of an error."""
    texts = []
    while error is not None:
        texts += [repr(error), str(error), *traceback.format_exception_only(error)]
        error = error.__cause__
    return "\n".join(texts)


def failure(action: Callable[..., object], *arguments: object) -> StoreError:
    with pytest.raises(StoreError) as caught:
        action(*arguments)
    shown = "".join(traceback.format_exception(caught.value))
    assert "redis.exceptions.ResponseError" not in shown
    return caught.value


@every_call
def test_refused_port_is_named(name: str, store: Any, proxy: Proxy) -> None:
    proxy.fault = Refuse()
    began = time.monotonic()
    error = failure(CALLS[name], store)
    assert time.monotonic() - began < 2
    assert isinstance(error, StoreUnavailable)
    assert f"127.0.0.1:{proxy.port}" in str(error)
    assert "refused" in str(error)
    assert ("Nothing was changed." in str(error)) == (
        name in WRITES or name in ("put if it matches", "move", "touch", "delete_many")
    )


def test_host_that_does_not_exist_is_named() -> None:
    error = failure(lambda: get_store_from_url("redis://nowhere.invalid").get("key"))
    assert isinstance(error, StoreUnavailable)
    assert "nowhere.invalid" in str(error)


@every_call
def test_wrong_password_is_denied_and_shown_nowhere(
    name: str, redis_server: RedisServer
) -> None:
    wrong = Credentials("the-user", "wr/ong:secret")
    with get_store_from_url(redis_server.url(credentials=wrong)) as store:
        error = failure(CALLS[name], store)
        text = all_text_of(error) + repr(store)
    assert isinstance(error, AccessDenied)
    assert "password" in str(error)
    for secret in ("the-user", "wr/ong", "secret"):
        assert secret not in text


def test_missing_and_needless_passwords_are_told(redis_server: RedisServer) -> None:
    bare = f"redis://{HOST}:{redis_server.port}"
    with get_store_from_url(bare) as store:
        error = failure(lambda: store.get("key"))
        assert isinstance(error, AccessDenied)
        assert "asks for a password" in str(error)
    with running(node := Node(password="")):
        with get_store_from_url(f"redis://:needless@{HOST}:{node.port}") as store:
            error = failure(lambda: store.get("key"))
        assert isinstance(error, AccessDenied)
        assert "has no password" in str(error)
        assert "needless" not in all_text_of(error)


def test_database_that_does_not_exist_is_told(redis_server: RedisServer) -> None:
    url = redis_server.url().rpartition("/")[0] + "/999999"
    with get_store_from_url(url) as store:
        assert "DB index" in str(failure(lambda: store.get("key")))


def test_user_who_may_only_read_reads_everything(redis_server: RedisServer) -> None:
    url = redis_server.url()
    userinfo = redis_server.credentials.as_userinfo()
    with get_store_from_url(url) as store:
        store.put_many({"a": b"0123456789", "b": b""}, 100)
        expected = {meta.key: meta.etag for meta in store.iter_meta()}
    with get_store_from_url(
        url.replace(userinfo, redis_server.reader.as_userinfo())
    ) as store:
        assert store.get("a") == store.get_with_meta("a")[0] == b"0123456789"
        assert store.head("a").size == 10
        assert store.stream("a", 2, 5)[1].read() == b"234"
        assert store.stream("a", -2)[1].read() == b"89"
        assert 90 < (store.ttl("a") or 0) <= 100
        assert {meta.key: meta.etag for meta in store.iter_meta()} == expected
        assert store.get_many(["a", "b", "c"]) == {"a": b"0123456789", "b": b""}
        assert sorted(store) == ["a", "b"]
        assert ("a" in store, "c" in store) == (True, False)
        for read in (store.head, store.get_with_meta, store.get):
            with pytest.raises(KeyNotFound):
                read("c")


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("put", "set"),
        ("put for a while", "set"),
        ("add", "set"),
        ("put_many", "set"),
        ("put if it matches", "evalsha"),
        ("increment", "evalsha"),
        ("update", "set"),
        ("delete", "del"),
        ("delete_many", "del"),
        ("copy", "copy"),
        ("move", "evalsha"),
        ("touch", "pexpire"),
    ],
)
def test_missing_permission_is_named(
    name: str, command: str, redis_server: RedisServer
) -> None:
    with get_store_from_url(redis_server.url(credentials=redis_server.reader)) as store:
        error = failure(CALLS[name], store)
    assert isinstance(error, AccessDenied)
    assert f"{command!r}" in str(error)
    assert f"+{command}" in str(error)
    assert redis_server.reader.name not in all_text_of(error)


def test_key_that_a_user_may_not_touch_is_named() -> None:
    with running(node := Node()):
        node.ask("ACL", "SETUSER", "half", "on", ">pw", "~mine-*", "+@all")
        with get_store_from_url(f"redis://half:pw@{HOST}:{node.port}") as store:
            store.put("mine-1", b"value")
            for call in (
                lambda: store.put("theirs", b"value"),
                lambda: store.head("theirs"),
                lambda: store.get_with_meta("theirs"),
            ):
                error = failure(call)
                assert isinstance(error, AccessDenied)
                assert "'theirs'" in str(error)
                assert "half" not in all_text_of(error)


def test_what_is_no_value_is_told_and_not_listed(
    store: Any, redis_server: RedisServer
) -> None:
    client: Redis = store.redis
    client.rpush("list", "element")
    client.hset("hash", "field", "value")
    store.put("value", b"")
    assert store.keys() == ["value"]
    assert [meta.key for meta in store.iter_meta()] == ["value"]
    assert store.get_many(["list", "value"]) == {"value": b""}
    for key in ("list", "hash"):
        for read in (
            store.get,
            store.get_with_meta,
            store.head,
            store.open,
            store.increment,
            lambda key: key in store,
            lambda key: store.stream(key, 1),
            lambda key: store.put(key, b"", if_match="x"),
        ):
            error = failure(read, key)
            assert f"{key!r}" in str(error)
            assert "another program" in str(error)
    assert store.delete_prefix("") == 1
    assert client.exists("list", "hash") == 2


def test_full_memory_is_told() -> None:
    with (
        running(node := Node()),
        get_store_from_url(f"redis://:{quote(PASSWORD)}@{HOST}:{node.port}") as store,
    ):
        store.put("small", b"0")
        etag = store.head("small").etag
        assert etag
        node.ask("CONFIG", "SET", "maxmemory", "1")
        calls: list[Callable[[], object]] = [
            lambda: store.put("key", b"value"),
            lambda: store.put_many({"key": b"value"}),
            lambda: store.put("small", b"value", if_match=etag),
            lambda: store.add("new", b"value"),
            lambda: store.increment("small"),
            lambda: store.copy("small", "copy"),
        ]
        for call in calls:
            error = failure(call)
            assert "maxmemory" in str(error)
            assert not isinstance(error, StoreUnavailable)
        assert store.get("small") == b"0"
        store.delete("small", if_match=etag)
        assert store.keys() == []


def test_replica_is_told() -> None:
    lines = [f'primaryauth "{PASSWORD}"']
    with running(primary := Node(lines), replica := Node(lines)):
        replica.ask("REPLICAOF", HOST, primary.port)
        url = f"redis://:{quote(PASSWORD)}@{HOST}:{replica.port}"
        with get_store_from_url(url) as store:
            for name in (*WRITES, "put if it matches", "move", "touch"):
                error = failure(CALLS[name], store)
                assert isinstance(error, StoreUnavailable)
                assert "replica" in str(error)
                assert "Nothing was changed." in str(error)


ANSWERS = {
    b"-LOADING Redis is loading the dataset in memory": "is loading its data",
    b"-MISCONF Redis is configured to save RDB snapshots": "MISCONF",
    b"-NOREPLICAS Not enough good replicas to write.": "NOREPLICAS",
    b"-CLUSTERDOWN The cluster is down": "is down",
    b"-CROSSSLOT Keys in request don't hash to the same slot": "?cluster=true",
    b"-MOVED 3999 127.0.0.1:6381": "?cluster=true",
    b"-ERR max number of clients reached": "max number of clients",
    b"-ERR unknown command 'X', with args beginning with: 'key' 'hunter2'": "refused",
    b"HTTP/1.1 400 Bad Request": "does not speak as Redis",
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("name", ["get", "put", "keys", "put if it matches"])
def test_answer_is_explained(
    answer: bytes, name: str, store: Any, proxy: Proxy
) -> None:
    store.put("key", b"value")
    proxy.fault = Answer(answer + b"\r\n")
    error = failure(CALLS[name], store)
    assert ANSWERS[answer] in str(error)
    assert "hunter2" not in all_text_of(error)
    assert len(str(error)) < 300
    proxy.fault = None
    assert store.get("key") == b"value"


def test_failed_keys_of_put_many_are_named(
    store: Any, redis_server: RedisServer
) -> None:
    del redis_server
    many = {f"key-{number}": b"" for number in range(1500)}
    store.put_many(dict.fromkeys(["key-3", "key-1400"], b"old"))
    error = failure(lambda: store.put_many(many, if_absent=True))
    assert sorted(error.failed_keys) == ["key-1400", "key-3"]
    assert len(store.keys()) == 1500


def test_listing_that_breaks_in_the_middle_says_so(store: Any, proxy: Proxy) -> None:
    store.put_many({f"key-{number}": b"" for number in range(2500)})
    for listing in (store.iter_keys(), store.iter_meta(), store.iter_prefixes("/")):
        next(listing)
        proxy.fault = Refuse()
        error = failure(list, listing)
        assert isinstance(error, StoreUnavailable)
        proxy.fault = None
    for key in store.iter_keys():
        with pytest.raises(ZeroDivisionError):
            len(key) // 0
        break


def test_given_client_has_the_same_errors(redis_server: RedisServer) -> None:
    once = Retry(NoBackoff(), 0)
    client = Redis(HOST, redis_server.port, password="wr/ong", retry=once)
    with client:
        store = RedisStore(client)
        error = failure(lambda: store.get("key"))
        assert isinstance(error, AccessDenied)
        assert "wr/ong" not in all_text_of(error) + repr(store)
