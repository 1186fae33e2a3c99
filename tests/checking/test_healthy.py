"""A store that is well: nothing is found, and nothing is left behind."""

import json
from pathlib import Path
from typing import Any

import pytest

from minimalkv import get_store_from_url
from minimalkv.checking import NAMES, check
from minimalkv.memory import DictStore
from tests.checking.looking import looked_at, one, statuses
from tests.net.backend import OBJECT_STORES, Backend, on, one_of

backend = one_of("redis", *OBJECT_STORES)


def unwell(found: dict[str, str]) -> set[str]:
    return {name for name, status in found.items() if status != "ok"}


@pytest.mark.parametrize("wrapped", ["{}", "{}+urlencode+prefix(a-)+ttl"])
def test_a_server_that_is_well_has_nothing_to_complain_of(
    backend: Backend, wrapped: str
) -> None:
    url = backend.url()
    scheme, _, rest = url.partition("://")

    report = looked_at(f"{wrapped.format(scheme)}://{rest}")

    assert unwell(statuses(report)) == set()
    below = {"resolve", "connect", "answer", "clock", "credentials", "bucket"}
    assert below < statuses(report).keys() < NAMES.keys()
    with backend.opened(url) as store:
        assert list(store.iter_keys()) == []


@on(*OBJECT_STORES)
def test_not_even_another_name_stays_in_the_bucket(backend: Any) -> None:
    with backend.opened(backend.url()) as store:
        assert looked_at(store).ok
        assert backend.raw_names(store) == set()


def test_a_store_is_looked_at_without_using_its_connections(backend: Backend) -> None:
    with backend.opened(backend.url()) as store:
        assert looked_at(store).ok
        calls = store._calls
        client = getattr(calls, "_client", None)
        assert client is None
        assert getattr(getattr(calls, "connection", None), "_client", None) is None


@pytest.mark.parametrize("scheme", ["fs", "hfs"])
def test_a_folder_that_is_well_has_nothing_to_complain_of(
    tmp_path: Path, scheme: str
) -> None:
    report = looked_at(f"{scheme}://{tmp_path}")

    # A test machine may be short of disk space, which is none of its faults.
    assert unwell(statuses(report)) <= {"space"}
    assert report.ok
    assert [path.name for path in tmp_path.iterdir()] == [";locks"]


def test_a_store_in_memory_is_looked_at_as_it_is() -> None:
    store = DictStore({"key": b"value"})

    report = looked_at(store)

    assert unwell(statuses(report)) == set()
    assert report.store == "<DictStore>"
    assert store.d == {"key": b"value"}


def test_read_only_nothing_is_written(backend: Backend) -> None:
    url = backend.url()
    with backend.opened(url) as store:
        store.put("there", b"1")
        report = looked_at(url, read_only=True)
        wrapped = looked_at(get_store_from_url(f"{url}#wrap:readonly"))
        assert list(store.iter_keys()) == ["there"]

    assert report.ok
    assert wrapped.ok
    skipped = {"write", "delete", "conditional"}
    for found in (report, wrapped):
        assert skipped <= unwell(statuses(found))
        assert one(found, "read").status == "ok"


def test_the_report_is_json_too() -> None:
    report = check("memory://")

    found = json.loads(report.to_json())

    assert "\n" not in report.to_json()
    assert found["store"] == "memory://"
    assert found["ok"] is True
    assert found["findings"][0] == {
        "name": "url",
        "status": "ok",
        "text": "It opens <DictStore>.",
        "cure": "",
    }
    assert len(found["findings"]) == report.count("ok")
    assert report.find("nothing of the kind") is None
