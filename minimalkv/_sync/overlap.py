"""Whether one side of a sync is inside the other: then the run would feed on itself."""

from typing import Final, NamedTuple

from minimalkv._checking.backends import backend_of
from minimalkv._errors import InvalidArgument
from minimalkv._key_value_store import KeyValueStore
from minimalkv.decorator import StoreDecorator

# Whatever wrapper changes keys changes this one.
_EXAMPLE: Final = "a /%b"


class _Place(NamedTuple):
    """Where the values of a store are.

    Attributes
    ----------
    holder : str
        What has one space of names: the files of a machine, a bucket.
    beginning : str
        What all names of the values begin with there.
    example : str
        The name of one key, which tells how keys become names.
    has_folders : bool
        Whether a slash may follow the beginning.
    """

    holder: str
    beginning: str
    example: str
    has_folders: bool

    def is_inside(self, other: "_Place") -> bool:
        """Tell whether the other one has what is stored here, under another key."""
        if self.holder != other.holder or self.example == other.example:
            return False
        if not self.beginning.startswith(other.beginning):
            return False
        between = self.beginning.removeprefix(other.beginning)
        return other.has_folders or "/" not in between


def refuse_overlap(source: KeyValueStore, target: KeyValueStore, prefix: str) -> None:
    """Refuse two stores of which one is a part of the other.

    What is stored in one would be in the other under another key: each run would copy
    it again, and *delete* would delete what was copied. Two stores that are the same
    are let through, for each value is found to be there.

    Parameters
    ----------
    source, target : KeyValueStore
        The two sides; let through where nobody knows the place of one.
    prefix : str
        What the keys begin with.

    Raises
    ------
    InvalidArgument
        If one is inside the other.
    """
    here, there = _place_of(source, prefix), _place_of(target, prefix)
    if here is None or there is None:
        return
    if here.is_inside(there):
        inner, outer = "source", "target"
    elif there.is_inside(here):
        inner, outer = "target", "source"
    else:
        return
    raise InvalidArgument(
        f"The {inner} is inside the {outer}: from {source!r} to {target!r}. Each run "
        "would copy what the last one copied, or delete what it copies from. Take two "
        "places side by side."
    )


def _place_of(store: KeyValueStore, prefix: str) -> _Place | None:
    beginning, example, inner = prefix, prefix + _EXAMPLE, store
    while isinstance(inner, StoreDecorator):
        if inner._is_foreign:
            return None  # only it knows its keys
        beginning = inner._map_key_prefix(beginning)
        example = inner._map_key(example)
        inner = inner._dstore
    try:
        holder, stem = backend_of(inner).location()
    except Exception:  # noqa: BLE001 - the listing tells it, in the words of the store
        return None
    if not holder:
        return None
    return _Place(holder, stem + beginning, stem + example, inner.extended_keys)
