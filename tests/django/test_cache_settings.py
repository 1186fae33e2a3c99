"""What CACHES may say, what ``manage.py check`` finds, and what no page shows."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from pytest_django import Settings

from minimalkv import InvalidURL, StoreURL, Unsupported
from minimalkv.decorator import PrefixDecorator, ReadOnlyDecorator
from minimalkv.memory import DictStore
from minimalkv_django.apps import hide_secrets
from minimalkv_django.cache import KVCache
from minimalkv_django.stores import stores
from tests.django.caches import new_cache
from tests.django.unfit import Unconditional

BACKEND = "minimalkv_django.cache.KVCache"
SECRET = "letmein"


class Special(KVCache):
    """A cache of somebody's own."""


def found() -> list[tuple[str | None, str]]:
    return [(message.id, message.msg) for message in run_checks(tags=["minimalkv"])]


def configure(settings: Settings, location: object = "", **params: Any) -> None:
    settings.DEBUG = True
    settings.CACHES = {"default": {"BACKEND": BACKEND, "LOCATION": location, **params}}


# The store.


def test_nothing_stands_for_the_alias_cache_and_else_for_default(
    settings: Settings,
) -> None:
    settings.MINIMALKV_STORES = {"default": DictStore(), "cache": DictStore()}
    configure(settings)
    assert caches["default"].store is stores["cache"]  # type: ignore[attr-defined]  # it is ours

    settings.MINIMALKV_STORES = {"default": DictStore()}

    assert caches["default"].store is stores["default"]  # type: ignore[attr-defined]  # it is ours


def test_an_alias_a_url_and_a_store_are_taken(
    settings: Settings, tmp_path: Path
) -> None:
    settings.MINIMALKV_STORES = {"mine": f"hfs://{tmp_path}/a"}
    for location in ("mine", StoreURL(f"hfs://{tmp_path}/b"), DictStore()):
        cache = new_cache(location)
        cache.set("key", [1], 60)
        assert cache.get("key") == [1]
        assert cache.ttl("key") == 60
    assert len(list((tmp_path / "a").glob("mkv-cache-*"))) == 1


def test_files_of_a_cache_are_not_synced(tmp_path: Path) -> None:
    url = f"hfs://{tmp_path}/data"

    inner: Any = new_cache(url).store
    assert inner._dstore.fsync is False
    kept: Any = new_cache(f"{url}?fsync=true").store
    assert kept._dstore.fsync is True


@pytest.mark.parametrize(
    "store",
    [
        ReadOnlyDecorator(DictStore()),
        Unconditional(),
        PrefixDecorator("p" * 200, Unconditional()),
    ],
)
def test_a_store_that_is_no_good_is_refused(store: DictStore) -> None:
    with pytest.raises(Unsupported, match="cache"):
        new_cache(store).get("key")


def test_a_store_with_short_keys_is_refused(tmp_path: Path) -> None:
    from minimalkv.fs import FilesystemStore

    store = PrefixDecorator("p" * 180, FilesystemStore(tmp_path, fsync=False))

    with pytest.raises(Unsupported, match="prefix"):
        new_cache(store).get("key")


@pytest.mark.parametrize("prefix", ["site1-", "production-", "p" * 40 + "-"])
@pytest.mark.filterwarnings("ignore::django.core.cache.backends.base.CacheKeyWarning")
def test_long_keys_fit_behind_the_prefix_of_a_store(
    tmp_path: Path, prefix: str
) -> None:
    cache = new_cache(f"hfs://{tmp_path}/data#wrap:prefix({prefix})")

    for key in ("k" * 300, "ü" * 60):
        cache.set(key, [key])
        assert cache.get(key) == [key]
    assert cache.lock("k" * 300).acquire()


def test_a_store_that_lengthens_keys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="cache"):
        new_cache(f"hfs://{tmp_path}/data#wrap:urlencode").get("a")


@pytest.mark.parametrize("prefix", ["", "ü" * 100, "-" * 100, "a-b", "a" * 500])
@pytest.mark.filterwarnings("ignore::django.core.cache.backends.base.CacheKeyWarning")
def test_any_prefix_has_a_place_of_its_own(prefix: str) -> None:
    store = DictStore()
    cache = new_cache(store, KEY_PREFIX=prefix)
    others = [new_cache(store, KEY_PREFIX=prefix + more) for more in ("-", "b", "~")]
    for one in (cache, *others):
        one.set("key", [one.key_prefix])
        one.set("k" * 300, 1)
        assert sorted(one.keys()) == ["key", "k" * 300]
    assert len(store.keys()) == 8

    cache.clear()

    assert len(store.keys()) == 6
    assert [one.get("key") for one in others] == [[one.key_prefix] for one in others]


# Options.


def test_an_unknown_option_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        new_cache("memory://", OPTIONS={"SERIALIZER": "json"})

    for name in (
        "'SERIALIZER'",
        "serializer, compressor, compress_min_bytes, ignore_exceptions, timeout",
    ):
        assert name in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("serializer", "yaml"),
        ("serializer", 7),
        ("serializer", {}),
        ("serializer", "no.such.Serializer"),
        ("serializer", "tests.django.caches.Later"),
        ("serializer", "tests.django.caches.KINDS"),
        ("compressor", "gzip"),
        ("compressor", 1),
        ("compress_min_bytes", -1),
        ("compress_min_bytes", True),
        ("compress_min_bytes", "1"),
        ("ignore_exceptions", "yes"),
        ("timeout", 0),
        ("timeout", -1),
        ("timeout", "2"),
        ("timeout", True),
        ("timeout", float("nan")),
        ("timeout", 10**9),
    ],
)
def test_an_option_that_cannot_be_is_refused(name: str, value: object) -> None:
    with pytest.raises(ImproperlyConfigured, match=name):
        new_cache("memory://", OPTIONS={name: value})


def test_parts_of_seconds_count_as_timeout_of_the_settings() -> None:
    for timeout, expected in ((0.5, 500), (2, 2000), (None, None)):
        cache = new_cache("memory://", TIMEOUT=timeout)
        cache.set("key", 1)
        left = cache.pttl("key")
        assert left == expected or 0 < left <= expected  # type: ignore[operator]  # a number
    assert new_cache("memory://", TIMEOUT="60").default_timeout == 60


def test_a_lifetime_of_a_thousand_years_is_for_ever() -> None:
    cache = new_cache("memory://")
    cache.set("key", 1, 1000 * 365 * 86_400)

    assert cache.ttl("key") is None


# Checks.


def test_a_good_cache_has_nothing_to_be_told(settings: Settings) -> None:
    configure(settings, "redis://localhost:1/0", OPTIONS={"timeout": 1})

    assert found() == []


@pytest.mark.parametrize(
    ("location", "params", "id_", "text"),
    [
        ("memory://", {"OPTIONS": {"MAX_ENTRIES": 9}}, "minimalkv.E008", "MAX_ENTRIES"),
        ("memory://", {"OPTIONS": {"timeout": "2"}}, "minimalkv.E008", "timeout"),
        (Unconditional(), {}, "minimalkv.E008", "cannot be kept"),
        ("reddis://localhost", {}, "minimalkv.E001", "'reddis'"),
        ("redis://localhost/0?timout=1", {}, "minimalkv.E002", "timout"),
        ("redis1", {}, "minimalkv.E004", "'redis1'"),
        (["redis://a", "redis://b"], {}, "minimalkv.E002", "list"),
    ],
)
def test_a_wrong_cache_is_found(
    settings: Settings,
    location: object,
    params: dict[str, Any],
    id_: str,
    text: str,
) -> None:
    configure(settings, location, **params)

    (message,) = found()

    assert message[0] == id_
    assert "CACHES['default']" in message[1]
    assert text in message[1]


def test_a_cache_of_a_class_made_of_ours_is_checked(settings: Settings) -> None:
    configure(settings, "memory://", OPTIONS={"no": 1})
    settings.CACHES = {
        "a": {**settings.CACHES["default"], "BACKEND": f"{__name__}.Special"},
        "b": {"BACKEND": "no.such.Cache", "OPTIONS": {"no": 1}},
        "c": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
    }

    assert [id_ for id_, _ in found()] == ["minimalkv.E008"]


def test_a_cache_in_memory_is_found_in_production(settings: Settings) -> None:
    configure(settings, "memory://")
    settings.MINIMALKV_URL = "redis://localhost:1/0"
    assert found() == []

    settings.DEBUG = False

    assert [id_ for id_, _ in found()] == ["minimalkv.W001"]


# Secrets.


def test_no_page_and_no_message_shows_a_password(settings: Settings) -> None:
    url = f"redis://user:{SECRET}@localhost:1/0"
    configure(settings, url)
    settings.CACHES = {
        **settings.CACHES,
        "other": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://localhost",
        },
        "plain": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    }

    hide_secrets()

    printed = StringIO()
    call_command("diffsettings", stdout=printed)
    assert "localhost:1/0" in printed.getvalue()
    assert SECRET not in printed.getvalue()
    assert settings.CACHES["default"]["LOCATION"] == url
    assert type(settings.CACHES["other"]["LOCATION"]) is str
    cache = KVCache(settings.CACHES["default"]["LOCATION"], {})
    assert SECRET not in repr(cache) + repr(cache.store)
    with pytest.raises(InvalidURL) as error:
        KVCache(f"redis://u:{SECRET}@host:port/0", {}).get("key")
    assert SECRET not in str(error.value)


def test_every_method_of_django_is_ours() -> None:
    own = {name for name in vars(BaseCache) if name.startswith("a") or name in _SYNC}
    inherited = {
        name for name in own if getattr(KVCache, name) is getattr(BaseCache, name)
    }

    assert inherited == set()


_SYNC = ("get", "set", "touch", "delete", "get_many", "set_many", "delete_many", "incr")
