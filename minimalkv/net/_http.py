"""Sessions of requests for the SDKs that use it: whole answers, settled settings."""

import os
from http.client import HTTPException, HTTPResponse
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

SEND_BYTES: Final = 64 * 1024
"""What is read of a file, and sent, at a time."""

_CA_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


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
    def begin(self) -> None:
        file: Any = self.fp
        head: Any = _Head(file)
        self.fp = head
        try:
            super().begin()
        finally:
            self.fp = file


class _HTTPConnection(HTTPConnection):
    response_class = _Response


class _HTTPSConnection(HTTPSConnection):
    response_class = _Response


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class WholeHeadAdapter(HTTPAdapter):
    """An adapter whose answers have all of their headers, or are an error.

    Parameters
    ----------
    connections : int
        How many are kept open.
    """

    def __init__(self, connections: int) -> None:
        super().__init__(pool_connections=1, pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, blocksize=SEND_BYTES, **kwargs)
        _use_own_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, blocksize=SEND_BYTES, **kwargs)
        _use_own_pools(manager)
        return manager


def _use_own_pools(manager: Any) -> None:
    manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


def new_session(connections: int) -> requests.Session:
    """Make a session that does not look at the environment with every request.

    That takes a tenth of a request's time, and reads passwords out of ``.netrc``.

    Parameters
    ----------
    connections : int
        How many are kept open.
    """
    session = requests.Session()
    session.trust_env = False
    session.verify = ca_bundle()
    # What is stored is wanted as it is, not compressed on its way.
    session.headers.clear()
    adapter = WholeHeadAdapter(connections)
    for scheme in ("https://", "http://"):
        session.mount(scheme, adapter)
    return session


def use_proxies(session: requests.Session, url: str) -> None:
    """Let a session go through the proxy that the environment names for a server."""
    session.proxies = dict(get_environ_proxies(url))


def ca_bundle() -> str | bool:
    """Return the file of trusted certificates that the environment names, or True."""
    return next(filter(None, map(os.environ.get, _CA_VARIABLES)), True)
