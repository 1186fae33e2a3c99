"""What the stores that speak HTTP share: connections, bodies, errors and the log."""

import logging
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import requests
import trustme
from urllib3.connection import HTTPConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
)

from minimalkv import InvalidArgument
from minimalkv.net._causes import chain_of, connects_late, distrusts, root_of, was_sent
from minimalkv.net._http import new_session
from minimalkv.net._logs import hide_secrets
from minimalkv.net._pieces import SEND_BYTES, Pieces
from minimalkv.net._places import check_name
from minimalkv.net._sockets import sturdy_connection, wait_for_body
from tests.backends.process import HOST

_NAME = "many.example"


# Hosts with several addresses.


class _Handler(BaseHTTPRequestHandler):
    """Says yes, and shows its value but slowly."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "10")
        self.end_headers()
        self.wfile.write(b"01234")
        time.sleep(0.6 if self.path == "/slow" else 0)
        with suppress(OSError):
            self.wfile.write(b"56789")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _server(context: ssl.SSLContext | None = None) -> Iterator[int]:
    with ThreadingHTTPServer((HOST, 0), _Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


@contextmanager
def _silent(addresses: list[str], port: int = 0) -> Iterator[int]:
    """Let nobody in at some addresses, who would have to wait for ever."""
    with ExitStack() as stack:
        for address in addresses:
            listener = stack.enter_context(socket.create_server((address, port)))
            listener.listen(0)
            port = listener.getsockname()[1]
            for _ in range(3):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                with suppress(BlockingIOError):
                    waiting.connect((address, port))
        yield port


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what gives a name its addresses."""
    known = socket.getaddrinfo

    def at(*addresses: str) -> None:
        def find(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
            wanted = addresses if host == _NAME else (host,)
            if not wanted:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return [
                info for each in wanted for info in known(each, port, *args, **kwargs)
            ]

        monkeypatch.setattr(socket, "getaddrinfo", find)

    return at


def _get(url: str, timeout: float, **options: Any) -> requests.Response:
    with new_session(4) as session:
        return session.get(url, timeout=timeout, **options)


def test_addresses_of_a_host_share_one_timeout(at: Any) -> None:
    addresses = [f"127.0.0.{number}" for number in range(2, 10)]
    at(*addresses)
    with _silent(addresses) as port:
        started = time.monotonic()
        with pytest.raises(requests.ConnectTimeout) as caught:
            _get(f"http://{_NAME}:{port}", 1.5)
        # urllib3 on its own takes eight times as long.
        assert time.monotonic() - started < 2 * 1.5
    assert connects_late(caught.value)
    assert not was_sent(caught.value)


def test_address_that_leads_nowhere_does_not_keep_from_the_next(at: Any) -> None:
    at("127.0.0.2", HOST)
    with _server() as port, _silent(["127.0.0.2"], port):
        assert _get(f"http://{_NAME}:{port}", 3).content == b"0123456789"


def test_connection_is_the_same_whichever_address_it_found(at: Any) -> None:
    at("127.0.0.2", HOST)
    with _server() as port, _silent(["127.0.0.2"], port):
        connection: Any = sturdy_connection(HTTPConnection)(_NAME, port, timeout=2.5)
        with closing(connection):
            connection.connect()
            assert connection.sock.getpeername() == (HOST, port)
            assert (connection.host, connection.timeout) == (_NAME, 2.5)
            assert connection.sock.gettimeout() == 2.5


def test_both_families_get_a_turn_early(at: Any) -> None:
    # Documentation addresses of IPv6 lead nowhere, at once or after the timeout.
    at("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4", HOST)
    with _server() as port:
        assert _get(f"http://{_NAME}:{port}", 3).content == b"0123456789"


def test_host_that_has_no_address_is_named(at: Any) -> None:
    at()
    with pytest.raises(requests.ConnectionError, match=_NAME) as caught:
        _get(f"http://{_NAME}:1", 5)
    assert not was_sent(caught.value)


def test_certificate_is_for_the_name_and_not_for_an_address(
    at: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at("127.0.0.2", HOST)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(_NAME).configure_cert(context)
    with _server(context) as port:
        assert _get(f"https://{_NAME}:{port}", 5).ok
        with pytest.raises(requests.exceptions.SSLError) as caught:
            _get(f"https://{HOST}:{port}", 5)
    assert distrusts(caught.value)
    assert not was_sent(caught.value)


def test_rest_of_an_answer_may_be_given_more_time() -> None:
    with _server() as port, new_session(1) as session:
        for longer in (False, True):
            answer = session.get(f"http://{HOST}:{port}/slow", timeout=0.2, stream=True)
            with closing(answer):
                if longer:
                    wait_for_body(answer.raw, 10)
                    assert answer.content == b"0123456789"
                else:
                    with pytest.raises(requests.ConnectionError, match="timed out"):
                        answer.content  # noqa: B018 - it is read then


# Bodies.


def test_body_in_pieces_has_a_length_and_can_be_sent_twice() -> None:
    body = Pieces(b"head", bytes(SEND_BYTES + 1), b"")
    assert len(body) == SEND_BYTES + 5
    for _ in range(2):
        assert [len(piece) for piece in body] == [4, SEND_BYTES, 1]
    sent: Any = body
    request = requests.Request("PUT", f"http://{HOST}", data=sent).prepare()
    assert request.headers["Content-Length"] == str(len(body))
    assert "Transfer-Encoding" not in request.headers


# What lies behind an error.


def _wrapped(inner: Exception) -> requests.ConnectionError:
    """Wrap an error as requests does, while somebody handles another one."""
    pool: Any = None
    error = requests.ConnectionError(MaxRetryError(pool, "/", inner))
    error.__context__ = FileNotFoundError(2, "of the application")
    return error


def test_error_that_the_caller_handles_is_no_cause() -> None:
    inner = ssl.SSLEOFError(8, "EOF occurred")
    error = _wrapped(inner)
    assert root_of(error) is inner
    assert not any(isinstance(each, FileNotFoundError) for each in chain_of(error))


def test_chain_of_errors_that_go_round_ends() -> None:
    error, other = ValueError(), ValueError()
    error.__cause__, other.__cause__ = other, error
    assert list(chain_of(error)) == [error, other]


@pytest.mark.parametrize(
    ("inner", "sent", "late", "untrusted"),
    [
        (NewConnectionError(None, "refused"), False, False, False),  # type: ignore[arg-type]
        (ConnectTimeoutError("late"), False, True, False),
        (ssl.SSLCertVerificationError(1, "self-signed"), False, False, True),
        (ssl.SSLEOFError(8, "EOF occurred"), True, False, False),
        (ProtocolError("aborted", ConnectionResetError(104, "")), True, False, False),
    ],
)
def test_what_became_of_a_request_is_told_by_its_cause(
    inner: Exception, sent: bool, late: bool, untrusted: bool
) -> None:
    error = _wrapped(inner)
    seen = (was_sent(error), connects_late(error), distrusts(error))
    assert seen == (sent, late, untrusted)


# Secrets.


def test_log_has_no_signature_and_no_address_of_an_upload(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hide_secrets()
    log = logging.getLogger("urllib3.connectionpool")
    with caplog.at_level(logging.DEBUG, log.name):
        log.debug('"PUT %s" %d', "/o?upload_id=hunter2&name=a", 308)
        log.debug('"GET %s" %d', "/c/k?se=1&sig=hunter2%3D", 200)
        log.debug('"GET %s" %d', "/plain", 200)
    assert caplog.messages == [
        '"PUT /o?upload_id=***&name=a" 308',
        '"GET /c/k?se=1&sig=***" 200',
        '"GET /plain" 200',
    ]


@pytest.mark.parametrize(
    "given",
    [
        "",
        None,
        5,
        b"photos",
        "AccountKey=hunter2;",
        '{"key": "hunter2"}',
        "hunter2" * 40,
    ],
)
def test_what_is_no_name_of_a_bucket_is_not_shown(given: object) -> None:
    with pytest.raises(
        InvalidArgument, match="bucket_name is the name of a bucket"
    ) as c:
        check_name(given, "bucket_name", "bucket")
    assert "hunter2" not in f"{c.value!r}{c.value.__cause__!r}{c.value.__context__!r}"
    assert check_name("$logs.my-own_1", "bucket_name", "bucket") == "$logs.my-own_1"
