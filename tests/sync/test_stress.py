"""Many objects, many kills: what `make stress` runs of sync."""

import json
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from minimalkv import KeyValueStore, get_store_from_url
from minimalkv.sync import WORKERS, sync
from tests.backends.redis import RedisServer
from tests.backends.s3 import S3Server
from tests.proxy import Proxy
from tests.sync.killing import Running, resumed
from tests.sync.test_memory import MOST_GROWTH_BYTES, growth
from tests.sync.tools import PAIRS, contents, fill, name_of, url_of, values

pytestmark = pytest.mark.stress

KILLS = 5
LARGE_BYTES = 12 * 2**20
VALUES = values(2000, large=5, large_bytes=LARGE_BYTES)
_filled: dict[str, str] = {}


def source_url(request: pytest.FixtureRequest, kind: str) -> str:
    if kind not in _filled:
        url = url_of(request, kind)
        with get_store_from_url(url) as store:
            fill(store, VALUES)
        _filled[kind] = url
    return _filled[kind]


@pytest.fixture(params=[pytest.param(pair, id=name_of(pair)) for pair in PAIRS])
def urls(request: pytest.FixtureRequest) -> tuple[str, str]:
    source_kind, target_kind = request.param
    return source_url(request, source_kind), url_of(request, target_kind)


def test_many_between_every_pair_survive_five_kills(urls: tuple[str, str]) -> None:
    source, url = urls
    with get_store_from_url(url) as target:
        there: dict[str, Any] = {}
        for least in kill_points():
            running = Running(source, url, "--quiet")
            running.end(signal.SIGKILL, lambda least=least: count(target) >= least)  # type: ignore[misc]
            there = unchanged(there, target)
        done, printed, errors = resumed(source, url, "--verify", "--json")
        assert done == 0, errors
        report = json.loads(printed)
        assert report["verified"] == report["listed"] == len(VALUES)
        left = len(VALUES) - len(there)
        # What was in flight may have arrived after we looked.
        assert left - WORKERS <= report["copied"] <= left
        unchanged(there, target)
        assert contents(target) == VALUES


def kill_points() -> list[int]:
    return sorted(random.sample(range(len(VALUES) * 4 // 5), KILLS))


def count(store: KeyValueStore) -> int:
    return sum(1 for _ in store.iter_keys())


def unchanged(before: dict[str, Any], store: KeyValueStore) -> dict[str, Any]:
    """Check that nothing was stored again, and return the versions that are there."""
    now = {m.key: (m.etag, m.modified) for m in store.iter_meta()}
    assert now.items() >= before.items(), "Something was copied again."
    return now


def test_redis_is_sent_nothing_twice_but_what_was_in_flight(
    request: pytest.FixtureRequest, redis_server: RedisServer
) -> None:
    source, url = source_url(request, "fs"), redis_server.url()
    with (
        Proxy(redis_server.port, settle_secs=0) as proxy,
        get_store_from_url(url) as target,
    ):
        through = redis_server.through(url, proxy.port)
        for least in kill_points():
            running = Running(source, through, "--quiet")
            running.end(signal.SIGKILL, lambda least=least: count(target) >= least)  # type: ignore[misc]
        assert resumed(source, through)[0] == 0
        assert contents(target) == VALUES
    assert proxy.methods.count("SET") <= len(VALUES) + KILLS * WORKERS


@pytest.mark.parametrize("kind", ["fs", "s3_server", "azure_server", "gcs_server"])
def test_large_ones_among_them_take_no_more_memory_in_the_end(
    request: pytest.FixtureRequest, kind: str
) -> None:
    source = source_url(request, "fs")
    assert growth(source, url_of(request, kind)) <= MOST_GROWTH_BYTES


def test_a_hundred_thousand_go_to_s3_in_bounded_memory(
    s3_server: S3Server, tmp_path: Path
) -> None:
    source, url = f"hfs://{tmp_path}?fsync=false", s3_server.url()
    with get_store_from_url(source) as store:
        for page in pages(100_000):
            store.put_many(page)
    assert growth(source, url) <= MOST_GROWTH_BYTES
    with get_store_from_url(source) as here, get_store_from_url(url) as there:
        assert sync(here, there).same == 100_000


def pages(objects: int) -> Iterator[dict[str, bytes]]:
    for page in range(objects // 1000):
        yield {f"{page}/{n}": b"%d" % n * 100 for n in range(1000)}
