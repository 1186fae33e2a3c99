"""The keys of a cache: its own corner of the store, and what a pattern matches."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from minimalkv import Unsupported
from minimalkv._constants import MAX_KEY
from minimalkv._keys import decode_key, encode_key
from minimalkv_django._cache_values import key_in

_ROOM: Final = "mkv-cache-"
_LONGEST_PREFIX: Final = 80
_HASH_CHARACTERS: Final = 65
_SHORTEST: Final = 66
# Four bytes, of which each becomes three characters.
_PER_CHARACTER: Final = 12

# No key that is encoded begins with it.
_LOCK: Final = "!"

# Whole keys with a newline between them; but for the colon they need no encoding.
_SIMPLE: Final = re.compile(r"[A-Za-z0-9_.:\n-]*")

# An escaped character, a class that may lack its end, or any character.
_PART: Final = re.compile(
    r"\\.|\[(\^?+(?:\\.|[^]]-.|[^]])*+)\]?+|.",
    re.DOTALL,
)
_MEMBER: Final = re.compile(r"\\(?P<one>.)|(?P<low>.)-(?P<high>.)|.", re.DOTALL)

_MARK: Final = "\x00Key\x00"
# Some functions hash only what is long.
_LONG_MARK: Final = f"\x00{'Key' * 400}\x00"
_MOST_CACHED: Final = 64


class Wrapping(NamedTuple):
    """What the key function of a cache puts around a key."""

    before: str
    after: str

    def key_of(self, text: str) -> str | None:
        """Return the key in a whole one; None if that is of another version."""
        size = len(self.before) + len(self.after)
        if len(text) < size or not text.startswith(self.before):
            return None
        end = len(text) - len(self.after)
        return text[len(self.before) : end] if text.endswith(self.after) else None


def wrapping(make_key: Callable[[str], str]) -> Wrapping:
    """Find out what a key function does.

    Raises
    ------
    Unsupported
        If it does anything else than to put text around a key.
    """
    parts = make_key(_MARK).split(_MARK)
    leaves_it = parts == make_key(_LONG_MARK).split(_LONG_MARK)
    if len(parts) != len(Wrapping._fields) or not leaves_it:
        raise Unsupported(
            "Which keys there are can be told only if KEY_FUNCTION puts text around "
            "the key and leaves it as it is."
        )
    return Wrapping(*parts)


class Keys:
    """The keys of one cache in its store.

    Parameters
    ----------
    prefix : str
        The KEY_PREFIX.
    max_key : int
        The longest key that the store takes, in characters.

    Attributes
    ----------
    place : str
        What the keys begin with, and nobody else's.
    """

    def __init__(self, prefix: str, max_key: int = MAX_KEY) -> None:
        self.place = f"{_ROOM}{_name(prefix)}-"
        self._room = min(max_key, MAX_KEY) - len(self.place) - len(_LOCK)
        if self._room < _SHORTEST:
            raise Unsupported(
                f"A cache needs a store with keys of {MAX_KEY} characters, this one "
                f"takes {max_key}. Shorten the prefix of the store."
            )

    def of(self, text: str) -> str:
        """Return the key in the store that stands for a whole key of the cache."""
        return self.place + encode_key(text, self._room)

    def of_simple(self, texts: list[str]) -> list[str] | None:
        """Return `of` of each key, faster; None if one of them needs more care.

        What is simple is also nothing that `validate_key` would warn about.
        """
        joined = "\n".join(texts)
        if not _SIMPLE.fullmatch(joined) or joined.count("\n") != len(texts) - 1:
            return None
        encoded = joined.replace(":", "%3A").split("\n")
        if "" in encoded or joined.startswith(".") or "\n." in joined:
            return None
        if max(map(len, encoded)) > self._room:
            return None
        return [self.place + name for name in encoded]

    def of_lock(self, text: str) -> str:
        """Return the key of the lock of that name, which no value has."""
        return f"{self.place}{_LOCK}{encode_key(text, self._room)}"

    def is_hashed(self, key: str) -> bool:
        """Tell whether a key in the store does not tell the whole one."""
        return "~" in key[len(self.place) :]

    def text_of(self, key: str, read: Callable[[str], bytes]) -> str | None:
        """Return the whole key of a key in the store; None if it is no value's.

        Parameters
        ----------
        key : str
            As a listing gives it.
        read : callable
            Returns the value, which tells the key where it is hashed.
        """
        encoded = key[len(self.place) :]
        if encoded.startswith(_LOCK):
            return None
        if "~" not in encoded:
            return decode_key(encoded)
        try:
            text = key_in(read(key))
        except KeyError:
            return None
        return text if text is not None and self.of(text) == key else None

    def beginning(self, text: str) -> str:
        """Return what all keys in the store begin with whose text begins with that."""
        if not text:
            return self.place
        # Of a longer one, only so much is not a hash.
        encoded = encode_key(text, _room_for(text))
        return self.place + encoded[: self._room - _HASH_CHARACTERS]


def _name(prefix: str) -> str:
    # Without a hyphen of its own: 'a' must not be the beginning of 'a-b'.
    name = encode_key(prefix, _room_for(prefix)).replace("-", "%2D")
    if len(name) > _LONGEST_PREFIX:
        name = encode_key(prefix, _SHORTEST).replace("-", "%2D")
    return name


def _room_for(text: str) -> int:
    """Return how many characters an encoded text may have, so that it is no hash."""
    return len(text) * _PER_CHARACTER + _SHORTEST


class Pattern(NamedTuple):
    """What a key has to look like, as Redis writes it.

    Attributes
    ----------
    beginning : str
        What stands before the first wildcard.
    matches : callable
        Tells whether a key matches.
    """

    beginning: str
    matches: Callable[[str], object]


@lru_cache(maxsize=_MOST_CACHED)
def pattern(glob: str) -> Pattern:
    r"""Read a pattern: ``*``, ``?``, ``[abc]``, ``[^a-c]``, and ``\`` before others."""
    beginning = ""
    expressions = []
    is_plain = True
    for part in _PART.finditer(glob):
        expression = _expression(part)
        literal = part[0][-1] if expression is None else ""
        is_plain = is_plain and expression is None
        beginning += literal if is_plain else ""
        expressions.append(re.escape(literal) if expression is None else expression)
    return Pattern(beginning, re.compile("".join(expressions), re.DOTALL).fullmatch)


def _expression(part: re.Match[str]) -> str | None:
    """Return a wildcard as `re` writes it; None for a character."""
    if part[1] is not None:
        return _class(part[1])
    return {"*": ".*", "?": "."}.get(part[0])


def _class(body: str) -> str:
    negation = "^" if body.startswith("^") else ""
    members = list(map(_member, _MEMBER.finditer(body.removeprefix("^"))))
    if members:
        return f"[{negation}{''.join(members)}]"
    return "." if negation else "(?!)"


def _member(match: re.Match[str]) -> str:
    low, high = match["low"], match["high"]
    if low is None:
        return re.escape(match["one"] or match[0])
    # As Redis does, whichever of the two comes first.
    return "-".join(map(re.escape, sorted((low, high))))
