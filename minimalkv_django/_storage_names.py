"""The names of files, which are any text, and the keys that they are stored under."""

import os.path
import re
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from django.core.exceptions import SuspiciousFileOperation

from minimalkv._constants import RESERVED_PREFIX, VALID_NON_NUM_EXTENDED
from minimalkv._keys import is_reserved

# What a name never has once it is normalized, and a key of somebody else may have.
_AS_IT_IS: Final = VALID_NON_NUM_EXTENDED.replace("\\", "")
_LIKE_AN_ESCAPE: Final = re.compile(r"%(?=[0-9A-Fa-f]{2})")
_SUFFIX_LENGTH: Final = len("_xxxxxxx")
"""How much longer the other name is that Django makes of one that is taken."""


def normalize(name: object) -> str:
    r"""Return a name as it is stored: ``a//b``, ``./a/b`` and ``a\b`` are ``a/b``.

    Raises
    ------
    SuspiciousFileOperation
        If it is absolute, or leads upwards.
    """
    text = str(name).replace("\\", "/")
    parts = text.split("/")
    if text.startswith("/") or ".." in parts:
        raise SuspiciousFileOperation(
            f"The name {text!r} leads out of the storage: names are relative, without "
            "'..'."
        )
    return "/".join(part for part in parts if part not in ("", "."))


def encode(name: str) -> str:
    """Return a name as (a part of) a key, in which most names stay as they are.

    Bytes of its UTF-8 that no key has become ``%XX``, and so does a ``%`` that would
    look like that.
    """
    text = _LIKE_AN_ESCAPE.sub("%25", name)
    return quote_from_bytes(text.encode("utf-8", "surrogatepass"), safe=_AS_IT_IS)


def decode(key: str) -> str | None:
    """Return the name of a key; None for the key of somebody else, which has none."""
    try:
        name = unquote_to_bytes(key).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return name if encode(name) == key else None


def key_of(location: str, name: str) -> str:
    """Return the key of a normalized name in a location.

    Raises
    ------
    SuspiciousFileOperation
        If it is one of the keys that sessions and caches have.
    """
    key = encode(f"{location}/{name}" if location and name else location or name)
    if is_reserved(key):
        raise SuspiciousFileOperation(
            f"The name {name!r} begins with {RESERVED_PREFIX!r}, as only the keys of "
            "sessions and caches do."
        )
    return key


def shorten(name: str, location: str, max_key: int, max_segment: int) -> str:
    """Cut the end of a name, before its extension, until its key fits into a store.

    There is room for the suffix that a name gets when it is taken. A name whose folders
    alone are too long is left as it is, for the store to refuse.
    """
    folder, file = os.path.split(name)
    room = max_key - len(encode(f"{location}/{folder}/"))
    most = min(room, max_segment) - _SUFFIX_LENGTH
    if len(encode(file)) <= most or most <= 0:
        return name
    root, extension = os.path.splitext(file)  # noqa: PTH122 - it is no path
    root = root[:most]
    while len(root) > 1 and len(encode(root + extension)) > most:
        root = root[:-1]
    return os.path.join(folder, root + extension)  # noqa: PTH118 - as Django joins
