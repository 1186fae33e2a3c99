"""What a listing shows, and the verbs about many keys."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from minimalkv._contract.base import Contract, check_sorted, check_values, prefixes_of
from minimalkv._contract.tools import sample
from minimalkv._errors import InvalidArgument, InvalidKey, KeyNotFound
from minimalkv._key_value_store import KeyValueStore

# Upstream's own example.
_PREFIXED = (
    "X",
    "a1Xb1",
    "a2X",
    "a2Xb1",
    "a3",
    "a4Xb1Xc1",
    "a4Xb1Xc2",
    "a4Xb2Xc1",
    "a4Xb3",
)


class ListingContract(Contract):
    """Listing; the values come in by `Contract.fill`."""

    def test_empty_store_lists_nothing(self, store: KeyValueStore) -> None:
        assert store.keys() == []
        assert list(store) == list(store.iter_keys()) == []
        assert list(store.iter_meta()) == []
        assert list(store.iter_prefixes("/")) == []

    def test_every_key_is_listed_once(self, store: KeyValueStore) -> None:
        keys = [f"key-{number}" for number in range(120)]
        self.fill(store, dict.fromkeys(keys, b""))
        assert isinstance(store.keys(), list)
        assert isinstance(store.iter_keys(), Iterator)
        assert {type(key) for key in store} == {str}
        check_sorted(store.keys(), keys)
        check_sorted(store.iter_keys(), keys)
        check_sorted(store, keys)
        check_sorted((meta.key for meta in store.iter_meta()), keys)

    def test_keys_are_listed_by_prefix(self, store: KeyValueStore) -> None:
        keys = ["a", "ab", "abc", "abd", "b", "ba", ".a", "a.b"]
        keys += ["c/a", "c/ab/d", "c/ab/e", "cc/f"] if store.extended_keys else []
        self.fill(store, {key: key.encode() for key in keys})
        prefixes = {key[:end] for key in keys for end in range(len(key) + 1)}
        for prefix in [*prefixes, "x", "abcd", "c/", "c/ab/", "/", "A", "a*", "[a]"]:
            expected = [key for key in keys if key.startswith(prefix)]
            check_sorted(store.keys(prefix), expected)
            check_sorted(store.iter_keys(prefix), expected)
            sizes = {meta.key: meta.size for meta in store.iter_meta(prefix)}
            assert sizes == {key: len(key) for key in expected}

    def test_prefixes_are_cut_as_upstream_does(self, store: KeyValueStore) -> None:
        self.fill(store, dict.fromkeys(_PREFIXED, b""))
        check_sorted(store.iter_prefixes("X"), ["X", "a1X", "a2X", "a3", "a4X"])
        found = store.iter_prefixes("X", prefix="a4X")
        check_sorted(found, ["a4Xb1X", "a4Xb2X", "a4Xb3"])
        check_sorted(store.iter_prefixes("X", prefix="foo"), [])

    def test_prefixes_are_cut_at_any_delimiter(self, store: KeyValueStore) -> None:
        keys = [*_PREFIXED, "b.c.d", "b.c", "b.", "..b"]
        keys += ["d/e/f", "d/e/g", "d/h", "d i/j", "k/l"] if store.extended_keys else []
        self.fill(store, dict.fromkeys(keys, b""))
        prefixes = ["", "a", "a4X", "a4Xb1X", "b", "b.", "d", "d/", "d/e", "d/e/", "x/"]
        for delimiter in ("X", "Xb", ".", "/", "a", "a4Xb1Xc1", " ", "ä", "\0"):
            for prefix in prefixes:
                found = store.iter_prefixes(delimiter, prefix)
                check_sorted(found, prefixes_of(keys, delimiter, prefix))

    def test_prefixes_need_a_delimiter(self, store: KeyValueStore) -> None:
        with pytest.raises(InvalidArgument):
            list(store.iter_prefixes(""))

    def test_listing_goes_on_while_keys_come_and_go(self, store: KeyValueStore) -> None:
        keys = [f"key-{number}" for number in range(40)]
        self.fill(store, dict.fromkeys(keys, b""))
        for key in islice(store.iter_keys("key-"), 60):
            self.fill(store, {f"new-{key}": b"", key: b"longer than before"})
        assert set(keys) <= set(store)
        left = iter(store)
        next(left)
        del left

    def test_get_many_gives_what_is_there_in_order(self, store: KeyValueStore) -> None:
        self.fill(store, {"a": b"1", "b": b"", "c": sample(70_000)})
        found = store.get_many(iter(["c", "missing", "a", "c", "b"]))
        assert list(found.items()) == [("c", sample(70_000)), ("a", b"1"), ("b", b"")]
        assert store.get_many([]) == store.get_many(["missing"]) == {}

    def test_get_many_refuses_a_bad_key(self, store: KeyValueStore) -> None:
        with pytest.raises(InvalidKey):
            store.get_many(["a", ".."])


class ManyContract(Contract):
    """Writing and deleting many values, copying and moving."""

    def test_put_many_stores_all(self, store: KeyValueStore) -> None:
        store.put("a", b"old")
        items = {"a": b"1", "b": b"", "c": sample(70_000)}
        store.put_many(items)
        check_values(store, items)
        store.put_many({})
        check_values(store, items)

    def test_put_many_stores_nothing_if_one_is_bad(self, store: KeyValueStore) -> None:
        store.put("a", b"old")
        bad: Any
        for bad in ({"a": b"new", "..": b"x"}, {"a": b"new", "b": "text"}):
            with pytest.raises((InvalidKey, TypeError)):
                store.put_many(bad)
        check_values(store, {"a": b"old"})

    def test_delete_many_deletes_what_is_there(self, store: KeyValueStore) -> None:
        store.put_many(dict.fromkeys(["a", "b", "c"], b"x"))
        store.delete_many(iter(["a", "missing", "c", "a"]))
        check_values(store, {"b": b"x"})
        store.delete_many([])
        check_values(store, {"b": b"x"})

    def test_delete_many_deletes_nothing_if_one_is_bad(
        self, store: KeyValueStore
    ) -> None:
        store.put("a", b"x")
        with pytest.raises(InvalidKey):
            store.delete_many(["a", ".."])
        check_values(store, {"a": b"x"})

    def test_delete_prefix_counts_what_it_deletes(self, store: KeyValueStore) -> None:
        store.put_many(dict.fromkeys(["a", "aa", "ab", "b", "ba"], b"x"))
        assert store.delete_prefix("missing") == 0
        assert store.delete_prefix("a") == 3
        check_values(store, {"b": b"x", "ba": b"x"})
        assert store.delete_prefix("") == 2
        check_values(store, {})

    def test_delete_prefix_takes_a_folder(self, store: KeyValueStore) -> None:
        if not store.extended_keys:
            return
        store.put_many(dict.fromkeys(["a/b/c", "a/b/d", "a/bb", "a/e", "ab"], b"x"))
        assert store.delete_prefix("a/b/") == 2
        check_values(store, dict.fromkeys(["a/bb", "a/e", "ab"], b"x"))
        assert store.delete_prefix("a/") == 2
        check_values(store, {"ab": b"x"})

    @pytest.mark.parametrize("value", [b"", b"value", sample(2**20 + 1)], ids=len)
    def test_copy_is_a_value_of_its_own(
        self, store: KeyValueStore, value: bytes
    ) -> None:
        store.put("source.txt", value)
        store.put("dest.txt", b"old")
        assert store.copy("source.txt", "dest.txt") == "dest.txt"
        assert store.copy("source.txt", "new.txt") == "new.txt"
        check_values(store, dict.fromkeys(["source.txt", "dest.txt", "new.txt"], value))
        store.put("source.txt", b"another")
        store.delete("new.txt")
        check_values(store, {"source.txt": b"another", "dest.txt": value})

    @pytest.mark.parametrize("value", [b"", b"value", sample(2**20 + 1)], ids=len)
    def test_move_takes_the_source_away(
        self, store: KeyValueStore, value: bytes
    ) -> None:
        store.put("source", value)
        store.put("dest", b"old")
        assert store.move("source", "dest") == "dest"
        check_values(store, {"dest": value})
        assert store.move("dest", "source") == "source"
        check_values(store, {"source": value})

    def test_copy_and_move_onto_itself_keep_the_value(
        self, store: KeyValueStore
    ) -> None:
        value = sample(70_000)
        store.put("key", value)
        assert store.copy("key", "key") == "key"
        check_values(store, {"key": value})
        assert store.move("key", "key") == "key"
        check_values(store, {"key": value})

    def test_copy_and_move_of_a_missing_key_change_nothing(
        self, store: KeyValueStore
    ) -> None:
        store.put("dest", b"old")
        for transfer in (store.copy, store.move):
            for dest in ("dest", "new", "missing"):
                with pytest.raises(KeyNotFound) as caught:
                    transfer("missing", dest)
                assert caught.value.args[0] == "missing"
        check_values(store, {"dest": b"old"})

    def test_copy_and_move_refuse_bad_keys(self, store: KeyValueStore) -> None:
        store.put("key", b"value")
        for transfer in (store.copy, store.move):
            for source, dest in (("key", ".."), ("..", "key"), ("missing", "..")):
                with pytest.raises((InvalidKey, KeyNotFound)):
                    transfer(source, dest)
        check_values(store, {"key": b"value"})

    def test_move_crosses_folders(self, store: KeyValueStore) -> None:
        if not store.extended_keys:
            return
        store.put("a/b/c", b"value")
        store.move("a/b/c", "d/e")
        store.copy("d/e", "f/g/h i")
        check_values(store, {"d/e": b"value", "f/g/h i": b"value"})
        store.move("d/e", "d/e2/f")
        check_values(store, {"d/e2/f": b"value", "f/g/h i": b"value"})
