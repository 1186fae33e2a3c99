"""What a key may be, why another is refused, and any text made into a key."""

import re
from typing import Final

from minimalkv._constants import MAX_KEY, RESERVED_PREFIX, VALID_NON_NUM

_SHOWN = 60
_HASH_MARK = "~"
_EMPTY = "%"

_PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
# Of every byte; what is not in it stays.
_ESCAPES: Final = {n: f"%{n:02X}" for n in range(256) if chr(n) not in _PLAIN}

_ALPHABET = f"[{re.escape(VALID_NON_NUM)}0-9a-zA-Z"
_STRANGER: Final = {
    False: re.compile(f"{_ALPHABET}]".replace("[", "[^", 1)),
    True: re.compile(f"{_ALPHABET}/ ]".replace("[", "[^", 1)),
}
_SEED_SEGMENT = rf"(?!\.\.?(?:/|\n?\Z)){_ALPHABET} ]+"
_SEED_KEY: Final = {
    False: re.compile(rf"(?!\.\.?\n?\Z){_ALPHABET}]+\n?\Z"),
    True: re.compile(rf"{_SEED_SEGMENT}(?:/{_SEED_SEGMENT})*\n?\Z"),
}


def is_reserved(key: str) -> bool:
    """Tell whether a key is that of a session, a user or a cached value.

    In any case of its letters: some disks do not tell them apart.
    """
    return key[: len(RESERVED_PREFIX)].lower() == RESERVED_PREFIX


def is_seed_key(key: object, *, extended: bool) -> bool:
    r"""Tell whether minimalkv 1 could store the key, so that it must stay readable.

    It knew no length limit and took one trailing newline. Empty, ``.`` and ``..``
    segments stay refused: an HTTP server may resolve them to somebody else's key.
    """
    return isinstance(key, str) and _SEED_KEY[extended].match(key) is not None


def explain_key(key: object, *, extended: bool, max_key: int, max_segment: int) -> str:
    """Say why a key is refused and what to do about it."""
    if not isinstance(key, str):
        cure = " Decode it first." if isinstance(key, bytes) else ""
        return f"A key is text, not {type(key).__name__}: {_shorten(key)}.{cure}"
    stranger = _STRANGER[extended].search(key)
    if stranger:
        return _explain_character(key, stranger.group())
    if not key:
        return "A key has at least one character."
    if len(key) > max_key:
        return f"{_shorten(key)} has {len(key)} characters, at most {max_key} fit here."
    return _explain_segment(key, max_segment)


def _explain_character(key: str, character: str) -> str:
    if character in "/ ":
        cure = "The 'h' stores (hfs://, hs3://…) take it."
    else:
        cure = "Wrap the store in URLEncodeKeysDecorator (URL: #wrap:urlencode)."
    return f"{_shorten(key)} has {character!r}, which no key of this store has. {cure}"


def _explain_segment(key: str, max_segment: int) -> str:
    for segment in key.split("/"):
        if segment in ("", ".", ".."):
            name = repr(segment) if segment else "an empty one"
            return f"{_shorten(key)}: no part between slashes may be {name}."
        if len(segment) > max_segment:
            break
    return (
        f"{_shorten(key)}: a part between slashes has at most {max_segment} characters."
    )


def _shorten(key: object) -> str:
    text = repr(key)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def encode_key(text: str, max_key: int = MAX_KEY) -> str:
    """Make any text a key that every store takes.

    Parameters
    ----------
    text : str
        Anything, also empty, unicode, or with lone surrogates.
    max_key : int
        Longest key to return, in characters, at least 66.

    Returns
    -------
    str
        Letters, digits, ``-``, ``_`` and ``.`` as they are, other bytes of the UTF-8
        text as ``%XX``; `decode_key` gives the text back. Where that is longer than
        *max_key*, its beginning, ``~`` and the SHA-256 of the text: whoever needs
        the text again has to store it with the value.
    """
    plain = text if text.isascii() else _of_bytes(text)
    encoded = plain.translate(_ESCAPES)
    if encoded.startswith("."):
        encoded = f"%2E{encoded[1:]}"
    if len(encoded) <= max_key:
        return encoded or _EMPTY
    # Stores do without it, and it takes as long to load as a store.
    from hashlib import sha256

    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{encoded[: max_key - len(digest) - 1]}{_HASH_MARK}{digest}"


def _of_bytes(text: str) -> str:
    """Return a text of as many characters as the given one has bytes."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def decode_key(key: str) -> str | None:
    """Give back the text of `encode_key`; None for a hash, and for a foreign key."""
    from urllib.parse import unquote_to_bytes

    if _HASH_MARK in key:
        return None
    if key == _EMPTY:
        return ""
    try:
        return unquote_to_bytes(key).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
