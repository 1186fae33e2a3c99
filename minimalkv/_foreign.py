"""Stores whose authors changed the public verbs and not the hooks.

Wrappers call the hooks of their inner store. A class that was written for upstream may
have its own `put` and `get`, a compressing one say, and its hooks would go past those.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from minimalkv._clock import now
from minimalkv._hooks import is_ours
from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import ObjectMeta, utc
from minimalkv._mixins import TimeToLiveMixin
from minimalkv._streams import Readable

_VERBS: Final = (
    "get",
    "get_file",
    "open",
    "put",
    "put_file",
    "delete",
    "__contains__",
)


def has_own_verbs(cls: type) -> bool:
    """Tell whether a class replaces a public verb that upstream had."""
    return any(not is_ours(_home(cls, verb)) for verb in _VERBS)


def _home(cls: type, name: str) -> type:
    """Return the class that has a method; `functools.wraps` hides it otherwise."""
    return next(base for base in cls.__mro__ if name in base.__dict__)


def check_inner(store: KeyValueStore, key: str, max_key: int, max_segment: int) -> None:
    """Check a key by the rule of an inner store, but with the limits of its wrapper.

    Raises
    ------
    InvalidKey
        If the inner store would not take it.
    """
    if is_ours(_home(type(store), "_check_valid_key")):
        store._check_key(key, max_key, max_segment)
    else:
        store._check_valid_key(key)


def with_hooks(store: KeyValueStore) -> KeyValueStore:
    """Return a store whose hooks do what its verbs do."""
    if not has_own_verbs(type(store)):
        return store
    return foreign(store)


def foreign(store: KeyValueStore) -> KeyValueStore:
    """Return a store whose hooks are made of the verbs of another, whatever its class.

    What upstream's verbs could not do, conditional writes, is not there.
    """
    return _ForeignTimeToLive(store) if store.ttl_support else Foreign(store)


class Foreign(KeyValueStore):
    """The hooks of upstream over the verbs of a store, the others over those."""

    def __init__(self, store: KeyValueStore) -> None:
        self._store = store
        self.extended_keys = store.extended_keys
        self._key_re = store._key_re
        self.read_only = store.read_only
        self._reads_seed_keys = store._reads_seed_keys
        self.nested_keys = store.nested_keys
        self.max_key = store.max_key
        self.max_segment = store.max_segment

    @property
    def default_ttl_secs(self) -> float | str:
        """That of the store."""
        return self._store.default_ttl_secs

    @default_ttl_secs.setter
    def default_ttl_secs(self, ttl_secs: float | str) -> None:
        self._store.default_ttl_secs = ttl_secs

    def _check_valid_key(self, key: str) -> None:
        self._store._check_valid_key(key)

    def _check_key(self, key: str, max_key: int, max_segment: int) -> None:
        check_inner(self._store, key, max_key, max_segment)

    def _check_readable_key(self, key: str) -> None:
        self._store._check_readable_key(key)

    def iter_keys(self, prefix: str = "") -> Iterator[str]:
        return self._store.iter_keys(prefix)

    def _delete(self, key: str, *_args: Any, **_options: Any) -> None:
        self._store.delete(key)

    def _get(self, key: str) -> bytes:
        return self._store.get(key)

    def _get_file(self, key: str, file: BinaryIO) -> object:
        return self._store.get_file(key, file)

    def _get_filename(self, key: str, filename: str) -> object:
        return self._store.get_file(key, filename)

    def _has_key(self, key: str) -> bool:
        return key in self._store

    def _open(self, key: str) -> BinaryIO:
        return self._store.open(key)

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        return self._store.put(key, data, *args, **options)

    def _put_file(self, key: str, file: Readable, *args: Any, **options: Any) -> str:
        return self._store.put_file(key, file, *args, **options)

    def _put_filename(self, key: str, filename: str, *args: Any, **options: Any) -> str:
        return self._store.put_file(key, filename, *args, **options)

    def _ping(self) -> None:
        self._store.ping()

    def close(self) -> None:
        self._store.close()


class _ForeignTimeToLive(Foreign, TimeToLiveMixin):
    def _stream(self, key: str, *args: Any) -> tuple[ObjectMeta, BinaryIO]:
        meta, source = super()._stream(key, *args)
        left = self._store.ttl(key)
        if left is not None:
            expires = utc(now() + left)
            meta = meta._replace(expires=expires)
        return meta, source

    def _touch(self, key: str, ttl_secs: float | str) -> None:
        self._store.touch(key, ttl_secs)

    def _ttl(self, key: str) -> float | None:
        return self._store.ttl(key)

    def _purge_expired(self, prefix: str) -> int:
        return self._store.purge_expired(prefix)
