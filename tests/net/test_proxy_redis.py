"""The loopback proxy in front of Redis, and with TLS."""

import http.client
import ssl
from collections.abc import Iterator
from contextlib import closing

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.backends.gcs import GCSServer
from tests.backends.process import HOST
from tests.backends.redis import RedisServer
from tests.proxy import Answer, Cut, Drop, Proxy, Stall
from tests.proxying.resp import CommandParser

BROKEN = (OSError, http.client.HTTPException)


@pytest.fixture
def redis_proxy(redis_server: RedisServer) -> Iterator[Proxy]:
    with Proxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture
def redis_client(
    redis_server: RedisServer, redis_proxy: Proxy
) -> Iterator[redis.Redis]:
    client = redis.Redis(
        HOST,
        redis_proxy.port,
        db=int(redis_server.namespace(redis_server.url())),
        password=redis_server.credentials.secret,
        socket_timeout=2,
        retry=Retry(NoBackoff(), 0),
    )
    with closing(client):
        client.ping()
        redis_proxy.reset_counts()
        yield client


def test_commands_and_round_trips(
    redis_proxy: Proxy, redis_client: redis.Redis
) -> None:
    redis_client.set("a", b"x" * 1_000_000)
    assert redis_client.get("a") == b"x" * 1_000_000
    assert redis_proxy.methods == ["SET", "GET"]
    assert redis_proxy.requests[1].target == "a"
    assert redis_proxy.round_trips == 2
    assert redis_proxy.requests[1].reply_bytes > 1_000_000


def test_a_pipeline_is_one_round_trip(
    redis_proxy: Proxy, redis_client: redis.Redis
) -> None:
    for _ in range(10):
        redis_proxy.reset_counts()
        pipeline = redis_client.pipeline(transaction=False)
        for number in range(100):
            pipeline.set(f"key-{number}", b"x" * 20_000)
        assert pipeline.execute() == [True] * 100
        assert redis_proxy.methods == ["SET"] * 100
        assert redis_proxy.round_trips == 1


def test_a_lost_reply_of_redis(redis_proxy: Proxy, redis_client: redis.Redis) -> None:
    redis_proxy.fault = fault = Cut(on=lambda request: "INCR" in request.method)
    with pytest.raises(redis.ConnectionError):
        redis_client.incr("a")
    assert redis_client.get("a") == b"1"
    assert fault.happened == 1


def test_a_command_that_never_arrives(
    redis_proxy: Proxy, redis_client: redis.Redis
) -> None:
    redis_proxy.fault = Drop(on=lambda request: "INCR" in request.method)
    with pytest.raises(redis.ConnectionError):
        redis_client.incr("a")
    assert redis_client.get("a") is None


def test_other_faults_of_redis(redis_proxy: Proxy, redis_client: redis.Redis) -> None:
    redis_client.set("a", b"x" * 1000)
    redis_proxy.fault = Cut(
        after=500, times=1, on=lambda request: request.target == "a"
    )
    with pytest.raises(redis.ConnectionError):
        redis_client.get("a")
    redis_proxy.fault = Answer(b"-LOADING not yet\r\n", times=1)
    with pytest.raises(redis.BusyLoadingError):
        redis_client.get("a")
    redis_proxy.fault = Stall(times=1, on=lambda request: request.method == "GET")
    with pytest.raises(redis.TimeoutError):
        redis_client.get("a")
    assert redis_client.get("a") == b"x" * 1000


def test_commands_in_pieces_of_any_size() -> None:
    commands = [
        b"*1\r\n$4\r\nping\r\n",
        b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2000\r\n" + b"*\r\n$" * 500 + b"\r\n",
        b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n",
    ]
    expected = [("PING", ""), ("SET", "a"), ("GET", "a")]
    data = b"".join(commands)
    for size in (1, 2, 3, 7, 50, len(data)):
        parser = CommandParser()
        found = []
        for start in range(0, len(data), size):
            found += parser.feed(data[start : start + size])
        assert found == expected
        assert parser.at_start


def test_tls_in_front_of_redis(redis_server: RedisServer) -> None:
    with Proxy(redis_server.port, tls=True) as proxy:
        with redis_over_tls(redis_server, proxy, proxy.ca_file) as client:
            assert client.ping()
            assert client.set("big", b"x" * 3_000_000)
            assert client.get("big") == b"x" * 3_000_000
        with (
            redis_over_tls(redis_server, proxy, None) as client,
            pytest.raises(redis.ConnectionError, match="verify"),
        ):
            client.ping()


def redis_over_tls(
    server: RedisServer, proxy: Proxy, ca_file: str | None
) -> closing[redis.Redis]:
    client = redis.Redis(
        HOST,
        proxy.port,
        password=server.credentials.secret,
        ssl=True,
        ssl_ca_certs=ca_file,
        retry=Retry(NoBackoff(), 0),
    )
    return closing(client)


def test_tls_in_front_of_http(gcs_server: GCSServer) -> None:
    with Proxy(gcs_server.port, tls=True) as proxy:
        context = ssl.create_default_context(cafile=proxy.ca_file)
        for host in (HOST, "localhost"):
            client = http.client.HTTPSConnection(host, proxy.port, context=context)
            with closing(client):
                assert b"kind" in ask(client)
        proxy.fault = Cut(body=3)
        with (
            closing(
                http.client.HTTPSConnection(HOST, proxy.port, context=context)
            ) as c,
            pytest.raises(BROKEN),
        ):
            ask(c)
        assert proxy.methods == ["GET"] * 3


def ask(client: http.client.HTTPConnection) -> bytes:
    client.request("GET", "/storage/v1/b?project=any")
    with client.getresponse() as response:
        return response.read()
