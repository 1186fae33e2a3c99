"""What a session holds while it is used, and whether it may have changed."""

import marshal
from typing import Any, Final

Data = dict[str, Any]

_EXACT: Final = frozenset((str, int, bool, type(None)))
"""Types of which equal values are stored alike."""

_FIXED: Final = _EXACT | {float, bytes}
"""Types of which nobody can change a value in place."""

_MARSHAL_VERSION: Final = 2
"""The last in which equal values make equal bytes, whatever refers to them."""


class Content:
    """The data of a session, which most requests only look at.

    Parameters
    ----------
    data : dict
        What it holds.
    is_stored : bool
        Whether that is what the record holds.
    is_plain : bool
        Whether it is JSON as it is.

    Attributes
    ----------
    data : dict
        The same; who changes it or gives it away takes it from `shown`.
    is_plain : bool
        Whether it is JSON as it is for sure, so that nobody has to look.
    """

    __slots__ = ("_image", "_is_untouched", "data", "is_plain")

    def __init__(self, data: Data, *, is_stored: bool, is_plain: bool = False) -> None:
        self.data = data
        self.is_plain = is_plain
        self._is_untouched = is_stored
        self._image: bytes | None = None

    def shown(self) -> Data:
        """Return the data to somebody who may change it, now or later."""
        self.is_plain = False
        if self._is_untouched:
            self._is_untouched = False
            self._image = _image_of(self.data)
        return self.data

    def get(self, key: str) -> Any:
        """Return a value, which somebody may change if that can be done in place."""
        value = self.data[key]
        if type(value) not in _FIXED:
            self.shown()
        return value

    def set(self, key: str, value: Any) -> None:
        """Put a value; the same one again is no change."""
        if type(value) in _EXACT:
            old = self.data.get(key, self)
            if type(old) is type(value) and old == value:
                return
        # Of a new key nobody knows what it is made of.
        self.is_plain &= type(value) in _EXACT and key in self.data
        self._is_untouched, self._image = False, None
        self.data[key] = value

    def replace(self, data: Data) -> None:
        """Put other data in place of all."""
        self.is_plain = False
        self._is_untouched, self._image = False, None
        self.data = data

    def is_as_stored(self) -> bool:
        """Tell whether nothing has changed for sure, which is found out fast."""
        if self._is_untouched:
            return True
        return self._image is not None and self._image == _image_of(self.data)


def _image_of(data: Data) -> bytes | None:
    """Return bytes that tell whether data is the same later; None if none can.

    To make and compare them takes a third of the time of encoding.
    """
    try:
        return marshal.dumps(data, _MARSHAL_VERSION)
    except ValueError:  # there is a type in it that only the serializer knows
        return None
