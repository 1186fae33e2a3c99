"""Names out of a scan of Redis: those that match, each once, in bounded memory."""

import re
from collections.abc import Iterable
from typing import Final

REMEMBERED_KEYS: Final = 10_000
"""At least as many keys back, one that comes again is noticed.

Redis gives a key twice when its table shrinks during the scan, which happens when nine
of ten keys are deleted meanwhile, and then it is one of the keys that came last.
"""

_GLOB = re.compile(rb"[*?\[\]\\]")


def pattern_of(prefix: str) -> bytes:
    """Return the glob pattern of the keys that begin with an ASCII text."""
    return _GLOB.sub(rb"\\\g<0>", prefix.encode("ascii")) + b"*"


def texts(names: Iterable[bytes]) -> list[str]:
    """Decode names, without those that are no keys anywhere."""
    return [name.decode("ascii") for name in names if name.isascii()]


class Recent:
    """Remembers the keys that it was asked about last, up to two times as many."""

    def __init__(self) -> None:
        self._young: set[str] = set()
        self._old: set[str] = set()

    def new_of(self, keys: Iterable[str]) -> list[str]:
        """Return those that come for the first time, as far as is remembered."""
        young, old = self._young, self._old
        new = [k for k in dict.fromkeys(keys) if k not in young and k not in old]
        young.update(new)
        if len(young) >= REMEMBERED_KEYS:
            self._old, self._young = young, set()
        return new
