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
from minimalkv.sync import sync
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

    # Steps 1 and 2: the new stores behind the old one, then before it. Each time one
    # half of the site has other settings than the other for a while.
    new = {"sessions": redis, "cache": redis, "uploads": s3}
    behind = {name: before(url, old) for name, url in new.items()}
    in_front = {name: before(old, url) for name, url in new.items()}
    for stores in (behind, in_front):
        site.restart_flask(stores)
        with visited(crowd[1:]):
            away.look()
        site.restart_django(stores)
        for visitor in crowd:
            visitor.look()
    crowd[1].leave("flask")
    active = crowd[2:]
    with visited(active):
        # Step 3: whatever nobody uses is copied meanwhile.
        copying = [start_sync(old, redis, "mkv-"), start_sync(old, s3, "photos/")]
        leaving = Visitor(site, visitors)
        leaving.visit()
        leaving.leave("django")
        assert [each.wait(timeout=300) for each in copying] == [0, 0]
    active[0].leave("flask")

    # Steps 4 to 6: all is there, the old store is emptied, and then taken away.
    with get_store_from_url(old) as files:
        for url, prefix in ((redis, "mkv-"), (s3, "photos/")):
            with get_store_from_url(url) as store:
                moved = sync(files, store, prefix=prefix, missing_only=True)
                assert (moved.complete, moved.copied) == (True, 0)
        files.delete_prefix("")
    everybody = [*crowd, leaving]
    site.restart_flask(new)
    active[1].leave("flask")
    for visitor in everybody:
        visitor.look()
    site.restart_django(new)
    for visitor in everybody:
        visitor.look()
    assert [v.number for v in everybody if not v.is_in] == [1, 2, 3, visitors]
    assert away.is_in
    assert cache.get("hits") == sum(v.added["django"] for v in everybody)
    assert cache.get("unused") == "value"
    with get_store_from_url(s3) as store:
        assert set(store.keys()) == {key for v in everybody for key in v.photos}
