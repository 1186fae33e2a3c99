"""What Django promises of every cache, called and awaited, in every kind of store."""

import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache.backends.base import CacheKeyWarning
from hypothesis import given
from hypothesis import strategies as st

from minimalkv_django.cache import KVCache
from tests.django.caches import Awaiting, Later, new_cache

VALUES: dict[str, Any] = {
    "none": None,
    "true": True,
    "false": False,
    "zero": 0,
    "negative": -7,
    "64-bits": 2**63 - 1,
    "more": 2**63,
    "far-less": -(2**100),
    "fraction": 0.1,
    "text": "grün ☕",
    "digits": "12",
    "empty": "",
    "bytes": b"12",
    "tuple": (1, [2, {3: {4}}]),
    "moment": datetime(2026, 11, 23, 12, 30, tzinfo=UTC),
    "day": date(2026, 11, 23),
    "price": Decimal("1.20"),
}


def same(found: object, wanted: object) -> bool:
    """Compare as strictly as True differs from 1."""
    return type(found) is type(wanted) and found == wanted


def test_every_value_comes_back_with_its_type(calls: Any) -> None:
    assert same(calls.set_many(VALUES), [])

    found = calls.get_many(iter(VALUES))

    assert all(same(found[name], value) for name, value in VALUES.items())
    for name in ("none", "false", "more", "tuple"):
        assert same(calls.get(name, "missing"), VALUES[name])


def test_a_missing_value_is_the_default(calls: Any) -> None:
    assert calls.get("key") is None
    assert calls.get("key", 7) == 7
    assert calls.get("key", default=7, version=3) == 7
    assert calls.has_key("key") is False
    assert same(calls.get_many(["key", "other"]), {})


def test_none_is_a_value(calls: Any) -> None:
    assert calls.set("key", None) is None

    assert calls.get("key", "default") is None
    assert calls.has_key("key") is True
    assert calls.get_or_set("key", "other") is None
    assert calls.add("key", 1) is False


def test_add_leaves_what_is_there(calls: Any) -> None:
    assert calls.add("key", 1) is True
    assert calls.add("key", 2) is False
    assert calls.get("key") == 1
    assert calls.delete("key") is True
    assert calls.add("key", [3]) is True
    assert calls.get("key") == [3]


def test_delete_tells_whether_there_was_a_value(calls: Any) -> None:
    calls.set("key", {"n": 1})

    assert [calls.delete("key"), calls.delete("key")] == [True, False]
    assert calls.get("key") is None


def test_a_set_replaces_value_and_lifetime(cache: KVCache, calls: Any) -> None:
    calls.set("key", 1, timeout=None)
    calls.set("key", [2], timeout=50)

    assert calls.get("key") == [2]
    assert 40 < (cache.ttl("key") or 0) <= 50


def test_many_are_set_read_and_deleted(calls: Any) -> None:
    data = {f"key-{number}": [number] for number in range(12)}
    assert same(calls.set_many(data, timeout=60), [])

    assert calls.get_many(data) == data
    assert calls.get_many(key for key in (*data, "none")) == data
    assert calls.delete_many(key for key in [*list(data)[:11], "none"]) is None
    assert calls.get_many(data) == {"key-11": [11]}
    assert same(calls.set_many({}), [])
    assert same(calls.get_many([]), {})
    assert calls.delete_many([]) is None


def test_keys_of_one_text_are_each_found(calls: Any) -> None:
    calls.set(1, "one")

    assert calls.get_many([1, "1"]) == {1: "one", "1": "one"}


def test_a_number_is_counted(cache: KVCache, calls: Any) -> None:
    calls.set("key", 40, timeout=50)

    assert same(calls.incr("key"), 41)
    assert same(calls.incr("key", 10), 51)
    assert same(calls.decr("key"), 50)
    assert same(calls.decr("key", 60), -10)
    assert same(calls.get("key"), -10)
    assert 40 < (cache.ttl("key") or 0) <= 50


@pytest.mark.parametrize(
    ("value", "delta", "total"),
    [(2**63 - 1, 1, 2**63), (2**70, -1, 2**70 - 1), (0.5, 2, 2.5), (1, 0.5, 1.5)],
)
def test_any_number_is_counted(
    cache: KVCache, calls: Any, value: Any, delta: Any, total: object
) -> None:
    calls.set("key", value, timeout=50)

    assert same(calls.incr("key", delta), total)
    assert same(calls.get("key"), total)
    assert 40 < (cache.ttl("key") or 0) <= 50


def test_what_is_missing_is_not_counted(calls: Any) -> None:
    for method in (calls.incr, calls.decr, calls.incr_version, calls.decr_version):
        with pytest.raises(ValueError, match="'key'"):
            method("key")
    assert calls.has_key("key") is False


def test_what_is_no_number_is_not_counted(calls: Any) -> None:
    calls.set("key", "text")

    with pytest.raises(TypeError):
        calls.incr("key")

    assert calls.get("key") == "text"


def test_touch_gives_a_new_lifetime(cache: KVCache, calls: Any) -> None:
    assert calls.touch("key") is False
    calls.set("key", 1, timeout=50)

    assert calls.touch("key", 5000) is True
    assert 4900 < (cache.ttl("key") or 0) <= 5000
    assert calls.touch("key") is True
    assert 290 < (cache.ttl("key") or 0) <= 300
    assert calls.touch("key", None) is True
    assert cache.ttl("key") is None
    assert calls.touch("key", 0) is True
    assert calls.touch("key", -1) is False
    assert calls.get("key") is None


@pytest.mark.parametrize("timeout", [0, -1, -0.5])
def test_no_lifetime_is_none(calls: Any, timeout: float) -> None:
    calls.set("set", 1)
    calls.set("set", 2, timeout)
    calls.set("many", 1)
    assert calls.set_many({"many": 2, "more": 2}, timeout) == []

    assert calls.get_many(["set", "many", "more"]) == {}
    assert calls.add("key", 1, timeout) is True
    assert calls.get("key") is None
    calls.set("key", 2)
    assert calls.add("key", 1, timeout) is False
    assert calls.get("key") == 2
    assert calls.get_or_set("other", 3, timeout) == 3
    assert calls.get("other") is None


@pytest.mark.parametrize("secs", [0.6, 40 * 86_400])
def test_a_value_is_gone_after_its_lifetime(
    cache: KVCache, calls: Any, later: Later, secs: float
) -> None:
    calls.set("set", [1], timeout=secs)
    calls.set_many({"many": 1}, timeout=secs)
    calls.add("add", 1, timeout=secs)
    calls.get_or_set("got", 1, timeout=secs)
    calls.set("touch", 1)
    calls.touch("touch", secs)
    gone = ["set", "many", "add", "got", "touch"]
    calls.set("for-ever", 1, timeout=None)
    later.advance(secs * 0.4)
    assert later.is_real or len(calls.get_many(gone)) == 5

    later.let_expire(cache, *gone, secs=secs)

    assert calls.get_many([*gone, "for-ever"]) == {"for-ever": 1}
    assert calls.has_key("set") is False
    assert calls.get("many", 7) == 7
    assert calls.touch("got") is False
    assert calls.delete("touch") is False
    with pytest.raises(ValueError, match="'many'"):
        calls.incr("many")
    assert calls.add("add", 2) is True
    assert calls.get("add") == 2
    assert sorted(calls.keys("*")) == ["add", "for-ever"]


def test_get_or_set_computes_what_is_missing_once(calls: Any) -> None:
    computed: list[int] = []

    def compute() -> list[int]:
        computed.append(1)
        return computed

    assert calls.get_or_set("key", compute, 100) == [1]
    assert calls.get_or_set("key", compute, 100) == [1]
    assert calls.get_or_set("plain", (2,)) == (2,)
    assert computed == [1]


def test_versions_are_apart(cache: KVCache, calls: Any) -> None:
    calls.set("key", ["one"], timeout=50)
    calls.set("key", ["two"], version=2)

    assert [calls.get("key", version=v) for v in (None, 1, 2, 3)] == [
        ["one"],
        ["one"],
        ["two"],
        None,
    ]
    assert calls.delete("key", version=2) is True
    assert calls.incr_version("key") == 2
    assert calls.get("key") is None
    assert calls.get("key", version=2) == ["one"]
    assert 40 < (cache.ttl("key", version=2) or 0) <= 50
    assert calls.incr_version("key", 3, version=2) == 5
    assert calls.decr_version("key", 4, version=5) == 1
    assert calls.get("key") == ["one"]


def test_clear_empties_this_cache_alone(cache: KVCache, calls: Any) -> None:
    mine = {"key": 1, "other": [2]}
    neighbours = [
        new_cache(cache._location, KEY_PREFIX=prefix)
        for prefix in (f"{cache.key_prefix}b", f"{cache.key_prefix}-b", "", "*")
    ]
    foreign = ["mkv-session-a", "photo.png", "mkv-cache-x"]
    for key in foreign:
        cache.store.put(key, b"theirs")
    for neighbour in neighbours:
        neighbour.set("key", 1)
    calls.set_many(mine)
    calls.set("key", 3, version=2)

    assert calls.clear() is None

    assert calls.get_many(mine) == {}
    assert calls.get("key", version=2) is None
    assert [neighbour.get("key") for neighbour in neighbours] == [1, 1, 1, 1]
    assert len(cache.store.get_many(foreign)) == len(foreign)


def long_keys() -> Iterator[str]:
    yield "k" * 250
    yield "ü" * 120 + "1"
    yield "ü" * 120 + "2"
    yield "key with spaces\n"


@pytest.mark.filterwarnings("ignore::django.core.cache.backends.base.CacheKeyWarning")
def test_long_and_odd_keys_are_found(calls: Any) -> None:
    data = {key: f"value of {key}" for key in long_keys()}
    calls.set_many(data)

    assert calls.get_many(data) == data
    assert {key: calls.get(key) for key in data} == data
    assert sorted(calls.keys()) == sorted(data)
    calls.set("k" * 250, 5)
    assert calls.incr("k" * 250) == 6
    assert calls.delete_pattern("ü*1") == 1
    assert [calls.delete(key) for key in data] == [True, False, True, True]


@given(st.sets(st.text("aü:. %~-\n", max_size=3) | st.text(max_size=250), max_size=4))
def test_many_keys_are_found_under_the_names_of_each(keys: set[str]) -> None:
    cache = new_cache("memory://", KEY_FUNCTION=lambda key, *_: key)
    data = {key: f"value of {key}" for key in keys}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CacheKeyWarning)
        cache.set_many(data)

        assert {key: cache.get(key) for key in keys} == data
        assert cache.get_many(keys) == data
        cache.delete_many(keys)
        assert not any(cache.has_key(key) for key in keys)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("get", ["a key"]),
        ("set", ["k" * 251, 1]),
        ("add", ["a key", 1]),
        ("delete", ["a key"]),
        ("touch", ["a key"]),
        ("get_many", [["a key"]]),
        ("set_many", [{"a key": 1}]),
        ("delete_many", [["a key"]]),
        ("has_key", ["a key"]),
        ("get_or_set", ["a key", 1]),
    ],
)
@pytest.mark.parametrize("kind", [KVCache, Awaiting])
def test_a_key_that_memcached_refuses_is_warned_about(
    kind: type, name: str, arguments: list[Any]
) -> None:
    cache = new_cache("memory://")
    calls: Any = cache if kind is KVCache else Awaiting(cache)

    with pytest.warns(CacheKeyWarning, match="memcached"):
        getattr(calls, name)(*arguments)


def test_in_asks_for_the_key(cache: KVCache) -> None:
    cache.set("key", 0)

    assert "key" in cache
    assert "other" not in cache


def test_close_leaves_everything_as_it_is(cache: KVCache) -> None:
    cache.set("key", [1])

    cache.close()

    assert cache.get("key") == [1]
