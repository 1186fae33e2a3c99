"""A live site moves from files to Redis and S3, and nobody notices."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from pytest_django import Settings

from minimalkv import get_store_from_url
from tests.backends.redis import RedisServer
from tests.backends.s3 import S3Server
from tests.migration.living import LiveSite, Visitor, before, visited

ROOT = Path(__file__).parent.parent.parent


def start_sync(source: str, target: str, prefix: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "minimalkv", "sync", "--missing-only"),
            *("--quiet", "--prefix", prefix, "env:SOURCE", "env:TARGET"),
        ],
        cwd=ROOT,
        env={**os.environ, "SOURCE": source, "TARGET": target},
    )


@pytest.fixture
def site(settings: Settings) -> Iterator[LiveSite]:
    yield LiveSite(settings)
    cache.close()


@pytest.mark.parametrize(
    ("visitors", "photos"),
    [(6, 3), pytest.param(24, 40, marks=pytest.mark.stress)],
)
def test_a_live_site_moves_and_nobody_notices(
    site: LiveSite,
    tmp_path: Path,
    redis_server: RedisServer,
    s3_server: S3Server,
    visitors: int,
    photos: int,
) -> None:
    old = f"hfs://{tmp_path}/data?fsync=false"
    redis, s3 = redis_server.url(), s3_server.url()
    site.use(dict.fromkeys(("sessions", "cache", "uploads"), old))
    cache.set("hits", 0, timeout=3600)
    cache.set("unused", "value")
    crowd = [Visitor(site, number) for number in range(visitors)]
    for visitor in crowd:
        for _ in range(photos):
            visitor.visit()
    away = crowd[0]

    # Step 1: the new stores before the old one.
    site.use(
        {
            "sessions": before(old, redis),
            "cache": before(old, redis),
            "uploads": before(old, s3),
        }
    )
    for visitor in crowd:
        visitor.look()
    crowd[1].leave("flask")
    active = crowd[2:]
    with visited(active):
        # Step 2: whatever nobody uses is copied meanwhile.
        copying = [start_sync(old, redis, "mkv-"), start_sync(old, s3, "photos/")]
        leaving = Visitor(site, visitors)
        leaving.visit()
        leaving.leave("django")
        assert [each.wait(timeout=300) for each in copying] == [0, 0]
    active[0].leave("flask")

    # Step 3: the new stores alone.
    site.use({"sessions": redis, "cache": redis, "uploads": s3})
    (tmp_path / "data").rename(tmp_path / "away")
    everybody = [*crowd, leaving]
    for visitor in everybody:
        visitor.look()
    assert [v.number for v in everybody if not v.is_in] == [1, 2, visitors]
    assert away.is_in
    assert cache.get("hits") == sum(v.added["django"] for v in everybody)
    assert cache.get("unused") == "value"
    with get_store_from_url(s3) as store:
        assert set(store.keys()) == {key for v in everybody for key in v.photos}
