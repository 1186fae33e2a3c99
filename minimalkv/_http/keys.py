"""Which keys the public may name."""

from minimalkv._errors import KeyNotFound
from minimalkv._keys import is_reserved


def check_public_key(key: str) -> None:
    """Refuse a key that stands for something else than a file.

    Parameters
    ----------
    key : str
        A key, which may come from a request as it is.

    Raises
    ------
    KeyNotFound
        If it begins with `RESERVED_PREFIX`: to the public there is nothing.
    """
    if is_reserved(key):
        raise KeyNotFound(key)
