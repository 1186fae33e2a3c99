"""Sessions and cached values keep the time that they have to live."""

from pathlib import Path

import pytest
from flask import session

from minimalkv import KeyValueStore, get_store_from_url
from minimalkv._clock import now
from minimalkv.memory import DictStore
from minimalkv.sync import sync
from minimalkv.ttl import TimeToLiveDecorator, with_ttl
from tests.backends.redis import RedisServer
from tests.flask.visitors import Visitor, make_app

SIGNED_IN = "mkv-session-a"
CACHED = "mkv-cache--b"
ETERNAL = "mkv-session-c"
GONE = "mkv-session-d"
PLAIN = "a file.txt"


@pytest.fixture
def files(tmp_path: Path) -> KeyValueStore:
    """Return a store without time to live that has sessions and a file."""
    store = get_store_from_url(f"hfs://{tmp_path}/here?fsync=false")
    framed = with_ttl(store)
    framed.put(SIGNED_IN, b"Ann", ttl_secs=1000)
    framed.put(CACHED, b"", ttl_secs=50)
    framed.put(ETERNAL, b"for ever")
    store.put(PLAIN, b"as it is")
    put_expired(store, GONE)
    return store


def put_expired(store: KeyValueStore, key: str) -> None:
    past = TimeToLiveDecorator(store)
    past._clock = lambda: now() - 5000
    past.put(key, b"long gone", ttl_secs=1000)


def lives(store: KeyValueStore) -> dict[str, tuple[bytes, float | None]]:
    framed = with_ttl(store)
    found = {}
    for key in (SIGNED_IN, CACHED, ETERNAL):
        left = framed.ttl(key)
        found[key] = (framed.get(key), left and round(left, -1))
    return found


LIVES = {
    SIGNED_IN: (b"Ann", 1000),
    CACHED: (b"", 50),
    ETERNAL: (b"for ever", None),
}


def test_what_is_framed_here_expires_there_and_the_way_back(
    files: KeyValueStore, redis_server: RedisServer, tmp_path: Path
) -> None:
    with get_store_from_url(redis_server.url()) as redis:
        report = sync(files, redis, verify=True)
        assert (report.copied, report.verified, report.vanished) == (4, 4, 1)
        assert report.complete
        assert lives(redis) == LIVES
        assert redis.get(SIGNED_IN) == b"Ann"
        assert redis.get(PLAIN) == b"as it is"
        assert redis.ttl(PLAIN) is None
        assert GONE not in redis

        back = get_store_from_url(f"hfs://{tmp_path}/back?fsync=false")
        assert sync(redis, back, verify=True).copied == 4
        assert lives(back) == LIVES
        assert back.get(PLAIN) == b"as it is"
        assert back.get(SIGNED_IN) != b"Ann", "The time to live stands before it."


def test_what_was_copied_is_copied_again_only_if_it_changed(
    files: KeyValueStore, redis_server: RedisServer
) -> None:
    with get_store_from_url(redis_server.url()) as redis:
        sync(files, redis)
        again = sync(files, redis)
        assert (again.same, again.copied, again.vanished) == (4, 0, 1)

        with_ttl(files).put(SIGNED_IN, b"Bob", ttl_secs=1000)
        with_ttl(files).touch(CACHED, 500)
        third = sync(files, redis)
        assert (third.same, third.copied) == (2, 2)
        assert lives(redis) == LIVES | {SIGNED_IN: (b"Bob", 1000), CACHED: (b"", 500)}


def test_what_has_no_time_before_it_is_not_copied_again_either(
    tmp_path: Path,
) -> None:
    files = get_store_from_url(f"hfs://{tmp_path}?fsync=false")
    files.put(ETERNAL, b"of an older version, without a frame")
    target = get_store_from_url("hmemory://")
    assert sync(files, target).copied == 1
    assert target.get(ETERNAL) == b"of an older version, without a frame"
    assert sync(files, target).same == 1


def test_between_stores_without_time_to_live_it_stays_too(
    files: KeyValueStore, tmp_path: Path
) -> None:
    there = get_store_from_url(f"hfs://{tmp_path}/there?fsync=false")
    assert sync(files, there).copied == 4
    assert lives(there) == LIVES
    assert (sync(files, there).copied, sync(files, there).same) == (0, 4)


def test_what_expired_in_the_source_is_deleted_from_the_target(
    files: KeyValueStore,
) -> None:
    target = get_store_from_url("hmemory://")
    target.put(GONE, b"long gone")
    report = sync(files, target, delete=True)
    assert (report.deleted, report.complete) == (1, True)
    assert GONE not in target


def test_an_end_that_the_target_cannot_keep_is_counted(tmp_path: Path) -> None:
    source = DictStore()
    source.put("brief", b"1", ttl_secs=1000)
    source.put("lasting", b"2")
    target = get_store_from_url(f"hfs://{tmp_path}?fsync=false")
    report = sync(source, target)
    assert (report.copied, report.expiry_lost, report.complete) == (2, 1, True)
    again = sync(source, target)
    assert (again.same, again.copied) == (2, 0)


def test_an_end_goes_along_where_both_sides_know_it() -> None:
    source, target = DictStore(), DictStore()
    source.put("brief", b"1", ttl_secs=1000)
    source.put("lasting", b"2")
    target.put("lasting", b"2", ttl_secs=10)
    report = sync(source, target)
    assert (report.copied, report.expiry_lost) == (2, 0)
    assert target.ttl("brief") == pytest.approx(1000, abs=5)
    assert target.ttl("lasting") is None
    assert sync(source, target).same == 2


def test_who_is_signed_in_on_files_is_signed_in_on_redis_and_back(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    files = get_store_from_url(f"hfs://{tmp_path}?fsync=false")
    visitor = Visitor(make_app(files))
    visitor.sets(user="Ann")
    cookie = visitor.client.get_cookie("session")
    assert cookie is not None

    with get_store_from_url(redis_server.url()) as redis:
        assert sync(files, redis, verify=True).complete
        there = Visitor(make_app(redis), cookie.value)
        assert there.reads("user").text == "['Ann']"

        there.sets(user="Bob")
        assert sync(redis, files, verify=True).complete
    assert visitor.reads("user").text == "['Bob']"
    stranger = Visitor(make_app(files))
    assert stranger.does(_new_here).text == "True"


def _new_here() -> bool:
    return "user" not in session
