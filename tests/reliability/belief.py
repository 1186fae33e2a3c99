"""What somebody knows about a store who is not told how each of the calls ended."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from minimalkv import StoreError

Value = bytes | None

_NO: Final = "Nothing was "
_SHOWN: Final = 20


class Belief:
    """The values that may be there; None stands for no value.

    What it is told and cannot be is an `AssertionError`.
    """

    def __init__(self) -> None:
        self._possible: defaultdict[str, set[Value]] = defaultdict(lambda: {None})

    def of(self, key: str) -> set[Value]:
        """Return the values that a key may have."""
        return set(self._possible[key])

    @contextmanager
    def writing(self, new: Mapping[str, Value]) -> Iterator[None]:
        """Expect the new values after a success, and old or new ones after an error."""
        try:
            yield
        except StoreError as error:
            self.failed(new, error)
            raise
        self.wrote(new)

    def wrote(self, new: Mapping[str, Value]) -> None:
        """Take note of a success."""
        for key, value in new.items():
            self._possible[key] = {value}

    def failed(self, new: Mapping[str, Value], error: StoreError) -> None:
        """Take note of a write that may have happened, unless the error denies it."""
        if _NO not in str(error):
            for key, value in new.items():
                self._possible[key].add(value)

    def is_there(self, key: str) -> None:
        """Take note that there is some value."""
        fits = self._possible[key] - {None}
        assert fits, f"{key!r} cannot be there, and is said to be"
        self._possible[key] = fits

    def saw(self, key: str, value: Value) -> None:
        """Take note of what was read."""
        self.saw_part(key, value, slice(None))

    def saw_part(self, key: str, part: Value, where: slice) -> None:
        """Take note of a part of a value."""
        fits = {v for v in self._possible[key] if _part(v, where) == part}
        expected = [_shown(value) for value in self._possible[key]]
        assert fits, f"{key!r} was {_shown(part)} at {where}, which is of no {expected}"
        self._possible[key] = fits

    def saw_size(self, key: str, size: int) -> None:
        """Take note of a size."""
        fits: set[Value] = {
            v for v in self._possible[key] if v is not None and len(v) == size
        }
        assert fits, f"{key!r} has {size} bytes, which no possible value has"
        self._possible[key] = fits

    def saw_keys(self, keys: list[str]) -> None:
        """Take note of a whole listing."""
        assert len(set(keys)) == len(keys), f"a key is listed twice: {keys}"
        for key in {*keys, *self._possible}:
            is_there = key in keys
            fits = {v for v in self._possible[key] if (v is not None) == is_there}
            assert fits, f"{key!r} is listed: {is_there}, which cannot be"
            self._possible[key] = fits


def _part(value: Value, where: slice) -> Value:
    return None if value is None else value[where]


def _shown(value: Any) -> str:
    if value is None:
        return "missing"
    return f"{bytes(value[:_SHOWN])!r} ({len(value)} bytes)"
