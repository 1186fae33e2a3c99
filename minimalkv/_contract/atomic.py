"""Verbs that look before they write: `add`, `update` and `increment`."""

import time
from collections.abc import Callable

import pytest

from minimalkv._contract.base import Contract, check_values
from minimalkv._errors import (
    InvalidArgument,
    InvalidData,
    KeyNotFound,
    PreconditionFailed,
)
from minimalkv._key_value_store import KeyValueStore

_NO_NUMBERS = (
    *(b"", b"x", b"1.0", b"1e3", b" 1", b"1 ", b"1\n", b"+1", b"-0", b"00", b"007"),
    *(b"-", b"--1", b"0x1", b"1_0", b"\xd9\xa3", b"1\0", b"None", b"9" * 30),
    *(b"9223372036854775808", b"-9223372036854775809"),
)


class AtomicContract(Contract):
    """What was read is still there at the write, or all begins anew."""

    def test_add_stores_once(self, store: KeyValueStore) -> None:
        assert store.add("key", b"") is True
        assert store.add("key", b"second") is False
        check_values(store, {"key": b""})
        for data in ("text", None):
            with pytest.raises(InvalidData):
                store.add("new", data)  # type: ignore[arg-type]  # what is refused
        check_values(store, {"key": b""})

    def test_update_creates_changes_and_deletes(self, store: KeyValueStore) -> None:
        seen = []

        def change(new: bytes | None) -> Callable[[bytes | None], bytes | None]:
            def function(old: bytes | None) -> bytes | None:
                seen.append(old)
                return new

            return function

        for new in (None, b"", b"1", b"1", b"2", None, None, b"3"):
            assert store.update("key", change(new)) == new
            check_values(store, {} if new is None else {"key": new})
        assert seen == [None, None, b"", b"1", b"1", b"2", None, None]

    def test_update_that_fails_changes_nothing(self, store: KeyValueStore) -> None:
        store.put("key", b"old")
        with pytest.raises(ZeroDivisionError):
            store.update("key", lambda _: b"%d" % (1 // 0))
        for new in ("text", 5, bytearray(b"x")):
            for key in ("key", "new"):
                with pytest.raises(InvalidData):
                    store.update(key, lambda _, new=new: new)  # type: ignore[misc]
        check_values(store, {"key": b"old"})

    @pytest.mark.parametrize("first", [None, b"first"])
    @pytest.mark.parametrize("between", [None, b"between"])
    def test_update_begins_anew_when_somebody_was_faster(
        self,
        store: KeyValueStore,
        first: bytes | None,
        between: bytes | None,
    ) -> None:
        if first is not None:
            store.put("key", first)
        seen = []

        def append(old: bytes | None) -> bytes:
            seen.append(old)
            if len(seen) == 1 and between is None:
                store.delete("key")
            elif len(seen) == 1:
                store.put("key", b"between")
            return (old or b"") + b"+"

        new = store.update("key", append)
        is_same = first is None and between is None
        assert seen == ([first] if is_same else [first, between])
        assert new == (between or b"") + b"+"
        check_values(store, {"key": new})

    def test_update_to_nothing_begins_anew_when_somebody_was_faster(
        self, store: KeyValueStore
    ) -> None:
        store.put("key", b"old")
        seen = []

        def drop(old: bytes | None) -> None:
            seen.append(old)
            if len(seen) == 1:
                store.put("key", b"between")

        assert store.update("key", drop) is None
        assert seen == [b"old", b"between"]
        check_values(store, {})

    def test_update_gives_up_in_the_end(
        self, store: KeyValueStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(time, "sleep", lambda _: None)
        seen = []

        def lose(old: bytes | None) -> bytes:
            seen.append(old)
            store.put("key", b"%d" % len(seen))
            return b"never stored"

        with pytest.raises(PreconditionFailed):
            store.update("key", lose)
        assert len(seen) == len(set(seen)) == 100
        check_values(store, {"key": b"100"})

    def test_increment_counts_within_64_bits(self, store: KeyValueStore) -> None:
        store.put("key", b"0")
        expected = 0
        for delta in (1, 5, -10, 0, 2**62, 2**62 - 1, 4, -(2**63), 1 - 2**63):
            expected += delta
            assert store.increment("key", delta) == expected
            check_values(store, {"key": b"%d" % expected})
        assert store.increment("key") == expected + 1

    def test_increment_beyond_64_bits_is_refused(self, store: KeyValueStore) -> None:
        for start, delta in [
            (2**63 - 1, 1),
            (-(2**63), -1),
            (1, 2**63 - 1),
            (0, 2**63),
            (0, -(2**63) - 1),
            (0, 2**100),
        ]:
            store.put("key", b"%d" % start)
            with pytest.raises(InvalidArgument):
                store.increment("key", delta)
            check_values(store, {"key": b"%d" % start})

    @pytest.mark.parametrize("value", _NO_NUMBERS)
    def test_increment_of_no_number_is_refused(
        self, store: KeyValueStore, value: bytes
    ) -> None:
        store.put("key", value)
        for delta in (1, 0, -1):
            with pytest.raises(InvalidData):
                store.increment("key", delta)
        check_values(store, {"key": value})

    def test_increment_takes_whole_numbers_only(self, store: KeyValueStore) -> None:
        store.put("key", b"5")
        for delta in (True, 1.0, "1", None, b"1"):
            with pytest.raises(InvalidArgument):
                store.increment("key", delta)  # type: ignore[arg-type]  # is refused
        check_values(store, {"key": b"5"})

    def test_increment_of_a_missing_key_creates_none(
        self, store: KeyValueStore
    ) -> None:
        with pytest.raises(KeyNotFound) as caught:
            store.increment("missing")
        assert caught.value.args[0] == "missing"
        check_values(store, {})
