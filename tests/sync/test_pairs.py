"""From every store to every other one."""

from collections.abc import Iterator

import pytest

from minimalkv import KeyValueStore, get_store_from_url
from minimalkv.memory import DictStore
from minimalkv.sync import sync
from tests.backends.azure import AzureServer
from tests.backends.s3 import S3Server
from tests.counting import CountingDecorator
from tests.sync.tools import PAIRS, contents, fill, name_of, url_of, values

SMALL = 40
HEADERS = {"Cache-Control": "max-age=60"}
VALUES = values(SMALL, large=1)
_filled: dict[str, str] = {}


@pytest.fixture(params=[pytest.param(pair, id=name_of(pair)) for pair in PAIRS])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[KeyValueStore, ...]]:
    """Return a source that has `VALUES`, filled once, and a target that has nothing."""
    source_kind, target_kind = request.param
    if source_kind not in _filled:
        url = url_of(request, source_kind)
        with get_store_from_url(url) as store:
            fill(store, VALUES)
        _filled[source_kind] = url
    with (
        get_store_from_url(_filled[source_kind]) as source,
        get_store_from_url(url_of(request, target_kind)) as target,
    ):
        yield source, target


def test_all_of_it_is_copied_once_and_verified(
    pair: tuple[KeyValueStore, KeyValueStore],
) -> None:
    source, target = pair
    first = sync(source, target, verify=True)
    assert (first.complete, first.problems) == (True, ())
    assert first.copied == first.verified == first.listed == len(VALUES)
    assert contents(target) == VALUES

    counted = CountingDecorator(target)
    second = sync(source, counted)
    assert (second.same, second.copied) == (len(VALUES), 0)
    assert not {"put", "put_file", "delete"}.intersection(counted.calls)


def test_content_type_and_headers_go_along_where_they_are_kept(
    s3_server: S3Server, azure_server: AzureServer
) -> None:
    with (
        get_store_from_url(s3_server.url()) as source,
        get_store_from_url(azure_server.url()) as target,
    ):
        source.put("a", b"1", content_type="text/x-own", headers=HEADERS)
        assert not sync(source, target).description_lost
        found = target.head("a")
        assert (found.content_type, found.headers) == ("text/x-own", HEADERS)
        assert sync(target, DictStore()).description_lost
