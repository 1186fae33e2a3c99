"""What Redis alone is asked, and what the options of its URL do."""

import io
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis as AsyncRedis

from minimalkv import (
    FOREVER,
    InvalidArgument,
    InvalidData,
    InvalidURL,
    PreconditionFailed,
    StoreUnavailable,
    _hstores,
    get_store,
    get_store_from_url,
)
from minimalkv._contract.tools import together
from minimalkv.memory import _redis_many
from minimalkv.memory._redis_listing import REMEMBERED_KEYS, Recent
from minimalkv.memory.redisstore import RedisStore
from tests import upstream
from tests.backends.redis import RedisServer
from tests.proxy import Proxy, Stall

H: Any = _hstores.HRedisStore
MANY = {f"many-{number}": b"%d" % number for number in range(100)}


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[Proxy]:
    with Proxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture
def store(redis_server: RedisServer, proxy: Proxy) -> Iterator[Any]:
    url = redis_server.through(redis_server.url(), proxy.port)
    with get_store_from_url(url) as store:
        store.put_many({f"other-{number}": b"x" for number in range(2500)})
        yield store


def read(store: Any, *args: int) -> bytes:
    with store.stream("key", *args)[1] as file:
        data: bytes = file.read()
    return data


CALLS: dict[str, Callable[[Any], object]] = {
    "stream the end": lambda store: read(store, -2),
    "put for a while": lambda store: store.put("key", b"new", 0.5),
    "increment": lambda store: store.increment("number", 5),
    "delete if it matches": lambda store: store.delete("key", if_match=store.etag),
    "move": lambda store: store.move("key", "moved"),
    "touch": lambda store: store.touch("key", 50),
    "touch for ever": lambda store: store.touch("key", FOREVER),
    "ttl": lambda store: store.ttl("key"),
    "get_many": lambda store: store.get_many([*MANY, "missing"]),
    "put_many": lambda store: store.put_many(MANY),
    "put_many for a while": lambda store: store.put_many(MANY, 0.5),
    "put_many of new ones": lambda store: store.put_many(
        {f"new-{key}": data for key, data in MANY.items()}, if_absent=True
    ),
    "delete_many": lambda store: store.delete_many(MANY),
}


@pytest.mark.parametrize("name", CALLS)
def test_call_is_one_round_trip(name: str, store: Any, proxy: Proxy) -> None:
    store.put_many(MANY | {"key": b"value", "number": b"5"})
    store.etag = store.head("key").etag
    with pytest.raises(PreconditionFailed):  # from now on Redis knows the script
        store.put("missing", b"", if_match=store.etag)
    for warm_up in ("move", "increment", "touch for ever", "delete if it matches"):
        CALLS[warm_up](store)
        store.put_many({"key": b"value", "number": b"5"})
    proxy.reset_counts()
    CALLS[name](store)
    assert proxy.round_trips == 1
    assert proxy.connections == 0


def test_purge_asks_nobody(store: Any, proxy: Proxy) -> None:
    proxy.reset_counts()
    assert store.purge_expired() == 0
    assert proxy.round_trips == 0


def test_listing_asks_for_a_thousand_keys_at_a_time(store: Any, proxy: Proxy) -> None:
    proxy.reset_counts()
    assert len(store.keys()) == 2500
    assert set(proxy.methods) == {"SCAN"}
    assert proxy.round_trips <= 4
    proxy.reset_counts()
    assert sum(meta.size for meta in store.iter_meta("other-")) == 2500
    assert proxy.round_trips <= 4 + 2500 // 64 + 4


def test_listing_has_its_first_key_before_the_last(store: Any, proxy: Proxy) -> None:
    proxy.reset_counts()
    next(store.iter_keys())
    assert proxy.round_trips == 1


def test_listing_notices_a_key_that_comes_again() -> None:
    recent = Recent()
    every = [f"key-{number}" for number in range(REMEMBERED_KEYS * 3)]
    for begin in range(0, len(every), 1000):
        page = every[begin : begin + 1000]
        again = every[max(begin - REMEMBERED_KEYS + 1000, 0) : begin]
        assert recent.new_of([*again, *page, *page]) == page
    remembered = len(recent._young) + len(recent._old)
    assert REMEMBERED_KEYS <= remembered <= 2 * REMEMBERED_KEYS


def test_large_value_goes_through_whole(store: Any, proxy: Proxy) -> None:
    value = bytes(range(256)) * 2**16
    proxy.reset_counts()
    store.put("large", value)
    assert store.get("large") == value
    assert proxy.round_trips == 2


# Options.


def test_timeout_ends_a_call(redis_server: RedisServer, proxy: Proxy) -> None:
    url = redis_server.through(redis_server.url(timeout=0.3), proxy.port)
    with get_store_from_url(url) as store:
        store.put("key", b"value")
        proxy.fault = Stall(on=lambda request: request.method == "GET")
        with pytest.raises(StoreUnavailable, match=r"within 0\.3 seconds"):
            store.get("key")
        assert proxy.fault.happened == 1


def test_threads_share_the_connections_that_are_allowed(
    redis_server: RedisServer, proxy: Proxy
) -> None:
    url = redis_server.through(redis_server.url(max_connections=3), proxy.port)
    with get_store_from_url(url) as store:

        def use(number: int) -> None:
            for turn in range(20):
                store.put(f"{number}", b"%d" % turn)
                assert store.get(f"{number}") == b"%d" % turn

        together(12, use)
    assert 1 <= proxy.connections <= 3


def test_who_waits_too_long_for_a_connection_is_told(
    redis_server: RedisServer, proxy: Proxy
) -> None:
    url = redis_server.url(max_connections=1, timeout=0.5)
    url = redis_server.through(url, proxy.port)
    with get_store_from_url(url) as store:
        store.put("key", b"value")
        stall = proxy.fault = Stall(on=lambda request: request.target == "slow")
        errors = []

        def wait() -> None:
            with pytest.raises(StoreUnavailable) as caught:
                store.get("slow")
            errors.append(str(caught.value))

        thread = threading.Thread(target=wait)
        thread.start()
        while not stall.happened:
            assert thread.is_alive()
        with pytest.raises(StoreUnavailable, match="max_connections"):
            _quick(store).get("key")
        thread.join()
        assert "within 0.5 seconds" in errors[0]
        assert store.get("key") == b"value"


def _quick(store: Any) -> Any:
    """Let a store wait less for a connection than for an answer."""
    store._calls._link._channel._timeout = 0.1
    return store


def test_database_is_that_of_the_path(redis_server: RedisServer) -> None:
    one, other = redis_server.url(), redis_server.url()
    with get_store_from_url(one) as first, get_store_from_url(other) as second:
        first.put("key", b"first")
        assert "key" not in second
        number = int(urlsplit(one).path[1:])
        with get_store(
            "redis",
            host=redis_server.host,
            port=redis_server.port,
            password=redis_server.credentials.secret,
            db=number,
        ) as third:
            assert third.get("key") == b"first"
            assert repr(third).endswith(f":{redis_server.port}/{number}>")


def test_password_may_stand_alone(redis_server: RedisServer) -> None:
    url = redis_server.url(h=False)
    alone = url.replace("default:", "", 1)
    assert alone != url
    with get_store_from_url(url) as store, RedisStore(alone) as same:
        store.put("key", b"value")
        assert same.get("key") == b"value"


def test_store_takes_a_url_of_its_kind() -> None:
    assert repr(RedisStore("redis://host")) == "<RedisStore of host:6379/0>"
    assert repr(H("hredis://host:1/2")) == "<HRedisStore of host:1/2>"
    assert repr(RedisStore("rediss://[::1]")) == "<RedisStore of [::1]:6379/0>"
    several = RedisStore("redis://u:p@a,b:2?cluster=true")
    assert repr(several) == "<RedisStore of a:6379,b:2 cluster>"
    watched = RedisStore("redis://:p@a,b:2/1?sentinel=name")
    assert repr(watched) == "<RedisStore of a:26379,b:2/1 sentinel 'name'>"
    for wrong in ("memory://", "hredis://host", "redis://host#wrap:readonly", "host"):
        with pytest.raises(InvalidURL):
            RedisStore(wrong)


def test_what_is_no_client_is_refused() -> None:
    for wrong in (None, b"redis://host", AsyncRedis(), object()):
        with pytest.raises(InvalidArgument, match="URL"):
            RedisStore(wrong)


def test_cluster_has_one_database() -> None:
    with pytest.raises(InvalidURL, match="database 0"):
        get_store_from_url("redis://host/3?cluster=true")


def test_value_that_is_too_large_is_refused_before_it_is_sent(
    store: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_redis_many, "LARGEST_VALUE_BYTES", 1000)
    store.put("key", b"x" * 1000)
    proxy.reset_counts()
    puts: list[Callable[[bytes], object]] = [
        lambda data: store.put("key", data),
        lambda data: store.put_file("key", io.BytesIO(data)),
        lambda data: store.put_many({"new": b"", "key": data}),
    ]
    for put in puts:
        with pytest.raises(InvalidData, match="512 MiB"):
            put(b"x" * 1001)
    assert proxy.round_trips == 0


def test_value_above_16_mib_has_no_version(store: Any) -> None:
    store.put("key", b"small")
    etag = store.head("key").etag
    large = bytes(16 * 2**20)
    store.put("key", large)
    assert store.head("key").etag == store.get_with_meta("key")[1].etag
    assert len(store.head("key").etag) == 40
    store.put("key", large + b"x")
    assert store.head("key").etag is store.get_with_meta("key")[1].etag is None
    assert read(store, -3) == b"\0\0x"
    with pytest.raises(OSError, match="replaced"):
        store.put("key", b"new", if_match=etag)
    with pytest.raises(ValueError, match="etag"):
        store.update("key", lambda old: old)


UPSTREAM = """
import sys
sys.path.append(sys.argv[1])
import redis
from minimalkv.memory.redisstore import RedisStore
store = RedisStore(redis.StrictRedis(port=int(sys.argv[2]), password=sys.argv[3]))
store.put("theirs", b"by upstream")
store.put("brief", b"by upstream", 100)
store.put("'!`#$%&'()+,-.<=>?@[]^_{}~" + "x" * 300, b"odd")
print(store.get("ours").decode(), sorted(store.keys("o"))[0])
"""


def test_upstream_and_ours_read_each_other(redis_server: RedisServer) -> None:
    import redis

    packages = redis.__path__[0].removesuffix("/redis")
    url = f"redis://{redis_server.credentials.as_userinfo()}"
    with get_store_from_url(f"{url}127.0.0.1:{redis_server.port}/0") as store:
        store.put("ours", b"by-us")
        port, secret = redis_server.port, redis_server.credentials.secret
        assert upstream.run(UPSTREAM, packages, port, secret) == "by-us ours\n"
        assert store.get("theirs") == b"by upstream"
        assert 90 < (store.ttl("brief") or 0) <= 100
        odd = "'!`#$%&'()+,-.<=>?@[]^_{}~" + "x" * 300
        assert store.get(odd) == b"odd"
        assert odd in list(store)
        store.delete_prefix("")
