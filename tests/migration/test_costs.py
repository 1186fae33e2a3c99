"""How many calls of the two stores a call takes, as docs/wrappers.md tells."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from minimalkv import KeyNotFound, PreconditionFailed
from minimalkv.memory import DictStore
from minimalkv.migration import MigrationDecorator
from tests.counting import CountingDecorator
from tests.pages import tables

[TABLE] = [
    table
    for table in tables("docs/wrappers.md")
    if table.header[0] == "calls of both stores"
]
PLACES = TABLE.header[1:]
Use = Callable[[Any, Any], object]

# In the order of the rows.
USES: list[list[Use]] = [
    [
        lambda store, _: store.get("a"),
        lambda store, _: store.head("a"),
        lambda store, _: store.open("a").close(),
    ],
    [lambda store, _: store.put("a", b"")],
    [lambda store, _: store.put("a", b"", 9)],
    [lambda store, etag: store.put("a", b"", 9, if_match=etag)],
    [lambda store, _: store.delete("a")],
]


@pytest.mark.parametrize("column", range(len(PLACES)))
@pytest.mark.parametrize("row", range(len(USES)))
def test_each_call_costs_what_the_table_tells(row: int, column: int) -> None:
    assert len(USES) == len(TABLE.rows)
    told = int(TABLE.rows[row][column + 1].partition(",")[0])
    for use in USES[row]:
        assert counted(use, column) == told


def counted(use: Use, column: int) -> int:
    old, new = CountingDecorator(DictStore()), CountingDecorator(DictStore())
    store = MigrationDecorator(old, new)
    etag: str | None = "of another value"
    for place in (new, old)[column : column + 1]:
        place.put("a", b"value")
        etag = store.head("a").etag
    old.take_calls(), new.take_calls()
    with suppress(KeyNotFound, PreconditionFailed):
        use(store, etag)
    return len(old.take_calls() + new.take_calls())
