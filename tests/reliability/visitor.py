"""Somebody who does anything with a store, and compares it with what may be."""

import io
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from minimalkv import KeyNotFound, PreconditionFailed, StoreError
from minimalkv._contract.tools import Slices
from tests.net.uses import ANY_ETAG
from tests.reliability.belief import Belief

KEYS: Final = tuple(f"storm-{number}" for number in range(5))
NUMBER: Final = "storm-number"
_SIZES: Final = (0, 1, 40, 5_000, 5_001, 300_000)
_LARGE_BYTES: Final = 9 * 2**20 + 1
_LARGE_SHARE: Final = 0.02
_MOST_READ: Final = 100_000


class Visitor:
    """Makes one random call after the other.

    Parameters
    ----------
    store : KeyValueStore
        Empty, and nobody else's.
    dice : Random
        Decides all.
    """

    def __init__(self, store: Any, dice: random.Random) -> None:
        self.store = store
        self.dice = dice
        self.belief = Belief()
        self.did = ""
        self._deeds: list[Callable[[str], None]] = [
            *(self.get, self.get_with_meta, self.head, self.contains, self.get_file),
            *(self.open, self.stream, self.get_many, self.list, self.list_meta),
            *(self.put, self.put, self.put_file, self.write, self.put_many),
            *(self.delete, self.delete_many, self.copy, self.move),
            *(self.add, self.replace, self.replace_another, self.remove_this),
            *(self.update, self.increment),
        ]

    def do_something(self) -> None:
        """Make a call; what is wrong is an AssertionError, errors are passed on."""
        deed, key = self.dice.choice(self._deeds), self.dice.choice(KEYS)
        self.did = f"{deed.__name__} {key}"
        deed(key)

    def look_at_all(self) -> None:
        """Read everything."""
        self.list("")
        for key in (*KEYS, NUMBER):
            self.get(key)

    def _value(self) -> bytes:
        is_large = self.dice.random() < _LARGE_SHARE
        return self.dice.randbytes(
            _LARGE_BYTES if is_large else self.dice.choice(_SIZES)
        )

    def _other(self, key: str) -> str:
        return self.dice.choice([other for other in KEYS if other != key])

    def _missing(self, key: str) -> None:
        self.belief.saw(key, None)

    # Reading.

    def get(self, key: str) -> None:
        try:
            value = self.store.get(key)
        except KeyNotFound:
            value = None
        self.belief.saw(key, value)

    def get_with_meta(self, key: str) -> None:
        try:
            value, meta = self.store.get_with_meta(key)
        except KeyNotFound:
            self._missing(key)
        else:
            self.belief.saw(key, value)
            self.belief.saw_size(key, meta.size)

    def head(self, key: str) -> None:
        try:
            meta = self.store.head(key)
        except KeyNotFound:
            self._missing(key)
        else:
            self.belief.saw_size(key, meta.size)

    def contains(self, key: str) -> None:
        if key not in self.store:
            self._missing(key)
        else:
            self.belief.is_there(key)

    def get_file(self, key: str) -> None:
        target = io.BytesIO()
        try:
            self.store.get_file(key, target)
        except KeyNotFound:
            self._missing(key)
        else:
            self.belief.saw(key, target.getvalue())

    def open(self, key: str) -> None:
        try:
            file = self.store.open(key)
        except KeyNotFound:
            self._missing(key)
            return
        with file:
            for _ in range(3):
                begin, size = self.dice.randrange(400_000), self.dice.randrange(50_000)
                file.seek(begin)
                part = file.read(size)
                self.belief.saw_part(key, part, slice(begin, begin + size))

    def stream(self, key: str) -> None:
        begin = self.dice.choice([0, self.dice.randrange(400_000)])
        stop = self.dice.choice([None, begin + self.dice.randrange(1, _MOST_READ)])
        try:
            _, file = self.store.stream(key, begin, stop)
        except KeyNotFound:
            self._missing(key)
            return
        with file:
            self.belief.saw_part(key, file.read(), slice(begin, stop))

    def get_many(self, key: str) -> None:
        del key
        found = self.store.get_many(KEYS)
        for each in KEYS:
            self.belief.saw(each, found.get(each))

    def list(self, key: str) -> None:
        del key
        self.belief.saw_keys(self.store.keys())

    def list_meta(self, key: str) -> None:
        del key
        found = {meta.key: meta for meta in self.store.iter_meta("storm-")}
        self.belief.saw_keys([*found])
        for each, meta in found.items():
            self.belief.saw_size(each, meta.size)

    # Writing.

    def put(self, key: str) -> None:
        value = self._value()
        with self.belief.writing({key: value}):
            self.store.put(key, value)

    def put_file(self, key: str) -> None:
        value = self._value()
        with self.belief.writing({key: value}):
            self.store.put_file(key, Slices(value, 99_991))

    def write(self, key: str) -> None:
        value = self._value()
        with self.belief.writing({key: value}), self.store.open_writer(key) as writer:
            for begin in range(0, len(value), 100_003):
                writer.write(value[begin : begin + 100_003])

    def put_many(self, key: str) -> None:
        values = {each: self._value() for each in (key, self._other(key))}
        with self.belief.writing(values):
            self.store.put_many(values)

    def delete(self, key: str) -> None:
        with self.belief.writing({key: None}):
            self.store.delete(key)

    def delete_many(self, key: str) -> None:
        keys = [key, self._other(key)]
        with self.belief.writing(dict.fromkeys(keys)):
            self.store.delete_many(keys)

    def copy(self, key: str) -> None:
        self._carry(key, self.store.copy, leaves=True)

    def move(self, key: str) -> None:
        self._carry(key, self.store.move, leaves=False)

    def _carry(
        self, key: str, call: Callable[[str, str], object], *, leaves: bool
    ) -> None:
        self.get(key)  # so that it is known what is carried
        (value,) = self.belief.of(key)
        dest = self._other(key)
        new = {dest: value} if leaves else {dest: value, key: None}
        if value is None:
            with suppress(KeyNotFound):
                call(key, dest)
                raise AssertionError(f"{key!r} is missing, and could be carried")
            return
        with self.belief.writing(new):
            try:
                call(key, dest)
            except KeyNotFound:
                raise AssertionError(f"{key!r} is there, and was not found") from None

    # Writing on a condition.

    def add(self, key: str) -> None:
        value = self._value()
        try:
            is_new = self.store.add(key, value)
        except StoreError as error:
            self.belief.failed({key: value}, error)
            raise
        if is_new:
            self._missing(key)
            self.belief.wrote({key: value})
        else:
            self.belief.is_there(key)

    def replace(self, key: str) -> None:
        etag, value = self._etag(key), self._value()
        if etag is None:
            return
        with self.belief.writing({key: value}), self._certain(key):
            self.store.put(key, value, if_match=etag)

    def remove_this(self, key: str) -> None:
        etag = self._etag(key)
        if etag is None:
            return
        with self.belief.writing({key: None}), self._certain(key):
            self.store.delete(key, if_match=etag)

    def replace_another(self, key: str) -> None:
        with suppress(PreconditionFailed):
            self.store.put(key, b"never", if_match=ANY_ETAG)
            raise AssertionError(f"{key!r} was replaced in a version that is none")

    def update(self, key: str) -> None:
        value = self._value()
        seen: list[bytes | None] = []

        def change(old: bytes | None) -> bytes:
            self.belief.saw(key, old)
            seen.append(old)
            return value

        with self.belief.writing({key: value}), self._certain(key):
            self.store.update(key, change)
        assert len(seen) == 1, f"{key!r} was updated {len(seen)} times"

    def increment(self, key: str) -> None:
        del key
        self.get(NUMBER)
        (old,) = self.belief.of(NUMBER)
        if old is None:
            with self.belief.writing({NUMBER: b"5"}):
                self.store.put(NUMBER, b"5")
            return
        expected = int(old) + 1
        with self.belief.writing({NUMBER: b"%d" % expected}), self._certain(NUMBER):
            number = self.store.increment(NUMBER)
        assert number == expected, f"{NUMBER!r} is {number}, not {expected}"

    def _etag(self, key: str) -> str | None:
        try:
            etag: str | None = self.store.head(key).etag
        except KeyNotFound:
            self._missing(key)
            return None
        return etag

    @contextmanager
    def _certain(self, key: str) -> Iterator[None]:
        """Fail if a condition does: nobody else writes."""
        try:
            yield
        except (PreconditionFailed, KeyNotFound) as error:
            raise AssertionError(f"{key!r} was changed by nobody: {error!r}") from error
