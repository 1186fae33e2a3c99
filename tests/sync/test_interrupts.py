"""A run that is ended in the middle, and the one that goes on from there."""

import json
import signal
from itertools import count
from pathlib import Path

import pytest

from minimalkv import get_store_from_url
from minimalkv.sync import WORKERS, sync
from tests.backends.redis import RedisServer
from tests.backends.s3 import S3Server
from tests.proxy import Delay, Drop, Proxy, Refuse
from tests.sync.killing import Running, resumed
from tests.sync.tools import Intercepting, contents, fill, values

VALUES = values(200)


@pytest.fixture
def source(tmp_path: Path) -> str:
    url = f"hfs://{tmp_path}/source?fsync=false"
    with get_store_from_url(url) as store:
        fill(store, VALUES)
    return url


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)],
)
def test_an_ended_run_goes_on_without_copying_again(
    source: str, s3_server: S3Server, number: int, code: int
) -> None:
    url = s3_server.url()
    with Proxy(s3_server.port) as proxy, get_store_from_url(url) as target:
        through = s3_server.through(url, proxy.port)

        def is_in_the_middle(*_: object) -> bool:
            return proxy.methods.count("PUT") > 20

        # From there on slowly, so that the signal comes in time.
        proxy.fault = Delay(0.2, on=is_in_the_middle)
        ended, errors = Running(source, through).end(number, is_in_the_middle)
        proxy.fault = None
        assert ended == code
        assert code == -9 or "the same command goes on from there" in errors
        assert "secret" not in errors

        there = {meta.key: meta.modified for meta in target.iter_meta()}
        assert 10 < len(there) < len(VALUES), "It was ended in the middle."
        done, printed, errors = resumed(source, through, "--json", "--verify")
        assert done == 0, errors
        report = json.loads(printed)
        puts = proxy.methods.count("PUT")

        assert report["complete"]
        left = len(VALUES) - len(there)
        # What was in flight may have arrived after we looked.
        assert left - WORKERS <= report["copied"] <= left
        assert puts <= len(VALUES) + WORKERS, "Only what was in flight is sent twice."
        after = {meta.key: meta.modified for meta in target.iter_meta()}
        assert after.items() >= there.items(), "What was there was left alone."
        assert contents(target) == VALUES


def test_an_outage_ends_the_run_and_the_next_one_goes_on(
    source: str, redis_server: RedisServer
) -> None:
    url = redis_server.url()
    with (
        Proxy(redis_server.port, settle_secs=0) as proxy,
        get_store_from_url(source) as files,
        get_store_from_url(redis_server.through(url, proxy.port)) as redis,
    ):
        written = count(1)

        def cut_off(key: str) -> None:
            if next(written) == len(VALUES) // 3:
                proxy.fault = Refuse()

        report = sync(files, Intercepting(redis, after_write=cut_off))
        assert report.stopped is not None
        assert "the same command goes on from there" in report.stopped
        assert not report.complete
        assert len(VALUES) // 3 <= report.copied < len(VALUES)

        proxy.fault = None
        again = sync(files, redis)
        assert again.complete
        # Some may have arrived whose answers were lost.
        left = len(VALUES) - report.copied
        assert left - WORKERS <= again.copied <= left
        assert contents(redis) == VALUES


def test_a_short_outage_ends_nothing(source: str, redis_server: RedisServer) -> None:
    url = redis_server.url()
    with (
        Proxy(redis_server.port, settle_secs=0) as proxy,
        get_store_from_url(source) as files,
        get_store_from_url(redis_server.through(url, proxy.port)) as redis,
    ):
        proxy.fault = Drop(on=lambda request: request.method == "SET", times=20)
        report = sync(files, redis)
        assert proxy.fault.happened == 20
        assert (report.complete, report.copied) == (True, len(VALUES))
        assert contents(redis) == VALUES
