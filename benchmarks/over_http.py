"""Requests to a site that gunicorn shows."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse

from benchmarks.file_sites import FILE
from minimalkv._contract.tools import sample
from tests.backends.gunicorn import Gunicorn
from tests.backends.worker import Worker
from tests.forms import body_of, file

_READ_BYTES = 2**20


class Visitor:
    """Sends forms with a file to a site, and fetches files from it.

    Parameters
    ----------
    server : Gunicorn
        Shows the site.
    size : int
        Bytes of the file that is sent.
    """

    def __init__(self, server: Gunicorn, size: int = 0) -> None:
        self._server = server
        self._body, kind = body_of(file("file", FILE, sample(size)))
        self._headers = {"Content-Type": kind}
        self._buffer = bytearray(_READ_BYTES)

    def sends(self, path: str) -> None:
        """Send the form."""
        with closing(self._connect()) as connection:
            connection.request("POST", path, self._body, self._headers)
            self._check(connection.getresponse())

    def fetches(self, path: str) -> None:
        """Read what a page sends."""
        with closing(self._connect()) as connection:
            connection.request("GET", path)
            self._check(connection.getresponse())

    def _connect(self) -> HTTPConnection:
        return HTTPConnection(self._server.host, self._server.port, timeout=100)

    def _check(self, response: HTTPResponse) -> None:
        while response.readinto(self._buffer):
            pass
        if response.status != 200:
            raise RuntimeError(f"The site answers {response.status}.")

    def taken_by(self, path: str) -> tuple[int, int]:
        """Send the form, and return what that takes of disk and memory, in bytes."""
        worker = Worker(self._server)
        wrote, most = worker.written_bytes, worker.most_bytes
        self.sends(path)
        return worker.written_bytes - wrote, worker.most_bytes - most


@contextmanager
def shown(application: str) -> Iterator[Gunicorn]:
    """Let gunicorn show an application while a block runs."""
    with tempfile.TemporaryDirectory() as temporary:
        server = Gunicorn(application)
        server.environment = {"TMPDIR": temporary}  # type: ignore[misc] # its own
        server.begin()
        try:
            server.wait()
            yield server
        finally:
            server.stop()
