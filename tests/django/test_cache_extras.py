"""What users of django-redis rely on: lifetimes, patterns and locks."""

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minimalkv import KeyNotFound, Unsupported
from minimalkv import _clock as clock
from minimalkv_django._cache_keys import pattern
from minimalkv_django.cache import CacheLock, KVCache, LockError
from tests.django.caches import Later, new_cache

# Lifetimes.


def test_the_rest_of_a_lifetime_is_told(calls: Any) -> None:
    calls.set("key", 1, timeout=50.5)
    calls.set("for-ever", 1, timeout=None)

    assert 40 < calls.ttl("key") <= 51
    assert 40_000 < calls.pttl("key") <= 50_500
    assert (calls.ttl("for-ever"), calls.pttl("for-ever")) == (None, None)
    assert (calls.ttl("none"), calls.pttl("none")) == (0, 0)
    assert type(calls.ttl("key")) is type(calls.pttl("key")) is int


def test_a_lifetime_is_changed(calls: Any) -> None:
    calls.set("key", [1], timeout=50)

    assert calls.expire("key", 5000) is True
    assert 4900 < calls.ttl("key") <= 5000
    assert calls.expire("key", timedelta(hours=1)) is True
    assert 3500 < calls.ttl("key") <= 3600
    assert calls.persist("key") is True
    assert calls.ttl("key") is None
    for when in (
        datetime.fromtimestamp(clock.now() + 900, UTC),
        clock.now() + 900,
    ):
        assert calls.expire_at("key", when) is True
        assert 800 < calls.ttl("key") <= 900
    assert calls.get("key") == [1]
    assert calls.expire_at("key", datetime(2020, 1, 1, tzinfo=UTC)) is True
    assert calls.get("key") is None
    assert calls.expire("key", 10) is False
    assert calls.persist("key") is False
    assert calls.expire_at("key", clock.now() + 9) is False


# Patterns.


def test_keys_are_found_by_their_pattern(calls: Any) -> None:
    calls.set_many(dict.fromkeys(["a:1", "a:2", "b:1", "*", "a*b", "ü:1"], 0))
    calls.set("a:3", 0, version=2)

    assert sorted(calls.keys()) == ["*", "a*b", "a:1", "a:2", "b:1", "ü:1"]
    assert sorted(calls.keys("a:*")) == ["a:1", "a:2"]
    assert sorted(calls.keys("?:1")) == ["a:1", "b:1", "ü:1"]
    assert calls.keys("a:*", version=2) == ["a:3"]
    assert calls.keys(r"a\*?") == ["a*b"]
    assert sorted(calls.iter_keys("[a-b]:[^2]", itersize=5)) == ["a:1", "b:1"]
    assert calls.keys("a") == []


def test_a_pattern_deletes_its_keys_alone(cache: KVCache, calls: Any) -> None:
    neighbour = new_cache(cache._location, KEY_PREFIX=f"{cache.key_prefix}b")
    wild = new_cache(cache._location, KEY_PREFIX="p*")
    like_wild = new_cache(cache._location, KEY_PREFIX="p1")
    for one in (cache, neighbour, wild, like_wild):
        one.set_many({"a:1": 1, "a:2": 2, "b:1": 3})
    cache.set("a:1", 4, version=2)

    assert calls.delete_pattern("a:*") == 2
    assert wild.delete_pattern("*", itersize=1) == 3

    assert calls.keys() == ["b:1"]
    assert calls.get("a:1", version=2) == 4
    assert len(neighbour.keys()) == len(like_wild.keys()) == 3
    assert calls.delete_pattern("a:*") == 0


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("*", ["", "a", "a\nb"], []),
        ("a?", ["ab", "a?"], ["a", "abc"]),
        (r"a\?", ["a?"], ["ab", "a\\?"]),
        ("[a-c]x", ["ax", "cx"], ["dx", "-x", "x"]),
        ("[c-a]x", ["bx"], ["dx"]),
        ("[^a-c]x", ["dx", "^x"], ["ax"]),
        (r"[\]a]", ["]", "a"], ["\\"]),
        ("[-a]", ["a", "-"], ["b"]),
        (r"[\a-c]", ["a", "-", "c"], ["b"]),
        (r"[a\-c]", ["a", "-", "c"], ["b"]),
        ("[]a", [], ["a", "]a", "[]a"]),
        ("[a", ["a"], ["[a"]),
        ("a.b$", ["a.b$"], ["axb$"]),
        ("[&&||~~]", ["&", "~"], ["a"]),
        ("", [""], ["a"]),
        ("a\\", ["a\\"], ["a"]),
    ],
)
def test_a_pattern_matches_as_in_redis(
    glob: str, yes: list[str], no: list[str]
) -> None:
    matches = pattern(glob).matches

    assert all(matches(key) for key in yes)
    assert not any(matches(key) for key in no)


@given(st.text("ab-^*?[]\\", max_size=9))
def test_any_pattern_matches_as_in_redis(redis_server: Any, glob: str) -> None:
    texts = [
        "".join(some) for n in range(1, 4) for some in product("ab-[\\]", repeat=n)
    ]
    with redis_server.client() as client:
        client.mset(dict.fromkeys(texts, 1))
        found = {name.decode() for name in client.keys(glob)}

    matches = pattern(glob).matches

    assert {text for text in texts if matches(text)} == found & set(texts)


def test_a_pattern_narrows_what_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = new_cache("memory://")
    cache.set_many({"user:1:a": 1, "user:2:a": 2})
    listed: list[str] = []
    iter_keys = cache.store.iter_keys

    def watched(prefix: str) -> Any:
        listed.append(prefix)
        return iter_keys(prefix)

    monkeypatch.setattr(cache.store, "iter_keys", watched)

    assert cache.keys(r"user:1:\a*") == ["user:1:a"]
    assert listed[0].endswith("user%3A1%3Aa")


def backwards(key: str, prefix: str, version: int) -> str:
    return f"{key}|{version}|{prefix}"


def test_a_key_function_that_puts_text_around_is_understood() -> None:
    cache = new_cache("memory://", KEY_FUNCTION=backwards)
    cache.set_many({"a": 1, "ab": 2})
    cache.set("a", 3, version=11)

    assert sorted(cache.keys("a*")) == ["a", "ab"]
    assert cache.keys(version=11) == ["a"]
    assert cache.delete_pattern("a") == 1
    assert cache.get_many(["a", "ab"]) == {"ab": 2}


@pytest.mark.parametrize(
    "function",
    [
        lambda key, *_: str(hash(key)),
        lambda key, *_: key.lower(),
        lambda key, *_: key if len(key) < 200 else str(hash(key)),
    ],
)
def test_a_key_function_that_hides_the_key_has_no_patterns(
    function: Callable[..., str],
) -> None:
    cache = new_cache("memory://", KEY_FUNCTION=function)
    cache.set("key", 1)

    assert cache.get("key") == 1
    with pytest.raises(Unsupported, match="KEY_FUNCTION"):
        cache.keys()


def test_a_lock_is_no_key(near_cache: KVCache) -> None:
    near_cache.set("key", 1)
    with near_cache.lock("key"):
        assert near_cache.keys() == ["key"]
        assert near_cache.delete_pattern("*") == 1
        assert near_cache.lock("key").locked()


# Locks.


def test_a_lock_has_one_owner(near_cache: KVCache) -> None:
    mine, theirs = near_cache.lock("door", timeout=60), near_cache.lock("door")

    assert mine.acquire() is True
    assert (mine.locked(), mine.owned(), theirs.owned()) == (True, True, False)
    assert theirs.acquire(blocking=False) is False
    assert near_cache.lock("door", version=2).acquire() is True
    with pytest.raises(LockError, match="'door'"):
        theirs.release()
    mine.release()
    assert mine.locked() is False
    assert theirs.acquire() is True
    with pytest.raises(LockError):
        mine.release()


def test_who_waits_for_a_lock_gets_it(near_cache: KVCache) -> None:
    first = near_cache.lock("door", timeout=60, thread_local=False)
    first.acquire()
    waiting = threading.Event()
    order: list[str] = []

    def wait() -> None:
        waiting.set()
        with near_cache.lock("door", sleep=0.001):
            order.append("second")

    thread = threading.Thread(target=wait)
    thread.start()
    waiting.wait()
    order.append("first")
    first.release()
    thread.join(10)

    assert order == ["first", "second"]
    assert first.locked() is False


def test_a_timeout_of_0_is_none(near_cache: KVCache) -> None:
    assert near_cache.lock("door", timeout=0).acquire()
    assert not near_cache.lock("door", timeout=0).acquire(blocking=False)


def test_who_waits_too_long_gets_no_lock(near_cache: KVCache) -> None:
    near_cache.lock("door").acquire()
    late = near_cache.lock("door", sleep=0.001, blocking_timeout=0.01)

    assert late.acquire() is False
    assert late.acquire(blocking_timeout=0.001) is False
    with pytest.raises(LockError, match=r"'door' was not free within 0\.01"), late:
        pytest.fail("it was free")


def test_a_lock_ends_and_is_not_taken_from_its_next_owner(
    near_cache: KVCache, later: Later
) -> None:
    slow = near_cache.lock("door", timeout=0.001 if later.is_real else 60)
    slow.acquire()
    later.advance(61)
    quick = near_cache.lock("door", timeout=60, sleep=0.001, blocking_timeout=10)

    assert quick.acquire() is True

    assert slow.owned() is False
    for use in (slow.release, lambda: slow.extend(10)):
        with pytest.raises(LockError):
            use()
    assert quick.owned() is True
    quick.release()


def ttl(lock: CacheLock) -> float | None:
    return lock._store.ttl(lock._key)


def test_a_lock_is_extended(near_cache: KVCache) -> None:
    lock = near_cache.lock("door", timeout=60)
    lock.acquire()

    assert lock.extend(100) is True
    assert 150 < (ttl(lock) or 0) <= 160
    assert lock.extend(20, replace_ttl=True) is True
    assert 10 < (ttl(lock) or 0) <= 20
    lock.release()
    with pytest.raises(LockError):
        lock.extend(10)
    with pytest.raises(KeyNotFound):
        ttl(lock)
    for_ever = near_cache.lock("other")
    for_ever.acquire()
    assert ttl(for_ever) is None
    with pytest.raises(LockError, match="no timeout"):
        for_ever.extend(10)


def _note(lock: CacheLock, owned: list[bool]) -> None:
    owned.append(lock.owned())


def test_threads_do_not_share_what_one_has_locked(near_cache: KVCache) -> None:
    for is_local in (True, False):
        lock = near_cache.lock("door", thread_local=is_local)
        lock.acquire()
        owned: list[bool] = []
        use = partial(_note, lock, owned)
        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        assert owned == [not is_local]
        lock.release()


def test_locks_let_one_at_a_time_through(near_cache: KVCache) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(5):
            with near_cache.lock("door", timeout=60, sleep=0.0005):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == [1] * 20


def test_a_store_where_waiting_costs_has_no_locks(cache: KVCache) -> None:
    kind = re.match(r"\w+", str(cache._location))
    assert kind is not None
    if kind.group() in ("memory", "hfs", "hredis"):
        assert cache.lock("door").acquire() is True
        return
    with pytest.raises(Unsupported, match="locks"):
        cache.lock("door")


def test_clear_takes_the_locks_away(near_cache: KVCache) -> None:
    lock = near_cache.lock("door")
    lock.acquire()
    assert lock._store.get_with_meta(lock._key)[1].expires is None

    near_cache.clear()

    assert lock.locked() is False
