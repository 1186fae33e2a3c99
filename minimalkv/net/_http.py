"""Sessions of requests for the SDKs that use it: sturdy, and settled settings."""

import os
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool

from minimalkv.net._pieces import SEND_BYTES
from minimalkv.net._pools import sturdy_pool

_CA_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


_POOLS: Final = {
    "http": sturdy_pool(HTTPConnectionPool),
    "https": sturdy_pool(HTTPSConnectionPool),
}


class SturdyAdapter(HTTPAdapter):
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
    manager.pool_classes_by_scheme = _POOLS


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
    adapter = SturdyAdapter(connections)
    for scheme in ("https://", "http://"):
        session.mount(scheme, adapter)
    return session


def use_proxies(session: requests.Session, url: str) -> None:
    """Let a session go through the proxy that the environment names for a server."""
    session.proxies = dict(get_environ_proxies(url))


def ca_bundle() -> str | bool:
    """Return the file of trusted certificates that the environment names, or True."""
    return next(filter(None, map(os.environ.get, _CA_VARIABLES)), True)
