"""What docs/cache.md says of options, methods, failures and the frame, compared."""

import inspect
import re
from typing import Any, Final

import pytest
from django.core.cache.backends.base import BaseCache

from minimalkv import StoreUnavailable
from minimalkv.memory import DictStore
from minimalkv_django import _cache_codecs, _cache_outages
from minimalkv_django import cache as cache_module
from minimalkv_django._cache_async import THREADS
from minimalkv_django._cache_lock import CacheLock
from minimalkv_django._cache_options import OPTIONS, read_options
from minimalkv_django.cache import KVCache
from tests.pages import column, prose, spans
from tests.watched import WatchedStore

PAGE: Final = "docs/cache.md"

# What the words of the table stand for.
_GIVEN: Final[dict[str, object]] = {
    "None": None,
    "False": False,
    "an empty dict": {},
    "0": 0,
}


def own_methods() -> set[str]:
    return {
        name
        for name, value in inspect.getmembers(KVCache, inspect.isfunction)
        if not name.startswith("_") and not hasattr(BaseCache, name)
    } - {"open_store", "check_store"}


def names_in(cell: str) -> list[str]:
    return [span.partition("(")[0] for span in spans(cell)]


def test_every_option_is_documented_with_its_default() -> None:
    rows = column(PAGE, "option")
    usual = read_options({})
    assert list(rows) == list(OPTIONS)
    told = {name: row[2].strip("`") for name, row in rows.items()}
    assert told.pop("serializer") == "pickle"
    assert usual.serializer is _cache_codecs.find_serializer("pickle")
    assert told == {
        name: f"{getattr(usual, name):g}"
        if name == "timeout"
        else str(getattr(usual, name))
        for name in told
    }


def test_every_serializer_and_compressor_is_documented() -> None:
    rows = column(PAGE, "option")
    assert set(_cache_codecs.SERIALIZERS) < set(spans(rows["serializer"][1]))
    assert spans(rows["compressor"][1]) == list(_cache_codecs.COMPRESSORS)


def test_every_method_beyond_djangos_is_documented_and_awaited() -> None:
    told = {
        name for row in column(PAGE, "method").values() for name in names_in(row[0])
    }
    own = own_methods()
    assert told == {name for name in own if f"a{name}" in own or name == "lock"}
    assert own == told | {f"a{name}" for name in told - {"lock"}}


def test_every_argument_and_method_of_a_lock_is_documented() -> None:
    text = prose(PAGE).partition("### Locks")[2].partition("### Tasks")[0]
    told = set(spans(text))
    arguments = [*inspect.signature(KVCache.lock).parameters][3:]
    methods = {name for name in vars(CacheLock) if not name.startswith("_")}
    assert {*arguments, *methods, *cache_module.__all__} <= told


def test_what_a_failure_gives_is_what_the_table_says() -> None:
    store = WatchedStore(DictStore())
    store.fail()
    arguments: dict[str, tuple[Any, ...]] = {
        "get": ("key", "the default"),
        "get_or_set": ("key", "the default"),
        "set": ("key", 1),
        "add": ("key", 1),
        "expire": ("key", 1),
        "expire_at": ("key", 10**10),
        "get_many": (["key"],),
        "set_many": ({"key": 1},),
        "delete_many": (["key"],),
        "delete_pattern": ("*",),
        "clear": (),
        "keys": (),
        "iter_keys": (),
    }
    for row in column(PAGE, "call").values():
        for name in names_in(row[0]):
            cache = KVCache(store, {"OPTIONS": {"ignore_exceptions": True}})
            cache.ignored.begin(StoreUnavailable("It does not answer."))  # type: ignore[union-attr]  # there is one
            method = getattr(cache, name)
            check_given(method, arguments.get(name, ("key",)), row[1])


def check_given(method: Any, arguments: tuple[Any, ...], told: str) -> None:
    if "ValueError" in told:
        with pytest.raises(ValueError, match="'key'"):
            method(*arguments)
    elif told == "nothing":
        assert list(method(*arguments)) == []
    elif told == "all keys, as failed":
        assert method(*arguments) == ["key"]
    else:
        assert method(*arguments) == _GIVEN.get(told, told)


def test_the_table_of_failures_has_every_method() -> None:
    told = {name for row in column(PAGE, "call").values() for name in names_in(row[0])}
    methods = {name for name in own_methods() if not name.startswith("a")} - {"lock"}
    django = "get get_or_set set add touch delete has_key get_many set_many delete_many"
    counting = "incr decr incr_version decr_version clear"
    assert told == {*methods, *django.split(), *counting.split()}


def test_the_numbers_are_those_of_the_code() -> None:
    text = prose(PAGE)
    assert f"left alone for {_cache_outages.PAUSE_SECS:g} seconds" in text
    assert THREADS == 10
    assert "ten threads" in text


def test_the_frame_is_as_it_says() -> None:
    store = DictStore()
    cache = KVCache(store, {"KEY_PREFIX": "a-b"})
    cache.set("key", "value", None)
    cache.set("number", -5, None)
    values = {name.rpartition("%3A")[2]: store.get(name) for name in store}
    assert all(name.startswith("mkv-cache-a%2Db-") for name in store)
    assert values["number"] == b"-5"
    magic, mark, version = values["key"][:4], values["key"][5], values["key"][4]
    assert (magic, version, mark) == (b"\x89kvc", 1, 0)
    numbers = re.findall(r"\b(4|32) (?:bytes of magic|of signature)", prose(PAGE))
    assert numbers == ["4", "32"]
    assert values["key"][38:] == _cache_codecs.find_serializer("pickle").dumps("value")
