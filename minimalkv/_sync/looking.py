"""What is to be known of a store before something is made or deleted."""

from collections.abc import Iterator
from contextlib import contextmanager

from minimalkv._checking.backends import backend_of, copy_of
from minimalkv._errors import StoreError
from minimalkv._key_value_store import KeyValueStore
from minimalkv.decorator import StoreDecorator


@contextmanager
def only_looking(store: KeyValueStore) -> Iterator[KeyValueStore]:
    """Yield a store that makes no bucket where there is none.

    It is a copy, for others may use the store. One that is made of a client has none,
    and is yielded as it is.
    """
    copy = copy_of(store) if _may_create(store) else None
    if copy is None:
        yield store
        return
    with copy:
        backend_of(copy).create_nothing()
        yield copy


def would_be_made(store: KeyValueStore, error: StoreError) -> bool:
    """Tell whether an error says that there is no bucket, which a write would make."""
    return _may_create(store) and backend_of(store).lacks_place(error)


def is_hidden(store: KeyValueStore, key: str) -> bool:
    """Tell whether something is under a key that no listing shows."""
    backend = backend_of(store)
    while isinstance(store, StoreDecorator):
        key, store = store._map_key(key), store._dstore
    return backend.hides(key)


def _may_create(store: KeyValueStore) -> bool:
    backend = backend_of(store)
    create = getattr(backend.store, "create_if_missing", False)
    return backend.is_remote and bool(create)
