"""Time to live: what expires, when, and who never sees it again."""
# ruff: noqa: S301 - it trusts what it pickled itself

import io
import pickle
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from minimalkv._constants import FOREVER, KEEP, NOT_SET
from minimalkv._contract.base import Contract, check_bytes, check_values
from minimalkv._contract.tools import Untouched, sample, together
from minimalkv._errors import (
    InvalidArgument,
    KeyNotFound,
    PreconditionFailed,
    Unsupported,
)
from minimalkv._key_value_store import KeyValueStore

_BAD = (
    *(-1, -0.001, float("nan"), float("inf"), float("-inf"), 10**18, True, False),
    *("soon", "", "5", b"5", [5], object()),
)
Advance = Callable[[float], None]


class ExpiryContract(Contract):
    """What is more about a store with ``ttl_support``."""

    expired_take_room: bool = True
    """Whether an expired value stays in the backend until `purge_expired`."""

    @pytest.fixture
    def advance(self) -> Advance:
        """Return a function that lets seconds pass for the store: no test sleeps."""
        raise NotImplementedError(
            "Override the fixture `advance` so that it returns a function that puts "
            "the clock of the store forward by seconds."
        )

    def can(self, store: KeyValueStore, action: Callable[[], object]) -> bool:
        """Do something that a store without conditional writes may be unable to do."""
        try:
            action()
        except Unsupported:
            assert not store.conditional_support
            return False
        return True

    def test_store_says_that_values_expire(self, store: KeyValueStore) -> None:
        assert store.ttl_support is True
        assert store.default_ttl_secs == NOT_SET

    @pytest.mark.parametrize("ttl_secs", [30, 30.5, 3600])
    def test_value_lives_as_long_as_it_was_told(
        self, store: KeyValueStore, advance: Advance, ttl_secs: float
    ) -> None:
        for put in _puts(store):
            put("key", b"value", ttl_secs)
            assert 0 < (store.ttl("key") or 0) <= ttl_secs
            advance(ttl_secs * 0.9)
            assert store.get("key") == b"value"
            assert 0 < (store.ttl("key") or 0) <= ttl_secs * 0.101
            advance(ttl_secs * 0.11)
            assert "key" not in store
            with pytest.raises(KeyNotFound):
                store.get("key")

    def test_lifetime_is_positional_as_upstream_has_it(
        self, store: KeyValueStore, advance: Advance
    ) -> None:
        store.put("put", b"value", 5)
        store.put_file("file", io.BytesIO(b"value"), 5)
        advance(6)
        assert "put" not in store
        assert "file" not in store

    @pytest.mark.parametrize("ttl_secs", [FOREVER, NOT_SET])
    def test_value_without_end_never_expires(
        self, store: KeyValueStore, advance: Advance, ttl_secs: str
    ) -> None:
        store.default_ttl_secs = 5
        for number, put in enumerate(_puts(store)):
            put(f"key-{number}", b"value", ttl_secs)
            assert store.ttl(f"key-{number}") is None
            assert store.head(f"key-{number}").expires is None
        advance(10**9)
        check_values(store, {f"key-{number}": b"value" for number in range(4)})

    def test_value_that_lives_zero_seconds_is_gone_at_once(
        self, store: KeyValueStore
    ) -> None:
        for put in _puts(store):
            for ttl_secs in (0, 0.0):
                put("key", b"value", ttl_secs)
                assert "key" not in store
                assert store.get_many(["key"]) == {}

    def test_default_counts_for_a_put_that_does_not_say(
        self, store: KeyValueStore, advance: Advance
    ) -> None:
        for put in _puts(store):
            store.default_ttl_secs = NOT_SET
            put("key", b"value", None)
            assert store.ttl("key") is None
            store.default_ttl_secs = 5
            assert store.default_ttl_secs == 5
            put("key", b"value", None)
            put("longer", b"value", 20)
            assert 0 < (store.ttl("key") or 0) <= 5
            advance(6)
            assert ("key" in store, "longer" in store) == (False, True)

    def test_bad_default_is_refused_by_the_put(self, store: KeyValueStore) -> None:
        store.default_ttl_secs = -1
        with pytest.raises(InvalidArgument):
            store.put("key", b"value")
        store.put("key", b"value", 10)
        check_values(store, {"key": b"value"})

    @pytest.mark.parametrize("ttl_secs", _BAD, ids=lambda ttl: ascii(ttl)[:9])
    def test_bad_lifetime_is_refused_before_anything_happens(
        self, store: KeyValueStore, ttl_secs: Any
    ) -> None:
        store.put("key", b"old", 100)
        calls = _calls(store, ttl_secs)
        calls.append(lambda: store.put("key", b"new", KEEP))
        if store.conditional_support:
            calls.append(lambda: store.add("new", b"new", ttl_secs))
            calls.append(lambda: store.update("key", lambda _: b"new", ttl_secs))
        for call in calls:
            with pytest.raises(InvalidArgument):
                call()
        check_values(store, {"key": b"old"})
        assert store.ttl("key")

    def test_every_put_begins_a_new_life(
        self, store: KeyValueStore, advance: Advance
    ) -> None:
        for number, put in enumerate(_puts(store)):
            store.put(f"kept-{number}", b"value", 5)
            put(f"kept-{number}", b"value", None)
            store.put(f"longer-{number}", b"value", 5)
            put(f"longer-{number}", b"value", 50)
            assert store.ttl(f"kept-{number}") is None
        advance(6)
        assert len(store.get_many(store.keys())) == 8
        advance(50)
        check_lives(store, {f"kept-{number}": b"value" for number in range(4)})

    def test_facts_tell_the_end(self, store: KeyValueStore) -> None:
        for put in _puts(store):
            put("key", b"value", 1000)
            end = datetime.now(UTC) + timedelta(seconds=1000)
            _, file = store.stream("key")
            with file:
                assert file.read() == b"value"
            (listed,) = store.iter_meta()
            metas = [store.head("key"), store.get_with_meta("key")[1], listed]
            for meta in metas:
                assert meta.expires is not None
                assert abs(meta.expires - end) < timedelta(seconds=30)
                assert meta.size == 5

    def test_expired_value_is_shown_by_nothing(
        self, store: KeyValueStore, advance: Advance, folder: Path
    ) -> None:
        store.put("lives", b"value", 100)
        reads = _reads(store, folder)
        for put in _puts(store):
            # A key for each, since whoever finds an expired value may remove it.
            for number in range(len(reads)):
                put(f"gone-{number}", b"secret", 5)
            put("gone", b"secret", 5)
            advance(6)
            for number, read in enumerate(reads):
                with pytest.raises(KeyNotFound) as caught:
                    read(f"gone-{number}")
                assert caught.value.args[0] == f"gone-{number}"
                assert f"gone-{number}" not in store
            assert store.get_many(["gone", "lives"]) == {"lives": b"value"}
            store.put("lives", b"value", 100)
        assert list(folder.iterdir()) == []
        check_lives(store, {"lives": b"value"})

    def test_expired_value_is_not_copied(
        self, store: KeyValueStore, advance: Advance
    ) -> None:
        for transfer in (store.copy, store.move):
            store.put("gone", b"secret", 5)
            store.put("dest", b"old")
            advance(6)
            for dest in ("dest", "new", "gone"):
                with pytest.raises(KeyNotFound):
                    transfer("gone", dest)
            check_lives(store, {"dest": b"old"})

    def test_expired_value_is_deleted_without_an_error(
        self, store: KeyValueStore, advance: Advance
    ) -> None:
        store.put("gone", b"secret", 5)
        store.put("gone2", b"secret", 5)
        advance(6)
        store.delete("gone")
        store.delete_many(["gone2", "missing"])
        check_values(store, {})
        store.put("gone", b"new")
        check_values(store, {"gone": b"new"})

    def test_copy_and_move_keep_the_end(
        self, store: KeyValueStore, advance: Advance
    ) -> None:
        for transfer in (store.copy, store.move):
            store.put("source", b"value", 10)
            store.put("forever", b"value")
            store.put("dest", b"old")
            store.put("dest2", b"old", 5)
            advance(4)
            transfer("source", "source")
            transfer("source", "dest")
            transfer("forever", "dest2")
            assert 5 < (store.ttl("dest") or 0) <= 6
            assert store.ttl("dest2") is None
            advance(7)
            assert store.get("dest2") == b"value"
            assert ("source" in store, "dest" in store) == (False, False)

    def test_open_file_outlives_its_value(
        self, store: KeyValueStore, advance: Advance
    ) -> None:
        value = sample(300_000)
        store.put("key", value, 5)
        with store.open("key") as file:
            begin = file.read(10)
            advance(6)
            with suppress(PreconditionFailed):
                check_bytes(begin + file.read(), value)

    def test_expiry_survives_another_handle(
        self, store: KeyValueStore, advance: Advance
    ) -> None:
        store.put("key", b"value", 50)
        store.put("other", b"value")
        advance(1)
        again = self.reopen(store)
        assert 0 < (again.ttl("key") or 0) <= 50
        assert again.ttl("other") is None

    def test_pickled_store_keeps_its_default(self, store: KeyValueStore) -> None:
        store.default_ttl_secs = 7
        copied = pickle.loads(pickle.dumps(store))
        assert copied.default_ttl_secs == 7
        copied.put("key", b"value")
        assert 0 < copied.ttl("key") <= 7

    def test_purge_deletes_what_has_expired(
        self, store: KeyValueStore, advance: Advance
    ) -> None:
        if not self.can(store, store.purge_expired):
            return
        store.put("forever", b"value")
        for key in ("a1", "a2", "a3", "b1"):
            store.put(key, b"value", 5)
        store.put("lives", b"value", 100)
        assert store.purge_expired() == 0
        advance(6)
        store.put("a2", b"rewritten")
        assert store.purge_expired("a") == (2 if self.expired_take_room else 0)
        assert store.purge_expired() == (1 if self.expired_take_room else 0)
        assert store.purge_expired() == 0
        check_values(
            store, {"forever": b"value", "lives": b"value", "a2": b"rewritten"}
        )

    def test_purge_leaves_what_is_rewritten_meanwhile(
        self, store: KeyValueStore, advance: Advance
    ) -> None:
        if not self.can(store, store.purge_expired):
            return
        keys = [f"key-{number}" for number in range(20)]

        def work(number: int) -> None:
            if number < 3:
                store.put_many(dict.fromkeys(keys[number::3], b"new"))
            else:
                # The last to come is the first to go on.
                store.purge_expired()

        for _ in range(3):
            store.put_many(dict.fromkeys(keys, b"old"), 5)
            advance(6)
            together(4, work)
            assert set(store.get_many(keys).values()) == {b"new"}
            assert len(store.get_many(keys)) == 20

    def test_touch_gives_a_new_life(
        self, store: KeyValueStore, advance: Advance
    ) -> None:
        value = sample(70_000)
        store.put("key", value, 5)
        if not self.can(store, lambda: store.touch("key", 50)):
            check_bytes(store.get("key"), value)
            assert 0 < (store.ttl("key") or 0) <= 5
            return
        advance(6)
        check_bytes(store.get("key"), value)
        store.touch("key", 30.5)
        assert 1 < (store.ttl("key") or 0) <= 30.5
        store.touch("key", FOREVER)
        assert store.ttl("key") is None
        store.default_ttl_secs = 7
        store.touch("key")
        assert 6 < (store.ttl("key") or 0) <= 7
        store.touch("key", NOT_SET)
        assert store.ttl("key") is None
        check_bytes(store.get("key"), value)
        store.touch("key", 0)
        assert "key" not in store

    def test_touch_wakes_nobody(self, store: KeyValueStore, advance: Advance) -> None:
        store.put("lives", b"value", 100)
        if not self.can(store, lambda: store.touch("lives", 100)):
            return
        store.put("gone", b"secret", 5)
        advance(6)
        for key in ("gone", "missing"):
            for ttl_secs in (50, FOREVER, 0):
                with pytest.raises(KeyNotFound) as caught:
                    store.touch(key, ttl_secs)
                assert caught.value.args[0] == key
        check_lives(store, {"lives": b"value"})


def check_lives(store: KeyValueStore, expected: dict[str, bytes]) -> None:
    """Assert which values live; a listing may name others, which have expired."""
    assert store.get_many(store.keys()) == expected
    assert set(expected) <= set(store)


def _puts(store: KeyValueStore) -> list[Callable[[str, bytes, Any], object]]:
    return [
        lambda key, data, ttl: store.put(key, data, ttl_secs=ttl),
        lambda key, data, ttl: store.put_file(key, io.BytesIO(data), ttl_secs=ttl),
        lambda key, data, ttl: store.put_many({key: data}, ttl_secs=ttl),
        lambda key, data, ttl: write(store, key, data, ttl_secs=ttl),
    ]


def write(store: KeyValueStore, key: str, data: bytes, **options: Any) -> None:
    with store.open_writer(key, **options) as writer:
        writer.write(data)


def _calls(store: KeyValueStore, ttl_secs: Any) -> list[Callable[[], object]]:
    return [
        lambda: store.put("key", b"new", ttl_secs),
        lambda: store.put_file("key", Untouched(), ttl_secs),
        lambda: store.open_writer("key", ttl_secs),
        lambda: store.put_many({"new": b"new", "key": b"new"}, ttl_secs),
        lambda: store.touch("key", ttl_secs),
    ]


def _reads(store: KeyValueStore, folder: Path) -> list[Callable[[str], object]]:
    return [
        store.get,
        store.get_with_meta,
        store.head,
        store.open,
        store.stream,
        lambda key: store.stream(key, 1, 3),
        lambda key: store.stream(key, -2),
        lambda key: store.get_file(key, io.BytesIO()),
        lambda key: store.get_file(key, folder / "file"),
        store.ttl,
    ]
