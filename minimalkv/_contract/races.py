"""Many threads who all want to be first."""

import io
from collections import Counter

from minimalkv._contract.base import Contract, check_values
from minimalkv._contract.conditional import etag_of
from minimalkv._contract.tools import meanwhile, together
from minimalkv._errors import KeyExists, PreconditionFailed
from minimalkv._key_value_store import KeyValueStore

_LOOKS = 50


class RaceContract(Contract):
    """However many come at once, one of them is first."""

    race_updates: int = 25
    """How many updates each thread does, all on one key."""

    race_writes: int = 40
    """How many plain writes of each round meet updates of the same key."""

    def test_one_of_many_creates(self, store: KeyValueStore) -> None:
        for turn in range(self.race_rounds):
            key = f"key-{turn}"

            def create(number: int, key: str = key) -> bytes | None:
                value = b"%d" % number
                try:
                    if number % 2:
                        store.put(key, value, if_absent=True)
                    else:
                        store.put_file(key, io.BytesIO(value), if_absent=True)
                except KeyExists:
                    return None
                return value

            results = Counter(together(self.race_threads, create))
            assert results.pop(None) == self.race_threads - 1
            assert list(results) == [store.get(key)]

    def test_one_of_many_adds(self, store: KeyValueStore) -> None:
        for turn in range(self.race_rounds):
            key = f"key-{turn}"

            def add(number: int, key: str = key) -> bool:
                return store.add(key, b"%d" % number)

            added = together(self.race_threads, add)
            assert added.count(True) == 1
            assert store.get(key) == b"%d" % added.index(True)

    def test_one_of_many_replaces(self, store: KeyValueStore) -> None:
        store.put("key", b"first")
        for _ in range(self.race_rounds):
            etag = etag_of(store, "key")

            def replace(number: int, etag: str = etag) -> bytes | None:
                value = b"%d-" % number + etag.encode()
                try:
                    store.put("key", value, if_match=etag)
                except PreconditionFailed:
                    return None
                return value

            results = Counter(together(self.race_threads, replace))
            assert results.pop(None) == self.race_threads - 1
            assert list(results) == [store.get("key")]

    def test_one_of_many_deletes(self, store: KeyValueStore) -> None:
        for _ in range(self.race_rounds):
            store.put("key", b"value")
            etag = etag_of(store, "key")

            def delete(_: int, etag: str = etag) -> bool:
                try:
                    store.delete("key", if_match=etag)
                except PreconditionFailed:
                    return False
                return True

            assert together(self.race_threads, delete).count(True) == 1
            check_values(store, {})

    def test_no_update_of_many_is_lost(self, store: KeyValueStore) -> None:
        def count(_: int) -> None:
            for _turn in range(self.race_updates):
                store.update("key", lambda old: b"%d" % (int(old or 0) + 1))

        together(self.race_threads, count)
        check_values(store, {"key": b"%d" % (self.race_threads * self.race_updates)})

    def test_no_increment_of_many_is_lost(self, store: KeyValueStore) -> None:
        store.put("key", b"0")
        total = self.race_threads // 2 * self.race_updates * 3

        def count(number: int) -> list[int]:
            return [
                store.increment("key", number % 2 + 1) for _ in range(self.race_updates)
            ]

        results = together(self.race_threads, count)
        assert max(map(max, results)) == total
        assert all(numbers == sorted(numbers) for numbers in results)
        check_values(store, {"key": b"%d" % (total)})

    def test_plain_put_never_slips_between_compare_and_write(
        self, store: KeyValueStore
    ) -> None:
        store.put("key", b"start")

        def append() -> None:
            store.update("key", lambda old: (old or b"")[:40] + b"+")

        with meanwhile(append), meanwhile(append):
            for number in range(self.race_writes * self.race_rounds):
                value = b"put %d" % number
                store.put("key", value)
                # Appended to, soon, but never what was there before it.
                for _ in range(_LOOKS):
                    found = store.get("key")
                    assert found.rstrip(b"+") == value
                    if found != value:
                        break

    def test_delete_never_slips_between_compare_and_write(
        self, store: KeyValueStore
    ) -> None:
        def append() -> None:
            store.update("key", lambda old: old and old[:40] + b"+")

        with meanwhile(append), meanwhile(append):
            for _ in range(self.race_writes * self.race_rounds // 2):
                store.put("key", b"value")
                store.delete("key")
                for _ in range(5):
                    assert "key" not in store
