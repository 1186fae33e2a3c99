"""A server that takes a whole request over TLS, and then answers with garbage."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import create_server, socket
from threading import Thread

import pytest
import trustme

from tests.backends.process import HOST

# The head of a TLS record of 32 bytes, which nobody encrypted.
_GARBAGE = b"\x17\x03\x03\x00\x20"


class BrokenTLS:
    """What happened on a server of `broken_tls`.

    Attributes
    ----------
    port : int
        Where it listens on loopback.
    received : int
        How many whole requests arrived.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.received = 0

    def serve(self, client: socket, context: ssl.SSLContext, end: bytes) -> None:
        """Read up to the end of a request and answer."""
        below = client.dup()
        with below, context.wrap_socket(client, server_side=True) as secure:
            data = b""
            while end not in data:
                piece = secure.recv(65536)
                if not piece:
                    return
                data = (data + piece)[-65536:]
            self.received += 1
            below.sendall(_GARBAGE + os.urandom(32))
            with suppress(OSError):
                secure.recv(1)


@contextmanager
def broken_tls(
    folder: Path, monkeypatch: pytest.MonkeyPatch, end: bytes
) -> Iterator[BrokenTLS]:
    """Run a server whose answers are damaged below TLS.

    Parameters
    ----------
    folder : Path
        Where its certificate goes, which this process trusts then.
    end : bytes
        The last bytes of a request.
    """
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    with create_server((HOST, 0)) as listener:
        server = BrokenTLS(listener.getsockname()[1])

        def accept() -> None:
            with suppress(OSError):  # the block has ended
                while True:
                    client, _ = listener.accept()
                    with suppress(OSError):
                        server.serve(client, context, end)

        Thread(target=accept, daemon=True).start()
        yield server
