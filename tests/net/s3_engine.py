"""A small S3 engine that ignores conditions, and an STS, on loopback."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Final, NamedTuple
from urllib.parse import parse_qs, parse_qsl, urlsplit

from tests.backends.process import HOST

_MISSING: Final = b"<Error><Code>NoSuchKey</Code></Error>"
_UNTRUSTED: Final = (
    b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"
)
_ASSUMED: Final = """
<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleResult><Credentials><AccessKeyId>ASSUMED{number}</AccessKeyId>
<SecretAccessKey>secret-{number}</SecretAccessKey>
<SessionToken>token-{number}</SessionToken><Expiration>{expiration}</Expiration>
</Credentials></AssumeRoleResult></AssumeRoleResponse>
"""


class Seen(NamedTuple):
    """A request as it arrived.

    Attributes
    ----------
    form : dict
        What an STS is asked.
    query : dict of str to str
        The parameters in the URL.
    """

    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, list[str]]
    query: dict[str, str]


class Reply(NamedTuple):
    """An answer of one's own; without a length among its headers it is told."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


class Engine(ThreadingHTTPServer):
    """Keeps objects in memory whatever anybody's condition is.

    Attributes
    ----------
    objects : dict of str to bytes
        By path, bucket included.
    seen : list of Seen
        What it was asked.
    role_secs : int
        How long the credentials of a role live.
    trusts : bool
        Whether it gives roles at all.
    script : callable
        Gets a request and its body, and may have an answer of its own.
    """

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.seen: list[Seen] = []
        self.numbers = count(1)
        self.role_secs = 3600
        self.trusts = True
        self.script: Callable[[Seen, bytes], Reply | None] = lambda *_: None

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server_port

    @property
    def roles(self) -> list[dict[str, list[str]]]:
        """The calls of AssumeRole."""
        return [seen.form for seen in self.seen if seen.form]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Engine

    def _take(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        is_role = b"AssumeRole" in body
        form = parse_qs(body.decode()) if is_role else {}
        place = urlsplit(self.path)
        query = dict(parse_qsl(place.query, keep_blank_values=True))
        seen = Seen(self.command, place.path, headers, form, query)
        self.server.seen.append(seen)
        return body

    def parse_request(self) -> bool:
        """Let the script answer before anything else does."""
        if not super().parse_request():
            return False
        self._body = self._take()
        reply = self.server.script(self.server.seen[-1], self._body)
        if reply is None:
            return True
        self.send_response(reply.status)
        headers = {"Content-Length": str(len(reply.body)), **reply.headers}
        if "Transfer-Encoding" in headers:
            del headers["Content-Length"]
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else reply.body)
        return False

    def _give(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        if self.command == "GET" and status < 300:
            self.send_header("ETag", f'"{md5(body).hexdigest()}"')  # noqa: S324
            self.send_header("Content-Range", f"bytes 0-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self) -> None:
        self.server.objects[urlsplit(self.path).path] = self._body
        self._give(200)

    def do_DELETE(self) -> None:
        self.server.objects.pop(urlsplit(self.path).path, None)
        self._give(204)

    def do_GET(self) -> None:
        body = self.server.objects.get(urlsplit(self.path).path)
        self._give(404, _MISSING) if body is None else self._give(200, body)

    def do_POST(self) -> None:
        lifetime = timedelta(seconds=self.server.role_secs)
        expiration = (datetime.now(UTC) + lifetime).isoformat()
        if not self.server.trusts:
            self._give(403, _UNTRUSTED)
            return
        number = next(self.server.numbers)
        answer = _ASSUMED.format(number=number, expiration=expiration)
        self._give(200, answer.strip().encode())

    def log_message(self, *_: object) -> None:
        """Be silent."""


@contextmanager
def running() -> Iterator[Engine]:
    """Run an engine in a thread."""
    with Engine() as engine:
        thread = threading.Thread(target=engine.serve_forever, daemon=True)
        thread.start()
        try:
            yield engine
        finally:
            engine.shutdown()
            thread.join()
