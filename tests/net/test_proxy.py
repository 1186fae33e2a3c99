"""The loopback proxy: its counts are exact, and its faults are what they say."""

import gc
import http.client
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from tests.backends.process import HOST
from tests.backends.s3 import S3Server
from tests.net.answering import BODY, Handler, Server
from tests.proxy import Answer, Cut, Delay, Drop, Fault, Proxy, Refuse, Reset, Stall
from tests.waiting import wait_until

BROKEN = (OSError, http.client.HTTPException)


@pytest.fixture
def done() -> list[str]:
    """Return the paths of what the server did."""
    return []


@pytest.fixture
def proxy(done: list[str]) -> Iterator[Proxy]:
    handler = type("Noting", (Handler,), {"done": done})
    with Server((HOST, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            with Proxy(server.server_port) as proxy:
                yield proxy
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def client(proxy: Proxy) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection(HOST, proxy.port, timeout=5)) as client:
        yield client


def ask(
    client: http.client.HTTPConnection,
    path: str = "/",
    method: str = "GET",
    **options: object,
) -> bytes:
    client.request(method, path, **options)  # type: ignore[arg-type] # tests pass what fits
    with client.getresponse() as response:
        return response.read()


def test_requests_of_one_connection_are_counted(
    proxy: Proxy, client: http.client.HTTPConnection
) -> None:
    assert ask(client, "/a?b=c%20d&e", headers={"X-Name": "value"}) == BODY
    assert ask(client, "/a", "HEAD") == b""
    assert ask(client, "/chunked") == b"abc"
    assert ask(client, "/same") == b""
    assert ask(client, "/b", "PUT", body=BODY * 10_000) == b"1000000"
    pieces = iter([b"abc", b"defg"])
    assert ask(client, "/c", "POST", body=pieces, encode_chunked=True) == b"7"
    assert proxy.methods == ["GET", "HEAD", "GET", "GET", "PUT", "POST"]
    assert [request.status for request in proxy.requests] == [200] * 3 + [304] + [
        200
    ] * 2
    assert proxy.connections == 1
    assert proxy.round_trips == 6
    first = proxy.requests[0]
    assert (first.path, first.query) == ("/a", {"b": "c d", "e": ""})
    assert first.headers["x-name"] == "value"
    assert proxy.requests[4].body_bytes == 1_000_000


def test_bytes_are_counted(proxy: Proxy, client: http.client.HTTPConnection) -> None:
    ask(client, "/a", "PUT", body=b"x" * 5000)
    assert 5000 < proxy.received_bytes < 5300
    proxy.reset_counts()
    assert (proxy.requests, proxy.connections, proxy.received_bytes) == ([], 0, 0)
    ask(client)
    assert proxy.sent_bytes == proxy.requests[0].reply_bytes
    assert len(BODY) < proxy.sent_bytes < len(BODY) + 300


def test_interim_replies_pass(proxy: Proxy) -> None:
    with socket.create_connection((HOST, proxy.port), 5) as client:
        client.sendall(
            b"PUT /a HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
        )
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
    assert [request.status for request in proxy.requests] == [200]


@pytest.mark.parametrize("fault", [None, Answer(b"HTTP/1.1 403 No\r\n\r\n")])
def test_a_body_that_nobody_wants(proxy: Proxy, fault: Answer | None) -> None:
    proxy.fault = fault
    with socket.create_connection((HOST, proxy.port), 5) as client:
        client.sendall(
            b"PUT /forbidden HTTP/1.1\r\nContent-Length: 3\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        with client.makefile("rb") as reply:
            assert reply.read().startswith(b"HTTP/1.1 403 ")


def test_a_body_until_the_end_of_the_connection(
    proxy: Proxy, client: http.client.HTTPConnection
) -> None:
    assert ask(client, "/until-closed") == BODY
    assert ask(client) == BODY
    assert proxy.connections == 2


def test_an_idle_connection_that_the_server_closes(proxy: Proxy) -> None:
    with socket.create_connection((HOST, proxy.port), 5) as client:
        client.sendall(b"GET /closes HTTP/1.1\r\n\r\n")
        with client.makefile("rb") as reply:
            assert reply.read().endswith(b"\r\n\r\n")


def test_a_client_that_ends_within_its_request(proxy: Proxy, done: list[str]) -> None:
    with socket.create_connection((HOST, proxy.port), 5) as client:
        client.sendall(b"PUT /a HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc")
    with closing(http.client.HTTPConnection(HOST, proxy.port, timeout=5)) as other:
        assert ask(other, "/b") == BODY
    assert proxy.connections == 2
    assert done == ["/b"]


def test_a_lost_reply_to_what_was_done(
    proxy: Proxy, client: http.client.HTTPConnection, done: list[str]
) -> None:
    proxy.fault = Cut(on=lambda request: request.method == "PUT", times=1)
    with pytest.raises(http.client.RemoteDisconnected):
        ask(client, "/a", "PUT", body=b"x")
    assert ask(client, "/b", "PUT", body=b"x") == b"1"
    assert done == ["/a", "/b"]
    assert proxy.fault.happened == 1
    assert proxy.requests[0].status == 200
    assert proxy.requests[0].reply_bytes == 0


def test_a_request_that_never_arrives(
    proxy: Proxy, client: http.client.HTTPConnection, done: list[str]
) -> None:
    proxy.fault = fault = Drop(times=1)
    with pytest.raises(BROKEN):
        ask(client, "/a", "PUT", body=b"x")
    assert ask(client, "/b") == BODY
    assert done == ["/b"]
    assert fault.happened == 1
    proxy.fault = Drop(after=50_000)
    with pytest.raises(BROKEN):
        ask(client, "/c", "PUT", body=b"x" * 100_000)
    assert done == ["/b"]


@pytest.mark.parametrize(
    ("fault", "got"),
    [
        (Cut(body=0), b""),
        (Cut(body=42), BODY[:42]),
        (Reset(body=0), b""),
        (Stall(body=42), BODY[:42]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_body_that_ends_early(
    proxy: Proxy, client: http.client.HTTPConnection, fault: Cut, got: bytes
) -> None:
    proxy.fault = fault
    client.timeout = 1 if isinstance(fault, Stall) else 5
    client.request("GET", "/")
    with client.getresponse() as response:
        assert response.headers["Content-Length"] == "100"
        if got:
            assert response.read(len(got)) == got
        with pytest.raises(BROKEN) as error:
            assert response.read() == b""
    assert fault.happened == 1
    if isinstance(fault, Reset):
        assert error.type is ConnectionResetError
    elif isinstance(fault, Stall):
        assert error.type is TimeoutError


def test_headers_that_end_early(
    proxy: Proxy, client: http.client.HTTPConnection
) -> None:
    proxy.fault = Cut(before="content-length")
    client.request("GET", "/")
    with client.getresponse() as response:
        assert response.headers["X-First"] == "1"
        assert "Content-Length" not in response.headers
        assert response.read() == b""
    proxy.fault = Cut(before="X-None")
    assert ask(client) == BODY
    assert proxy.fault.happened == 0
    proxy.fault = Cut(after=20)
    client.request("GET", "/")
    with client.getresponse() as response:
        assert response.headers.items() == []
    assert proxy.requests[-1].reply_bytes == 20


def test_a_late_reply(proxy: Proxy, client: http.client.HTTPConnection) -> None:
    proxy.fault = Delay(0.2, times=1)
    started = time.monotonic()
    assert ask(client) == BODY
    assert time.monotonic() - started > 0.2
    assert ask(client) == BODY
    assert proxy.fault.happened == 1


def test_an_answer_in_the_place_of_the_server(
    proxy: Proxy, client: http.client.HTTPConnection, done: list[str]
) -> None:
    proxy.fault = Answer(b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno", times=1)
    client.request("PUT", "/a", b"x" * 100_000)
    with client.getresponse() as response:
        assert (response.status, response.read()) == (503, b"no")
    assert ask(client, "/b") == BODY
    assert done == ["/b"]
    assert proxy.connections == 1


def test_refused_connections(proxy: Proxy, client: http.client.HTTPConnection) -> None:
    assert ask(client) == BODY
    proxy.fault = Refuse()
    with pytest.raises(BROKEN):
        ask(client)
    client.close()
    with pytest.raises(ConnectionRefusedError):
        ask(client)
    client.close()
    proxy.fault = None
    assert ask(client) == BODY


def test_a_server_that_is_gone_closes_the_connection() -> None:
    with socket.socket() as nobody:
        nobody.bind((HOST, 0))
        with (
            Proxy(nobody.getsockname()[1]) as proxy,
            closing(http.client.HTTPConnection(HOST, proxy.port, timeout=5)) as client,
            pytest.raises(BROKEN),
        ):
            ask(client)


def test_many_connections_at_once(proxy: Proxy) -> None:
    def work() -> None:
        with closing(http.client.HTTPConnection(HOST, proxy.port, timeout=20)) as own:
            got.extend(ask(own) for _ in range(20))

    got: list[bytes] = []
    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [BODY] * 320
    assert (proxy.connections, len(proxy.requests)) == (16, 320)


def test_what_a_client_gave_up_is_unanswered_until_the_server_did_it(
    proxy: Proxy,
) -> None:
    impatient = http.client.HTTPConnection(HOST, proxy.port, timeout=0.1)
    with closing(impatient), pytest.raises(TimeoutError):
        ask(impatient, "/slow")
    assert proxy.unanswered == 1
    wait_until(lambda: proxy.unanswered == 0)


def test_a_dropped_request_that_was_complete_is_done(
    proxy: Proxy, client: http.client.HTTPConnection, done: list[str]
) -> None:
    proxy.fault = Drop(after=0)
    with pytest.raises(BROKEN):
        ask(client, "/all")
    assert done == ["/all"]


def test_the_end_closes_what_is_just_being_accepted(proxy: Proxy) -> None:
    def knock(port: int) -> None:
        with suppress(OSError):
            while True:
                socket.create_connection((HOST, port), timeout=5).close()

    def end_amid_connections() -> None:
        with Proxy(proxy.port) as own:
            knocking = threading.Thread(target=knock, args=(own.port,))
            knocking.start()
            wait_until(lambda: own.connections > 20)
        knocking.join()

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for _ in range(3):
            end_amid_connections()
        gc.collect()
    assert [str(each.message) for each in warned] == []


def test_a_bug_of_the_proxy_is_not_silent(proxy: Proxy) -> None:
    class Bug(Fault):
        def take(self, request: object) -> bool:
            raise RuntimeError("a bug")

    def ask_it() -> None:
        with (
            Proxy(proxy.port) as own,
            closing(http.client.HTTPConnection(HOST, own.port)) as client,
            suppress(*BROKEN),
        ):
            own.fault = Bug()
            ask(client)

    with pytest.raises(ExceptionGroup) as error:
        ask_it()
    assert error.group_contains(RuntimeError, match="a bug")


def test_signed_requests_pass(s3_server: S3Server) -> None:
    name = s3_server.namespace(s3_server.url())
    with Proxy(s3_server.port) as proxy:
        with s3_server.client(port=proxy.port) as client:
            client.put_object(Bucket=name, Key="a", Body=BODY * 10_000)
            got = client.get_object(Bucket=name, Key="a")["Body"]
            assert got.read() == BODY * 10_000
        assert proxy.methods == ["PUT", "GET"]
        assert proxy.requests[0].body_bytes >= 1_000_000
