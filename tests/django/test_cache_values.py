"""What a store holds is a value only if this site wrote it under this key."""

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from minimalkv_django.cache import KVCache
from tests.django.caches import Later, new_cache

SECRET = "a key of the tests"


class Planted:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


class Plain:
    """A serializer of somebody's own."""

    def dumps(self, value: object) -> bytes:
        return repr(value).encode()

    def loads(self, data: bytes) -> object:
        return data.decode()


class Gone:
    """Can be pickled, and no more be unpickled when its name is taken away."""


def cache_with(**options: Any) -> KVCache:
    return new_cache("memory://", OPTIONS=options)


def other(cache: KVCache, **options: Any) -> KVCache:
    """Return another cache in the same place."""
    return new_cache(cache._location, KEY_PREFIX=cache.key_prefix, OPTIONS={**options})


def name_of(cache: KVCache, key: str) -> str:
    return cache._find(key, None)[1]


def raw(cache: KVCache, key: str) -> bytes:
    return cache.store.get(name_of(cache, key))


def plant(cache: KVCache, key: str, data: bytes) -> None:
    cache.store.put(name_of(cache, key), data, 100)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [r.getMessage() for r in caplog.records if r.name == "minimalkv_django"]
    caplog.clear()
    return found


def test_no_planted_pickle_is_executed(
    cache: KVCache, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    target = tmp_path / "executed"
    cache.set("genuine", {"n": 1})
    frame = raw(cache, "genuine")
    planted: list[bytes] = []
    for protocol in range(6):
        code = pickle.dumps(Planted(target), protocol=protocol)
        planted += [
            code,
            frame[:38] + code,
            frame[:6] + bytes(32) + code,
            frame[:5] + b"\x80" + frame[6:38] + (4).to_bytes(4, "big") + b"name" + code,
            frame + code,
        ]
    assert len(planted) == 30

    for data in planted:
        plant(cache, "key", data)
        assert cache.get("key", "missing") == "missing"
        assert cache.get_many(["key"]) == {}
        assert cache.has_key("key") is False
        with pytest.raises(ValueError, match="'key'"):
            cache.incr("key")
        assert not target.exists()
        assert len(lines(caplog)) == 4
    assert cache.get("genuine") == {"n": 1}


def test_values_that_were_swapped_are_missing(
    cache: KVCache, caplog: pytest.LogCaptureFixture
) -> None:
    neighbour = new_cache(cache._location)
    cache.set("a", ["a"])
    cache.set("b", ["b"])
    cache.set("a", ["old"], version=2)
    neighbour.set("a", ["theirs"])
    ours = {key: raw(cache, key) for key in ("a", "b")}
    for data in (
        ours["b"],
        cache.store.get(cache._find("a", 2)[1]),
        raw(neighbour, "a"),
    ):
        plant(cache, "a", data)
        assert cache.get("a") is None
        (line,) = lines(caplog)
        assert "'prefix-" in line
        assert "not signed" in line
    plant(cache, "b", ours["a"])

    assert cache.get_many(["a", "b"]) == {}
    plant(cache, "a", ours["a"])
    assert cache.get("a") == ["a"]


@pytest.mark.filterwarnings("ignore::django.core.cache.backends.base.CacheKeyWarning")
def test_hashed_keys_are_checked_by_their_whole_text(cache: KVCache) -> None:
    one, two = "k" * 300 + "1", "k" * 300 + "2"
    cache.set(one, ["one"])
    cache.set(two, ["two"])
    plant(cache, one, raw(cache, two))

    assert cache.get(one) is None
    assert cache.keys() == [two]


@pytest.mark.parametrize("at", [0, 4, 5, 6, 20, 37, 38, -1])
def test_one_changed_byte_makes_a_value_missing(cache: KVCache, at: int) -> None:
    cache.set("key", {"n": 1})
    data = bytearray(raw(cache, "key"))
    data[at] ^= 1
    plant(cache, "key", bytes(data))

    assert cache.get("key") is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text",
        b"1.5",
        b"-0",
        b"01",
        b" 1",
        b"1\n",
        b"9" * 40,
        b"\x89kvc\x01",
        b"\xff" * 99,
    ],
)
def test_what_somebody_else_wrote_is_missing_with_one_line(
    cache: KVCache, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    plant(cache, "key", data)

    assert cache.get("key", 7) == 7

    (line,) = lines(caplog)
    assert "'prefix-" in line
    assert "missing" in line


def test_what_cannot_be_read_is_replaced(cache: KVCache) -> None:
    plant(cache, "key", b"garbage")

    assert cache.get_or_set("key", lambda: ["new"], 60) == ["new"]
    assert cache.get("key") == ["new"]
    plant(cache, "key", b"garbage")
    cache.set("key", 5)
    assert cache.get("key") == 5


def test_a_retired_secret_key_is_accepted_while_it_is_a_fallback(
    cache: KVCache, settings: Settings
) -> None:
    settings.SECRET_KEY = "old"
    cache.set("key", ["old"])
    settings.SECRET_KEY = "new"
    assert cache.get("key") is None

    settings.SECRET_KEY_FALLBACKS = ["older", "old"]

    assert cache.get("key") == ["old"]
    cache.set("key", ["new"])
    settings.SECRET_KEY_FALLBACKS = []
    assert cache.get("key") == ["new"]


def test_what_was_signed_for_something_else_is_no_value(settings: Settings) -> None:
    from minimalkv._signing import Macs, signing_keys

    keys = signing_keys(settings.SECRET_KEY)

    assert not Macs("cache", keys).are_ours(Macs("other", keys).sign(b"a"), b"a")
    assert Macs("cache", keys).are_ours(Macs("cache", keys).sign(b"a", b"b"), b"ab")


def test_a_class_that_is_gone_makes_its_values_missing(
    cache: KVCache, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache.set("key", Gone())
    monkeypatch.delitem(globals(), "Gone")

    assert cache.get("key") is None
    assert "AttributeError" in lines(caplog)[0]


def test_numbers_are_stored_as_their_digits(cache: KVCache) -> None:
    for value in (0, -12, 2**63 - 1, -(2**63)):
        cache.set("key", value)
        assert raw(cache, "key") == str(value).encode()
    others: tuple[object, ...] = (True, 2**63, 1.0, "1")
    for other_value in others:
        cache.set("key", other_value)
        assert raw(cache, "key").startswith(b"\x89kvc\x01")


# Serializers and compressors.


@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_a_serializer_keeps_what_it_can(serializer: str) -> None:
    cache = cache_with(serializer=serializer)
    value = {"text": "ü", "list": [1, 2.5, None, True]}

    cache.set("key", value)

    assert cache.get("key") == value
    assert b"pickle" not in raw(cache, "key")
    with pytest.raises(TypeError):
        cache.set("key", object())
    assert cache.get("key") == value


def test_json_has_dates_as_text() -> None:
    from datetime import date

    cache = cache_with(serializer="json")
    cache.set("key", {"day": date(2026, 11, 23)})

    assert (
        json.loads(raw(cache, "key")[38:]) == cache.get("key") == {"day": "2026-11-23"}
    )


@pytest.mark.parametrize("suffix", ["Plain", "plain"])
def test_a_serializer_is_found_by_its_path(
    suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "plain", Plain())
    cache = cache_with(serializer=f"{__name__}.{suffix}")

    cache.set("key", [1])

    assert cache.get("key") == "[1]"


def test_a_value_of_another_serializer_is_missing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache = cache_with(serializer="pickle")
    cache.set("key", ["pickled"])

    assert other(cache, serializer="json").get("key") is None
    assert "serializer" in lines(caplog)[0]
    assert other(cache).get("key") == ["pickled"]


def test_a_value_is_compressed_from_a_size_on() -> None:
    cache = cache_with(compressor="zlib", compress_min_bytes=200)
    sizes = {}
    for name, value in {
        "small": "a" * 150,
        "large": "a" * 20_000,
        "random": os.urandom(20_000),
    }.items():
        cache.set(name, value)
        assert cache.get(name) == value
        sizes[name] = len(raw(cache, name))

    assert sizes["small"] > 150
    assert sizes["large"] < 400
    assert 20_000 < sizes["random"] < 20_100


@pytest.mark.filterwarnings("ignore::django.core.cache.backends.base.CacheKeyWarning")
def test_a_cache_reads_what_is_compressed_otherwise() -> None:
    cache = cache_with(compressor="zlib")
    for key in ("key", "k" * 300):
        cache.set(key, "a" * 20_000)
        plain = other(cache)
        assert plain.get(key) == "a" * 20_000
        plain.set(key, "b" * 20_000)
        assert cache.get(key) == "b" * 20_000


def test_an_expired_value_is_not_read_again(cache: KVCache, later: Later) -> None:
    cache.set("key", ["value"], 60)
    data = raw(cache, "key")
    later.let_expire(cache, "key", secs=60)

    assert cache.get("key") is None
    plant(cache, "key", data)
    assert cache.get("key") == ["value"]
