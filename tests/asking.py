"""Requests for a value, and what is answered, without any framework."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from minimalkv import KeyValueStore, get_store_from_url
from minimalkv.http import Answer, answer
from tests.watched import WatchedStore

VALUE: Final = bytes(range(256))
SIZE: Final = len(VALUE)
KEY: Final = "a folder/picture.png"


def one_of_each() -> Any:
    """Return a fixture: a store in memory, then one in files, with `VALUE` in it."""

    @pytest.fixture(params=["hmemory", "hfs"])
    def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WatchedStore]:
        urls = {"hmemory": "hmemory://", "hfs": f"hfs://{tmp_path}/data?fsync=false"}
        with get_store_from_url(urls[request.param]) as inner:
            inner.put(KEY, VALUE)
            yield WatchedStore(inner)

    return store


def ask(store: KeyValueStore, key: str = KEY, **headers: str) -> tuple[Answer, bytes]:
    """Return the answer to a GET, and what its body has; ``_`` stands for ``-``."""
    told = answer(
        store, key, headers={name.replace("_", "-"): v for name, v in headers.items()}
    )
    if told.body is None:
        return told, b""
    with told.body as body:
        return told, body.read()


def header(told: Answer, name: str) -> str | None:
    """Return a header of an answer, of which there is at most one."""
    found = [value for given, value in told.headers if given.lower() == name.lower()]
    assert len(found) < 2
    return found[0] if found else None


def etag_of(store: KeyValueStore) -> str:
    etag = header(ask(store)[0], "ETag")
    assert etag is not None
    return etag
