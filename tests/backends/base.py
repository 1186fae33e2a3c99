"""What the servers that hold stores have in common: credentials, URLs, namespaces."""

import http.client
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import closing
from itertools import count
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote, urlencode

from tests.backends.process import HOST, ServerProcess

_NONE: Mapping[str, str] = MappingProxyType({})


class Credentials(NamedTuple):
    """Who may use a server: a user, account or access key, and what proves it."""

    name: str
    secret: str

    def as_userinfo(self) -> str:
        """Return them as they stand in a URL, with the ``@``."""
        return f"{quote(self.name, safe='')}:{quote(self.secret, safe='')}@"


class StoreServer(ServerProcess):
    """A server whose namespaces, each a store of its own, are numbered.

    Attributes
    ----------
    credentials : Credentials
        May do everything.
    """

    scheme: str
    credentials = Credentials("", "")

    def __init__(self) -> None:
        super().__init__()
        self._numbers = count(1)

    def url(
        self,
        h: bool = True,
        *,
        create: bool = True,
        credentials: Credentials | None = None,
        **options: object,
    ) -> str:
        """Return the URL of a store on a new, empty namespace.

        Parameters
        ----------
        h : bool
            Whether keys may contain ``/`` and space.
        create : bool
            Whether the bucket or container exists already.
        credentials : Credentials or None
            Another user than the one who may do everything.
        options : object
            Options of the URL; True and False become words.
        """
        name = self._new_namespace(create=create)
        userinfo = (credentials or self.credentials).as_userinfo()
        words = {key: _word(value) for key, value in options.items()}
        return ("h" if h else "") + self._url(name, userinfo, words)

    def through(self, url: str, port: int) -> str:
        """Return the same URL with another port, such as that of a proxy."""
        for colon in (":", "%3A"):
            url = url.replace(f"{HOST}{colon}{self.port}", f"{HOST}{colon}{port}")
        return url

    @abstractmethod
    def namespace(self, url: str) -> str:
        """Return the bucket, container or database that a URL names."""

    @abstractmethod
    def _new_namespace(self, *, create: bool) -> str: ...

    @abstractmethod
    def _url(self, name: str, userinfo: str, options: dict[str, str]) -> str: ...

    def _new_bucket_name(self) -> str:
        return f"bucket-{next(self._numbers)}"


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def query_of(options: dict[str, str]) -> str:
    return "?" + urlencode(options, quote_via=quote, safe="") if options else ""


def send(
    port: int,
    method: str,
    path: str,
    body: str = "",
    headers: Mapping[str, str] = _NONE,
) -> None:
    with closing(http.client.HTTPConnection(HOST, port, timeout=10)) as connection:
        connection.request(method, path, body, dict(headers))
        with connection.getresponse() as response:
            text = response.read()
            if response.status >= 300:
                raise OSError(f"{method} {path}: {response.status} {text[:200]!r}")
