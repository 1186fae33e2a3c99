"""Keys and the names of blobs: the same, but for what Azure does not keep."""

import re
from typing import Final

from minimalkv._errors import InvalidKey
from minimalkv.net._listing import may_be_prefix

LONGEST_NAME: Final = 1024
"""What Azure takes, in characters."""

_BACKSLASH: Final = "\\"
# Azure makes a slash of a backslash, and leaves out the dots at the end of a name or
# before a slash, so that another blob would be meant. A semicolon is in no key, so
# what is written with one cannot be another key.
_ESCAPES: Final = {";5C": _BACKSLASH, ";2E": "."}
_LAST_DOT: Final = re.compile(r"\.(?=/|\Z)")
_ESCAPED: Final = re.compile(r";5C|;2E(?=/|\Z)")
_UNTOLD: Final = re.compile(r"\\|\.(?:/|\Z)")


def to_name(key: str) -> str:
    """Return the name of the blob that holds a value.

    Raises
    ------
    InvalidKey
        If the name is longer than Azure takes.
    """
    name = _escape(key)
    if len(name) > LONGEST_NAME:
        raise InvalidKey(
            f"{key[:60]!r}… needs a name of {len(name)} characters, Azure takes "
            f"{LONGEST_NAME}. Shorten the key."
        )
    return name


def _escape(text: str) -> str:
    if _BACKSLASH in text:
        text = text.replace(_BACKSLASH, ";5C")
    return _LAST_DOT.sub(";2E", text) if "." in text else text


def to_key(name: str) -> str | None:
    """Return the key that the name of a blob stands for, or None if for none."""
    if _UNTOLD.search(name):
        return None
    if ";" not in name:
        return name
    return _ESCAPED.sub(lambda found: _ESCAPES[found.group()], name)


def to_name_prefix(prefix: str) -> str | None:
    """Return what the names of all keys begin with that begin with a prefix.

    Others may begin with it, too. None stands for a prefix that no key has.
    """
    if not may_be_prefix(prefix):
        return None
    text = prefix.removesuffix("\n")
    # Whether a dot at the end is written otherwise depends on what follows it; what
    # stands before it is followed by something, as if by this letter.
    name = _escape(f"{text.removesuffix('.')}x")[:-1]
    return name if len(name) <= LONGEST_NAME else None
