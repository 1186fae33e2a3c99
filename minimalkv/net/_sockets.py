"""Connections of urllib3 that open within their time, and give whole answers."""

import socket
import time
from contextlib import suppress
from functools import cache
from http.client import HTTPException, HTTPResponse
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, Final

from urllib3.exceptions import HTTPError
from urllib3.util.connection import allowed_gai_family

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection as Base
else:
    Base = object

# Within it, a packet that got lost on the way to a distant server is sent again.
_LEAST_SECS: Final = 1.0
_SHORTEST_WAIT_SECS: Final = 0.05


class _Head:
    """The head of an answer, whose end is an empty line and not that of the bytes.

    http.client takes the end of a connection for it. The length may be among the
    headers that are missing then, and a cut body would be taken for a whole one; or
    the reason for a 404, which may be another than that there is no value.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._begun = False

    def readline(self, limit: int = -1) -> bytes:
        line: bytes = self._file.readline(limit)
        if not line.endswith(b"\n") and (line or self._begun) and len(line) != limit:
            raise HTTPException("The answer was cut off within its headers.")
        self._begun = True
        return line


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        # A connection that ends with this answer forgets it before that was read.
        self.socket = sock

    def begin(self) -> None:
        file: Any = self.fp
        head: Any = _Head(file)
        self.fp = head
        try:
            super().begin()
        finally:
            self.fp = file


class _Sturdy(Base):
    response_class = _Response

    def connect(self) -> None:
        super().connect()
        if isinstance(self.timeout, int | float):
            # What is sent now may wait as long as ever; TLS had only what was left.
            self.sock.settimeout(self.timeout)

    # urllib3 gives each address of a host all of the time, and a host may have dozens.
    def _new_conn(self) -> socket.socket:
        whole = self.timeout
        try:
            addresses = _addresses(self._dns_host, self.port)
        except (OSError, UnicodeError):
            addresses = []
        if not (isinstance(whole, int | float) and addresses):
            return super()._new_conn()  # which has the right error
        end = time.monotonic() + whole
        name = self._dns_host
        try:
            connected = self._connect(addresses, end)
        finally:
            # TLS looks for the name in the certificate.
            self._dns_host, self.timeout = name, whole
        connected.settimeout(_until(end))
        return connected

    def _connect(self, addresses: list[str], end: float) -> socket.socket:
        *others, last = addresses
        for number, address in enumerate(others):
            left = _until(end)
            share = max(left / (len(addresses) - number), _LEAST_SECS)
            self._dns_host, self.timeout = address, min(share, left)
            try:
                return super()._new_conn()
            except HTTPError:
                if time.monotonic() >= end:
                    raise
        self._dns_host, self.timeout = last, _until(end)
        return super()._new_conn()


def _until(end: float) -> float:
    return max(end - time.monotonic(), _SHORTEST_WAIT_SECS)


def _addresses(host: str, port: int | None) -> list[str]:
    """Return the addresses of a host, of both families in turn.

    Where one family leads nowhere, the other one gets its chance early.
    """
    kinds: dict[int, dict[str, None]] = {}
    found = socket.getaddrinfo(
        host.strip("[]"), port, allowed_gai_family(), socket.SOCK_STREAM
    )
    for family, _, _, _, address in found:
        kinds.setdefault(family, {})[str(address[0])] = None
    return [each for each in chain(*zip_longest(*kinds.values())) if each]


@cache
def sturdy_connection(kind: type) -> type:
    """Return a kind of connection that opens within its timeout, whatever its host.

    An answer that ends within its headers is an error to it.
    """
    return type(kind.__name__, (_Sturdy, kind), {})


def wait_for_body(response: Any, secs: float) -> None:
    """Let the rest of an answer of urllib3 come as slowly as the store allows.

    Until then the wait was what earlier attempts had left of the time.
    """
    own = getattr(response, "_original_response", None)
    if isinstance(own, _Response):
        with suppress(OSError):  # it is closed, since all is there
            own.socket.settimeout(secs)
