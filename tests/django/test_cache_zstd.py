"""The compressor that needs a package."""

import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from minimalkv_django import _cache_codecs
from tests.django.caches import new_cache


def test_zstd_compresses_and_gives_back() -> None:
    cache = new_cache("memory://", OPTIONS={"compressor": "zstd"})

    cache.set("key", "a" * 20_000)

    assert cache.get("key") == "a" * 20_000
    (name,) = cache.store.keys(cache._keys.place)
    assert len(cache.store.get(name)) < 200


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    _cache_codecs._compressor.cache_clear()

    with pytest.raises(ImproperlyConfigured, match="pip install zstandard"):
        new_cache("memory://", OPTIONS={"compressor": "zstd"})
