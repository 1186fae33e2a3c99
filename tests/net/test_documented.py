"""What the documentation says about costs and about what is known, measured."""

import io
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import md5, sha1
from typing import Any, Final
from unittest.mock import patch

import pytest

from minimalkv.net import _download
from minimalkv.ttl import TimeToLiveDecorator
from tests.net.backend import OBJECT_STORES, Backend, on
from tests.pages import Table, tables
from tests.proxy import Proxy

COLUMNS: Final = {"redis": "Redis", "s3": "S3", "azure": "Azure", "gcs": "Google"}
MANY: Final = {f"many/{number}": b"x" for number in range(100)}
LARGE: Final = bytes(20 * 2**20)
Calls = dict[str, list[Callable[[Any], object]]]


def table_of(page: str, first: str) -> Table:
    stores = {*COLUMNS, *COLUMNS.values()}
    (found,) = (
        table
        for table in tables(page)
        if table.header[0] == first and stores & {h.strip("`") for h in table.header}
    )
    return found


def told_in(table: Table, backend: Backend) -> dict[str, str]:
    """Return a column of a table by the first one."""
    headers = [header.strip("`") for header in table.header]
    names = (backend.name, COLUMNS[backend.name])
    (number,) = (i for i, header in enumerate(headers) if header in names)
    return {row[0]: row[number] for row in table.rows}


def read(store: Any, start: int = 0) -> None:
    with store.open("large") as file:
        file.seek(start, io.SEEK_END if start < 0 else io.SEEK_SET)
        assert file.read() == (LARGE[start:] if start else LARGE)


def read_middling(store: Any) -> None:
    with store.open("middling") as file:
        assert len(file.read()) == 100 * 1024


def read_tail(store: Any) -> None:
    with store.stream("large", -1024)[1] as file:
        assert len(file.read()) == 1024


def get_file(store: Any, fast_from: float) -> None:
    with patch.object(_download, "FAST_BYTES_PER_SEC", fast_from):
        store.get_file("large", io.BytesIO())


def lose(store: Any) -> None:
    assert not store.add("key", b"")


SINGLE: Final[Calls] = {
    "get": [lambda store: store.get("key")],
    "get_with_meta": [lambda store: store.get_with_meta("key")],
    "head": [lambda store: store.head("key")],
    "in": [lambda store: "key" in store],
    "put": [lambda store: store.put("key", b"5")],
    "delete": [lambda store: store.delete("key")],
    "copy": [lambda store: store.copy("key", "copy")],
    "move": [lambda store: store.move("key", "moved")],
    "ping": [lambda store: store.ping()],
    "ttl": [lambda store: store.ttl("key")],
    "touch": [lambda store: store.touch("key", 60)],
    "update": [lambda store: store.update("key", lambda _: b"6")],
    "increment": [lambda store: store.increment("key")],
}
SAID: Final[Calls] = {
    "`add` that wins, `put` with `if_match`": [
        lambda store: store.add("new", b""),
        lambda store: store.put("key", b"6", if_match=store.etag),
    ],
    "`get` `head` `in` `put` `ttl`, `add` that wins": [
        *(
            call
            for name in ("get", "head", "in", "put", "ttl")
            for call in SINGLE[name]
        ),
        lambda store: store.add("new", b""),
    ],
    "`add` that loses": [lose],
    "`open` and read 100 KiB": [read_middling],
    "`open` and read the last KiB of 20 MiB": [lambda store: read(store, -1024)],
    "`stream` of the last KiB": [read_tail],
    "`open` and read all of 20 MiB": [read],
    "`get` `put` of 20 MiB": [
        lambda store: store.get("large"),
        lambda store: store.put("large", LARGE),
    ],
    "`get_file` of 20 MiB that come fast": [lambda store: get_file(store, fast_from=0)],
    "`get_file` of 20 MiB": [lambda store: get_file(store, fast_from=math.inf)],
    "`put_file` of 20 MiB": [lambda store: store.put_file("large", io.BytesIO(LARGE))],
    "`get_many` `put_many` of 100": [
        lambda store: store.get_many(MANY),
        lambda store: store.put_many(MANY),
    ],
    "`delete_many` of 100": [lambda store: store.delete_many(MANY)],
    "`keys` of 100": [lambda store: store.keys("many/")],
    "`iter_meta` of 100": [lambda store: list(store.iter_meta("many/"))],
    "`iter_meta` `purge_expired` of 100": [
        lambda store: list(store.iter_meta("many/")),
        lambda store: store.purge_expired("many/"),
    ],
}


def calls_of(label: str) -> list[Callable[[Any], object]]:
    """Return what a row of a table is about."""
    if label in SAID:
        return SAID[label]
    return [call for name in label.split() for call in SINGLE[name.strip("`")]]


@pytest.fixture(scope="module")
def proxy(backend: Backend) -> Iterator[Proxy]:
    """Return a proxy that tells the round trips of Redis apart."""
    with Proxy(backend.server.port) as proxy:
        yield proxy


@contextmanager
def prepared(backend: Backend, proxy: Proxy) -> Iterator[Any]:
    """Yield a store that has done everything once, so that nothing is new to it."""
    with backend.opened(backend.url(), proxy.port) as store:
        list(store.iter_meta())
        for call in (lose, *SINGLE["increment"], *SINGLE["move"]):
            fill(store)
            call(store)
        yield store


def fill(store: Any) -> None:
    for key in ("new", "copy", "moved"):
        store.delete(key)
    store.put("key", b"5")
    store.put("middling", bytes(100 * 1024))
    store.put("key", b"5", if_match=store.head("key").etag)
    store.etag = store.head("key").etag


def cost(call: Callable[[Any], object], store: Any, proxy: Proxy) -> int:
    fill(store)
    proxy.reset_counts()
    call(store)
    return proxy.round_trips


def check_costs(table: Table, backend: Backend, store: Any, proxy: Proxy) -> None:
    store.put("large", LARGE)
    for label, told in told_in(table, backend).items():
        if "of 100" in label:
            store.put_many(MANY)
        counted = {cost(call, store, proxy) for call in calls_of(label)}
        assert {f"{count}" for count in counted} == {told}, label


def test_costs_of_calls_are_those_that_are_documented(
    backend: Backend, proxy: Proxy
) -> None:
    with prepared(backend, proxy) as store:
        table = table_of("docs/stores.md", "call")
        check_costs(table, backend, store, proxy)


@on(*OBJECT_STORES)
def test_costs_of_lifetimes_are_those_that_are_documented(
    backend: Backend, proxy: Proxy
) -> None:
    with prepared(backend, proxy) as inner:
        table = table_of("docs/wrappers.md", "call")
        check_costs(table, backend, TimeToLiveDecorator(inner), proxy)


# What is known of a value.

DATA: Final = b"some bytes"
ETAGS: Final[dict[str, Callable[[str], bool]]] = {
    "SHA-1 of the bytes": lambda etag: etag == sha1(DATA).hexdigest(),  # noqa: S324
    "ETag": lambda etag: etag == md5(DATA).hexdigest() or etag.startswith("0x"),  # noqa: S324
    "generation": str.isdecimal,
}


def test_facts_about_a_value_are_those_that_are_documented(backend: Backend) -> None:
    told = told_in(table_of("docs/stores.md", "fact"), backend)
    described = {"content_type": "text/x-own", "headers": {"Cache-Control": "no-cache"}}
    with backend.opened(backend.url()) as store:
        store.put("key.txt", DATA, **described)
        first = store.head("key.txt")
        store.put("key.txt", DATA, **described)
        meta = store.head("key.txt")
        (listed,) = store.iter_meta()
    facts = {
        "equal bytes stored again are another version": meta.etag != first.etag,
        "`modified` is known": meta.modified is not None,
        "`md5` is known": meta.md5 == md5(DATA).hexdigest(),  # noqa: S324 - as S3 has it
        "`iter_meta` tells the stored `content_type`": listed.content_type
        == "text/x-own",
        "`iter_meta` tells the `headers`": listed.headers == described["headers"],
    }
    assert ETAGS[told.pop("what the `etag` is")](meta.etag)
    assert told == {fact: "yes" if known else "no" for fact, known in facts.items()}
