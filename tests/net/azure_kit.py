"""What several tests of the store on Azure use."""

import http.client
import io
from collections.abc import Callable
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from minimalkv._key_value_store import KeyValueStore
from tests.proxy import Answer

Use = Callable[[KeyValueStore], object]


class Source:
    """Gives the same byte, in odd pieces, and can do nothing but read."""

    def __init__(self, size: int, byte: int = 0) -> None:
        self._left = size
        self._byte = bytes([byte])

    def read(self, size: int, /) -> bytes:
        given = min(size, self._left, 99_991)
        self._left -= given
        return self._byte * given


def refusal(status: str, code: str = "", **options: Any) -> Answer:
    """Answer as Azure does when it refuses."""
    body = f"<Error><Code>{code}</Code><Message>because</Message></Error>"
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    if code:
        lines.append(f"x-ms-error-code: {code}")
    head = "\r\n".join([*lines, "", ""])
    return Answer(f"{head}{body}".encode(), **options)


def send(url: str, method: str, body: bytes = b"", **headers: str) -> Any:
    """Send a request to a URL; return the status, the body and the headers."""
    place = urlsplit(url)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection(place.netloc, timeout=10)
    with closing(connection):
        connection.request(method, f"{place.path}?{place.query}", body, names)
        response = connection.getresponse()
        return response.status, response.read(), response.headers


def _drain(store: KeyValueStore) -> bytes:
    target = io.BytesIO()
    store.get_file("key", target)
    return target.getvalue()


def _open(store: KeyValueStore) -> bytes:
    with store.open("key") as file:
        return file.read()


def _stream(store: KeyValueStore, *span: int) -> bytes:
    _, file = store.stream("key", *span)
    with file:
        return file.read()


READS: dict[str, Use] = {
    "get": lambda store: store.get("key"),
    "get_with_meta": lambda store: store.get_with_meta("key"),
    "head": lambda store: store.head("key"),
    "in": lambda store: "key" in store,
    "get_file": _drain,
    "open": _open,
    "stream": lambda store: _stream(store, 5, 100_000),
    "stream the end": lambda store: _stream(store, -500),
    "keys": lambda store: store.keys(),
    "iter_meta": lambda store: list(store.iter_meta()),
    "iter_prefixes": lambda store: list(store.iter_prefixes("/")),
    "get_many": lambda store: store.get_many(["key", "other"]),
}
"""All ways to read ``key``."""

WRITES: dict[str, Use] = {
    "put": lambda store: store.put("new", b"new"),
    "put_file": lambda store: store.put_file("new", io.BytesIO(b"new")),
    "large": lambda store: store.put_file("new", Source(5 * 2**20)),
    "copy": lambda store: store.copy("key", "new"),
    "delete": lambda store: store.delete("key"),
    "delete_many": lambda store: store.delete_many(["key", "other"]),
}
"""The ways to write ``new`` or delete ``key`` whatever is there."""

CONDITIONAL: dict[str, Use] = {
    "add": lambda store: store.add("new", b"new"),
    "large": lambda store: store.put_file("new", Source(5 * 2**20), if_absent=True),
    "if_match": lambda store: store.update("key", lambda _: b"new"),
    "delete": lambda store: store.update("key", lambda _: None),
    "increment": lambda store: store.increment("number"),
}
"""The ways to write only if nobody else did."""
