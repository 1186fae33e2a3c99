"""Any calls in any order, on a store and on a dictionary that has to agree."""

import io
from contextlib import suppress
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from minimalkv._contract.base import check_bytes, prefixes_of
from minimalkv._contract.tools import Slices, sample
from minimalkv._errors import (
    InvalidArgument,
    InvalidData,
    KeyExists,
    KeyNotFound,
    PreconditionFailed,
)
from minimalkv._key_value_store import KeyValueStore

# No key is a folder of another: files could not have both.
_KEYS = ["a", "b", "ab", "a.b", "a~b", "c/d", "c/e/f", "c/e/g", "d e/f", "UPPER"]
_PREFIXES = ["", "a", "ab", "a.", "c/", "c/e", "c/e/", "d", "x", "/"]
_LARGE = [65535, 65536, 65537, 300_000]

keys = st.sampled_from(_KEYS)
prefixes = st.sampled_from(_PREFIXES)
numbers = st.integers(-(2**63), 2**63 - 1).map(b"%d".__mod__)
values = st.binary(max_size=40) | numbers | st.sampled_from(_LARGE).map(sample)
offsets = st.integers(0, 60) | st.sampled_from([65536, 65537, 400_000])


class StoreStateMachine(RuleBasedStateMachine):
    """Do anything to a store, and to a dictionary that has to agree with it.

    A subclass has `make_store`; its ``TestCase`` is what pytest collects::

        class Machine(StoreStateMachine):
            def make_store(self):
                return MyStore()

        TestMyStore = Machine.TestCase
    """

    def __init__(self) -> None:
        super().__init__()
        self.store = self.make_store()
        self.model: dict[str, bytes] = {}
        self.seen: dict[str, tuple[str, bytes]] = {}
        self.unchanged: set[str] = set()

    def make_store(self) -> KeyValueStore:
        """Return a new, empty store."""
        raise NotImplementedError("Override make_store: return a new, empty store.")

    def teardown(self) -> None:
        """Close the store."""
        self.store.close()

    def own(self, key: str) -> str:
        """Return the key as this store can have it."""
        if self.store.extended_keys:
            return key
        return key.replace("/", "+").replace(" ", "_")

    def has(self, *features: str) -> bool:
        """Tell whether the store has all these capabilities."""
        return all(getattr(self.store, feature) for feature in features)

    @invariant()
    def keys_are_those_of_the_dictionary(self) -> None:
        assert sorted(self.store.keys()) == sorted(self.model)

    # Writing.

    @rule(key=keys, value=values)
    def put(self, key: str, value: bytes) -> None:
        key = self.own(key)
        assert self.store.put(key, value) == key
        self._now(key, value)

    @rule(key=keys, value=values, step=st.sampled_from([1, 7, 65536, 10**6]))
    def put_file(self, key: str, value: bytes, step: int) -> None:
        key = self.own(key)
        source = Slices(value, max(step, len(value) // 50))
        assert self.store.put_file(key, source) == key
        self._now(key, value)

    @rule(key=keys, parts=st.lists(values, max_size=4), end=st.sampled_from("cax"))
    def write(self, key: str, parts: list[bytes], end: str) -> None:
        key = self.own(key)
        with suppress(ZeroDivisionError), self.store.open_writer(key) as writer:
            for part in parts:
                writer.write(part)
            if end == "a":
                writer.abort()
            elif end == "x":
                raise ZeroDivisionError
        if end == "c":
            self._now(key, b"".join(parts))

    @rule(items=st.dictionaries(keys, values, max_size=4))
    def put_many(self, items: dict[str, bytes]) -> None:
        items = {self.own(key): value for key, value in items.items()}
        self.store.put_many(items)
        for key, value in items.items():
            self._now(key, value)

    @rule(key=keys)
    def delete(self, key: str) -> None:
        key = self.own(key)
        self.store.delete(key)
        self._now(key, None)

    @rule(many=st.lists(keys, max_size=4))
    def delete_many(self, many: list[str]) -> None:
        unwanted = [self.own(key) for key in many]
        self.store.delete_many(unwanted)
        for key in unwanted:
            self._now(key, None)

    @rule(prefix=prefixes.filter(bool))
    def delete_prefix(self, prefix: str) -> None:
        prefix = self.own(prefix)
        unwanted = self._beginning(prefix)
        assert self.store.delete_prefix(prefix) == len(unwanted)
        for key in unwanted:
            self._now(key, None)

    @rule(source=keys, dest=st.none() | keys, keep=st.booleans())
    def copy_or_move(self, source: str, dest: str | None, keep: bool) -> None:
        source, dest = self.own(source), self.own(dest or source)
        transfer = self.store.copy if keep else self.store.move
        value = self.model.get(source)
        if value is None:
            self._not_found(transfer, source, dest)
            return
        assert transfer(source, dest) == dest
        if not keep:
            self._now(source, None)
        self._now(dest, value)

    # Reading.

    @rule(key=keys)
    def get(self, key: str) -> None:
        key = self.own(key)
        value = self.model.get(key)
        assert (key in self.store) == (value is not None)
        if value is None:
            for read in (self.store.get, self.store.head, self.store.open):
                self._not_found(read, key)
            return
        check_bytes(self.store.get(key), value)
        assert self.store.head(key).size == len(value)
        check_bytes(self.store.get_with_meta(key)[0], value)
        target = io.BytesIO()
        self.store.get_file(key, target)
        check_bytes(target.getvalue(), value)

    @rule(key=keys, start=offsets, size=offsets, kind=st.sampled_from("iow"))
    def stream(self, key: str, start: int, size: int, kind: str) -> None:
        key = self.own(key)
        value = self.model.get(key)
        if value is None:
            self._not_found(self.store.stream, key)
            return
        if kind == "i":  # inside of the value, where few of any two numbers are
            start, size = start % (len(value) + 1), size % (len(value) + 1)
        stop = None if kind == "w" else start + size
        for begin, end in ((start, stop), (-start, None)):
            meta, file = self.store.stream(key, begin, end)
            with file:
                check_bytes(file.read(), value[begin:end])
            assert meta.size == len(value)

    @rule(key=keys, moves=st.lists(st.tuples(offsets, offsets), max_size=5))
    def seek_and_read(self, key: str, moves: list[tuple[int, int]]) -> None:
        key = self.own(key)
        if key not in self.model:
            return
        model = io.BytesIO(self.model[key])
        with self.store.open(key) as file:
            for position, size in moves:
                assert file.seek(position) == model.seek(position)
                check_bytes(file.read(size), model.read(size))

    @rule(many=st.lists(keys, max_size=6))
    def get_many(self, many: list[str]) -> None:
        wanted = [self.own(key) for key in many]
        there = {key: self.model[key] for key in wanted if key in self.model}
        assert self.store.get_many(wanted) == there

    @rule(prefix=prefixes)
    def list_by_prefix(self, prefix: str) -> None:
        prefix = self.own(prefix)
        there = self._beginning(prefix)
        assert sorted(self.store.iter_keys(prefix)) == there
        sizes = {meta.key: meta.size for meta in self.store.iter_meta(prefix)}
        assert sizes == {key: len(self.model[key]) for key in there}

    @rule(prefix=prefixes, delimiter=st.sampled_from(["/", ".", "+", "e", "/e/"]))
    def list_prefixes(self, prefix: str, delimiter: str) -> None:
        prefix = self.own(prefix)
        expected = prefixes_of(self.model, delimiter, prefix)
        assert sorted(self.store.iter_prefixes(delimiter, prefix)) == sorted(expected)

    # Who was first.

    @precondition(lambda self: self.has("conditional_support"))
    @rule(key=keys, value=values)
    def add(self, key: str, value: bytes) -> None:
        key = self.own(key)
        is_new = key not in self.model
        assert self.store.add(key, value) is is_new
        if is_new:
            self._now(key, value)
            return
        try:
            self.store.put(key, value, if_absent=True)
        except KeyExists:
            return
        raise AssertionError(f"{key!r} was put although it exists.")

    @precondition(lambda self: self.has("conditional_support"))
    @rule(key=keys, new=values | st.none())
    def update(self, key: str, new: bytes | None) -> None:
        key = self.own(key)
        old = []

        def function(value: bytes | None) -> bytes | None:
            old.append(value)
            return new

        assert self.store.update(key, function) == new
        assert old == [self.model.get(key)]
        self._now(key, new)

    @precondition(lambda self: self.has("conditional_support"))
    @rule(key=keys, start=numbers | st.none(), delta=st.integers(-(2**63), 2**63 - 1))
    def increment(self, key: str, start: bytes | None, delta: int) -> None:
        key = self.own(key)
        if start is not None:
            self.store.put(key, start)
            self._now(key, start)
        value = self.model.get(key)
        try:
            number = self.store.increment(key, delta)
        except KeyNotFound:
            assert value is None
        except InvalidData:
            assert value is not None
            assert not _is_number(value)
        except InvalidArgument:
            assert not -(2**63) <= int(value or b"") + delta < 2**63
        else:
            assert number == int(value or b"") + delta
            self._now(key, b"%d" % number)

    @precondition(lambda self: self.has("conditional_support"))
    @rule(key=keys)
    def look(self, key: str) -> None:
        key = self.own(key)
        if key in self.model:
            etag = self.store.head(key).etag
            assert etag
            self.seen[key] = etag, self.model[key]
            self.unchanged.add(key)

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), new=values | st.none())
    def put_if_match(self, data: st.DataObject, new: bytes | None) -> None:
        key = data.draw(st.sampled_from(sorted(self.seen)))
        etag, value = self.seen[key]
        try:
            if new is None:
                self.store.delete(key, if_match=etag)
            else:
                self.store.put(key, new, if_match=etag)
        except PreconditionFailed:
            assert key not in self.unchanged
            return
        # Equal bytes may count as the same version, as on S3.
        assert self.model.get(key) == value
        self._now(key, new)

    # The dictionary.

    def _now(self, key: str, value: bytes | None) -> None:
        self.unchanged.discard(key)
        if value is None:
            self.model.pop(key, None)
        else:
            self.model[key] = value

    def _beginning(self, prefix: str) -> list[str]:
        return sorted(key for key in self.model if key.startswith(prefix))

    def _not_found(self, call: Any, *keys: str) -> None:
        try:
            call(*keys)
        except KeyNotFound as error:
            assert error.args[0] == keys[0]  # noqa: PT017 - no pytest in here
            return
        raise AssertionError(f"{keys[0]!r} is not there, but {call.__name__} found it.")


def _is_number(value: bytes) -> bool:
    with suppress(ValueError):
        number = int(value)
        return b"%d" % number == value and -(2**63) <= number < 2**63
    return False
