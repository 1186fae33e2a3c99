"""What expires, and who was first to put something in its place."""

import io
from collections.abc import Callable

import pytest

from minimalkv._constants import FOREVER, KEEP
from minimalkv._contract.base import check_values
from minimalkv._contract.conditional import etag_of
from minimalkv._contract.expiring import Advance, ExpiryContract, check_lives, write
from minimalkv._contract.tools import together
from minimalkv._errors import KeyExists, KeyNotFound, PreconditionFailed
from minimalkv._key_value_store import KeyValueStore


class ExpiryRaceContract(ExpiryContract):
    """What expires and who was first, where there are conditional writes, too."""

    def test_expired_version_matches_nothing(
        self, store: KeyValueStore, advance: Advance
    ) -> None:
        if not store.conditional_support:
            return
        store.put("key", b"old", 5)
        etag = etag_of(store, "key")
        advance(6)
        calls: list[Callable[[], object]] = [
            lambda: store.put("key", b"new", if_match=etag),
            lambda: store.put("key", b"new", 50, if_match=etag),
            lambda: store.put_file("key", io.BytesIO(b"new"), if_match=etag),
            lambda: store.open_writer("key", if_match=etag).close(),
            lambda: store.delete("key", if_match=etag),
            lambda: store.stream("key", if_match=etag),
        ]
        for call in calls:
            with pytest.raises(PreconditionFailed):
                call()
        check_lives(store, {})

    def test_expired_value_does_not_stand_in_the_way(
        self, store: KeyValueStore, advance: Advance
    ) -> None:
        if not store.conditional_support:
            return
        creations: list[Callable[[bytes], object]] = [
            lambda data: store.put("key", data, if_absent=True),
            lambda data: store.put("key", data, 50, if_absent=True),
            lambda data: store.put_file("key", io.BytesIO(data), if_absent=True),
            lambda data: write(store, "key", data, if_absent=True),
            lambda data: store.put_many({"key": data}, if_absent=True),
        ]
        for number, create in enumerate(creations):
            value = b"%d" % number
            store.put("key", b"old", 5)
            with pytest.raises(KeyExists):
                create(value)
            advance(6)
            create(value)
            with pytest.raises(KeyExists):
                create(b"another")
            check_values(store, {"key": value})
        store.put("key", b"old", 0)
        assert store.add("key", b"added", 50) is True
        assert store.add("key", b"again") is False

    def test_one_of_many_replaces_an_expired_value(
        self, store: KeyValueStore, advance: Advance
    ) -> None:
        if not store.conditional_support:
            return
        for turn in range(self.race_rounds):
            key = f"key-{turn}"
            store.put(key, b"old", 5)
            advance(6)

            def add(number: int, key: str = key) -> bool:
                return store.add(key, b"%d" % number)

            added = together(self.race_threads, add)
            assert added.count(True) == 1
            assert store.get(key) == b"%d" % added.index(True)

    def test_update_keeps_the_end_or_sets_it(
        self, store: KeyValueStore, advance: Advance
    ) -> None:
        if not store.conditional_support:
            return
        store.put("key", b"0", 10)
        advance(4)
        store.update("key", lambda old: (old or b"") + b"1")
        assert 5 < (store.ttl("key") or 0) <= 6
        store.update("key", lambda old: (old or b"") + b"2", KEEP)
        assert 5 < (store.ttl("key") or 0) <= 6
        store.update("key", lambda old: (old or b"") + b"3", ttl_secs=100)
        assert 90 < (store.ttl("key") or 0) <= 100
        store.update("key", lambda old: (old or b"") + b"4", FOREVER)
        assert store.ttl("key") is None
        store.update("key", lambda old: (old or b"") + b"5", KEEP)
        assert store.ttl("key") is None
        store.default_ttl_secs = 7
        store.update("key", lambda old: (old or b"") + b"6", None)
        assert 6 < (store.ttl("key") or 0) <= 7
        assert store.get("key") == b"0123456"

    def test_update_of_a_missing_value_begins_with_the_default(
        self, store: KeyValueStore, advance: Advance
    ) -> None:
        if not store.conditional_support:
            return
        store.update("key", lambda _: b"value")
        assert store.ttl("key") is None
        store.default_ttl_secs = 7
        store.update("new", lambda _: b"value")
        assert 6 < (store.ttl("new") or 0) <= 7
        store.update("given", lambda _: b"value", 50)
        assert 49 < (store.ttl("given") or 0) <= 50
        advance(8)
        check_lives(store, {"key": b"value", "given": b"value"})

    def test_update_does_not_see_an_expired_value(
        self, store: KeyValueStore, advance: Advance
    ) -> None:
        if not store.conditional_support:
            return
        store.put("key", b"secret", 5)
        advance(6)
        store.update("key", lambda old: old)
        check_lives(store, {})
        store.update("key", lambda old: b"seen" if old else b"new")
        assert store.ttl("key") is None
        check_values(store, {"key": b"new"})

    def test_increment_keeps_the_end(
        self, store: KeyValueStore, advance: Advance
    ) -> None:
        if not store.conditional_support:
            return
        store.put("key", b"5", 10)
        store.put("forever", b"5")
        advance(4)
        store.default_ttl_secs = 100
        assert store.increment("key") == store.increment("forever") == 6
        assert 5 < (store.ttl("key") or 0) <= 6
        assert store.ttl("forever") is None
        advance(7)
        with pytest.raises(KeyNotFound):
            store.increment("key")
        check_lives(store, {"forever": b"6"})
