"""A store that sees fake-gcs-server through a proxy."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from minimalkv import get_store_from_url
from minimalkv.net.gcstore import GoogleCloudStore
from tests.backends.gcs import GCSServer
from tests.backends.process import HOST
from tests.net.gcs_account import with_account
from tests.proxy import Answer, Request

EMULATOR = "STORAGE_EMULATOR_HOST"


@contextmanager
def at_port(port: int) -> Iterator[None]:
    """Let stores that connect first in this block find their server at a port."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(EMULATOR, f"http://{HOST}:{port}")
        yield


@contextmanager
def store_through(
    server: GCSServer, port: int, *, create: bool = True, **options: Any
) -> Iterator[GoogleCloudStore]:
    """Yield a store on a new bucket that connects to another port."""
    url = with_account(server.url(create=create, **options))
    with at_port(port), get_store_from_url(url) as store:
        assert isinstance(store, GoogleCloudStore)
        yield store


def is_write(request: Request) -> bool:
    return request.method in ("PUT", "DELETE", "POST")


def answer(status: str, message: str = "because", **options: Any) -> Answer:
    """Return a fault: an error as Google words it."""
    error = {"code": int(status[:3]), "message": message}
    body = json.dumps({"error": error})
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    return Answer(head.encode(), **options)
