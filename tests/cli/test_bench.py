"""``bench``."""

import json

import pytest

from minimalkv import get_store_from_url
from minimalkv.memory import DictStore
from tests.cli.running import printed, run
from tests.watched import WatchedStore

CALLS = ["put", "get", "head", "list", "delete"]


def test_every_call_is_measured_and_nothing_is_left(url: str) -> None:
    printed("put", url, "mine", input=b"")

    rows = [
        json.loads(line)
        for line in printed("bench", url, "--seconds", "0.2", "--json").splitlines()
    ]

    assert [(row["call"], row["size"]) for row in rows] == [
        *((call, 2**10) for call in CALLS),
        *((call, 2**20) for call in CALLS),
    ]
    for row in rows:
        assert 0 < row["p50_ms"] <= row["p95_ms"]
        assert row["calls"] > 0
        assert (row["mib_per_second"] is not None) == (row["call"] in ("put", "get"))
    assert printed("ls", url) == "mine\n"


def test_people_get_a_table(folder: str) -> None:
    header, *rows = printed("bench", folder, "--seconds", "0.1").splitlines()

    assert header.split()[:2] == ["call", "size"]
    assert [row.split()[0] for row in rows] == CALLS * 2
    assert {len(row) for row in rows} == {len(header)}


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt, 130), (OSError("disk"), 1)]
)
def test_nothing_is_left_after_an_end_in_the_middle(
    monkeypatch: pytest.MonkeyPatch, error: type[BaseException], code: int
) -> None:
    class Ending(DictStore):
        def _head(self, key: str) -> object:  # type: ignore[override]  # never returns
            raise error

    store = Ending()
    monkeypatch.setattr("minimalkv._cli._store.get_store_from_url", lambda _: store)

    assert run("bench", "memory://").exit_code == code
    assert store.d == {}


def test_what_cannot_be_deleted_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = DictStore()
    store = WatchedStore(inner)
    store.failing = {"get"}  # and what lists
    monkeypatch.setattr("minimalkv._cli._store.get_store_from_url", lambda _: store)

    result = run("bench", "memory://", "--seconds", "0.1")

    assert result.exit_code == 1
    assert "rm --prefix mkv-bench-" in result.stderr
    assert inner.d


def test_a_store_that_is_read_only_is_one_line(folder: str) -> None:
    with get_store_from_url(folder) as store:
        store.put("mine", b"")

    result = run("bench", f"{folder}#wrap:readonly", "--seconds", "0.1")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert printed("ls", folder) == "mine\n"
