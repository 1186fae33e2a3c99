"""Keys and the names of objects: the same, but for a prefix and the backslash."""

from typing import Final

from minimalkv._errors import InvalidKey

LONGEST_NAME: Final = 1024
"""What S3 takes, in bytes."""

_BACKSLASH: Final = "\\"
# Some servers, SeaweedFS among them, make a slash of a backslash. A semicolon is in no
# key, so what is written with one cannot be another key.
_ESCAPED: Final = ";5C"


def to_name(prefix: str, key: str, *, escapes: bool) -> str:
    """Return the name of the object that holds a value.

    Parameters
    ----------
    prefix : str
        What the names of the store's objects begin with.
    key : str
        The key.
    escapes : bool
        Whether to write a backslash otherwise.

    Raises
    ------
    InvalidKey
        If the name is longer than S3 takes.
    """
    name = prefix + (escape(key) if escapes else key)
    if len(name) > LONGEST_NAME // 4 and len(name.encode()) > LONGEST_NAME:
        raise InvalidKey(
            f"{key[:60]!r}… needs a name of {len(name.encode())} bytes, S3 takes "
            f"{LONGEST_NAME}. Shorten the key, or object_prefix."
        )
    return name


def escape(text: str) -> str:
    """Write backslashes so that every server keeps them."""
    return text.replace(_BACKSLASH, _ESCAPED)


def to_key(rest: str, *, escapes: bool) -> str | None:
    """Return the key that the name of an object stands for, or None if for none.

    Parameters
    ----------
    rest : str
        The name without the store's prefix.
    escapes : bool
        Whether a backslash is written otherwise.
    """
    if not escapes:
        return rest
    if _BACKSLASH in rest:
        return None
    return rest.replace(_ESCAPED, _BACKSLASH) if _ESCAPED in rest else rest
