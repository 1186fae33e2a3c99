"""Copies inside the backend, and URLs for others."""

from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

from minimalkv._contract.base import Contract, check_bytes, check_values
from minimalkv._contract.tools import meanwhile, sample
from minimalkv._errors import InvalidArgument, InvalidKey, KeyNotFound, Unsupported
from minimalkv._key_value_store import KeyValueStore


class CopyContract(Contract):
    """What is more about a store with ``copy_support``: the bytes stay there."""

    def test_store_says_that_it_copies(self, store: KeyValueStore) -> None:
        assert store.copy_support is True

    def test_copy_of_a_large_value_is_exact(self, store: KeyValueStore) -> None:
        value = sample(5 * 2**20)
        store.put("source", value)
        store.copy("source", "copy")
        store.move("copy", "moved")
        check_bytes(store.get("source"), value)
        check_bytes(store.get("moved"), value)
        assert sorted(store) == ["moved", "source"]

    def test_copy_keeps_what_the_store_knows(self, store: KeyValueStore) -> None:
        described: dict[str, Any] = {
            "content_type": "text/x-own",
            "headers": {"Cache-Control": "no-store"},
        }
        store.put("source.txt", b"value", **described)
        store.copy("source.txt", "copy.txt")
        store.move("copy.txt", "moved.txt")
        source, moved = store.head("source.txt"), store.head("moved.txt")
        assert (moved.key, moved.size, moved.expires) == ("moved.txt", 5, None)
        assert moved.content_type == source.content_type
        assert moved.headers == source.headers

    def test_copy_is_a_version_to_match(self, store: KeyValueStore) -> None:
        store.put("source", b"value")
        store.put("dest", b"old")
        store.copy("source", "dest")
        meta = store.head("dest")
        if store.conditional_support:
            assert meta.etag
            store.put("dest", b"new", if_match=meta.etag)
            check_values(store, {"source": b"value", "dest": b"new"})

    def test_copy_of_a_changing_value_is_whole(self, store: KeyValueStore) -> None:
        values = [sample(50_000, seed) for seed in range(2)]
        store.put("source", values[0])

        def change() -> None:
            store.put("source", values[1])
            store.put("source", values[0])

        with meanwhile(change):
            for _ in range(30):
                store.copy("source", "dest")
                assert store.get("dest") in values

    def test_copy_does_not_wake_the_deleted(self, store: KeyValueStore) -> None:
        store.put("source", b"value")
        store.copy("source", "dest")
        store.delete("source")
        store.move("dest", "source")
        store.delete("source")
        for key in ("source", "dest"):
            with pytest.raises(KeyNotFound):
                store.copy(key, "new")
        check_values(store, {})


class UrlContract(Contract):
    """What is more about a store with ``url_support``."""

    def test_store_says_that_it_has_urls(self, store: KeyValueStore) -> None:
        assert store.url_support is True

    def test_url_needs_no_value(self, store: KeyValueStore) -> None:
        missing = store.url_for("key.png")
        store.put("key.png", b"value")
        for url in (missing, store.url_for("key.png", method="GET")):
            assert isinstance(url, str)
            assert urlsplit(url).scheme
            assert "key.png" in urlsplit(url).path
            assert url.isascii()
            assert url.isprintable()
        check_values(store, {"key.png": b"value"})

    def test_url_of_every_key_is_another(self, store: KeyValueStore) -> None:
        keys = ["a", "b", "a%20b", "a+b", "a?b", "a#b", "a&b", "%", "a.b", "a%2Fb"]
        keys += ["a b", "a/b", "a/b c/d"] if store.extended_keys else []
        paths = [urlsplit(store.url_for(key)).path for key in keys]
        assert len(set(paths)) == len(keys)

    def test_url_of_a_bad_key_is_refused(self, store: KeyValueStore) -> None:
        key: Any
        for key in ("", "..", "x" * 5000, None, b"key"):
            with pytest.raises(InvalidKey):
                store.url_for(key)

    def test_url_with_bad_options_is_refused(self, store: KeyValueStore) -> None:
        bad: list[dict[str, Any]] = [
            *({"method": method} for method in ("get", "POST", "DELETE", "", None, 5)),
            *({"expires": secs} for secs in (0, -1, -0.5, float("nan"))),
        ]
        for options in bad:
            with pytest.raises(InvalidArgument):
                store.url_for("key", **options)

    def test_url_option_works_or_is_refused_by_name(self, store: KeyValueStore) -> None:
        options: list[dict[str, Any]] = [
            {"expires": 60},
            {"expires": 0.5},
            {"method": "PUT"},
            {"method": "PUT", "content_type": "image/png"},
            {"content_type": "image/png"},
            {"download_name": 'a "b"; c=ä\r\n.png'},
        ]
        for given in options:
            with suppress(Unsupported):
                url = store.url_for("key", **given)
                assert url.isascii()
                assert url.isprintable()
