"""The former way to open a store by type, kept for its callers."""

from typing import TYPE_CHECKING, Any
from warnings import warn

from minimalkv._get_store import get_store

if TYPE_CHECKING:
    from minimalkv._key_value_store import KeyValueStore


def create_store(
    type: str,  # noqa: A002 - the name that callers use
    params: dict[str, Any],
) -> "KeyValueStore":
    """Return `get_store` of a type and a dictionary; deprecated in favour of it.

    Parameters
    ----------
    type : str
        A scheme, such as ``"hfs"``.
    params : dict
        As the parameters of `get_store`; an entry ``"type"`` is ignored.

    Returns
    -------
    KeyValueStore
        A new store.

    Raises
    ------
    InvalidURL, MissingExtra, Unsupported
        As `get_store`.
    """
    warn(
        "create_store is deprecated: call get_store or get_store_from_url.",
        DeprecationWarning,
        stacklevel=2,
    )
    others = {name: value for name, value in params.items() if name != "type"}
    return get_store(type, **others)
