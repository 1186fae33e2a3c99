"""The base of all wrappers: a store that passes everything on to another.

A wrapper checks its arguments and then calls the hooks of its inner store, each of them
explicitly. It has the capabilities of its inner store, but for what its docstring says.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any, BinaryIO, Concatenate, ParamSpec, TypeVar, cast

from minimalkv._errors import KeyNotFound, StoreError
from minimalkv._foreign import check_inner, foreign, has_own_verbs, with_hooks
from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import ObjectMeta
from minimalkv._streams import Readable
from minimalkv._writers import AbortableWriter

_P = ParamSpec("_P")
_R = TypeVar("_R")
_Hook = Callable[Concatenate["StoreDecorator", str, _P], _R]


def _names_own_key(hook: _Hook[_P, _R]) -> _Hook[_P, _R]:
    """Let a KeyNotFound name the key that was asked for, not the inner one."""

    @wraps(hook)
    def named(
        store: "StoreDecorator", key: str, /, *args: _P.args, **kwargs: _P.kwargs
    ) -> _R:
        try:
            return hook(store, key, *args, **kwargs)
        except KeyError as error:
            # Also a plain one, as backends of upstream raise it.
            raise KeyNotFound(key) from error.__cause__

    return cast("_Hook[_P, _R]", named)


class StoreDecorator(KeyValueStore):
    """Pass everything on to a store: the base of all wrappers.

    To change what a wrapper does, override hooks (``_get``, ``_put``…) or, for keys,
    ``_map_key``, ``_map_key_prefix`` and ``_unmap_key``. Where a subclass overrides
    public verbs instead, as upstream's did, the verbs that upstream did not have are
    made of those, and conditional writes are not there.

    Parameters
    ----------
    store : KeyValueStore
        The store to pass on to; closed with the wrapper.
    """

    def __init__(self, store: KeyValueStore) -> None:
        self._dstore = store
        self._inner = with_hooks(store)
        self.ttl_support = self._inner.ttl_support
        self._is_foreign = has_own_verbs(type(self))
        self._beyond = foreign(self) if self._is_foreign else self._inner
        self.conditional_support = self._beyond.conditional_support
        self.copy_support = self._beyond.copy_support
        self.url_support = self._beyond.url_support
        self.headers_support = self._beyond.headers_support
        self.read_only = self._inner.read_only
        self.extended_keys = self._inner.extended_keys
        self.nested_keys = self._inner.nested_keys
        self.max_key = self._inner.max_key
        self.max_segment = self._inner.max_segment
        self._key_re = self._inner._key_re
        self._reads_seed_keys = self._inner._reads_seed_keys
        self._backend_max_key = self._inner._backend_max_key
        self._backend_max_segment = self._inner._backend_max_segment

    @property
    def default_ttl_secs(self) -> float | str:
        """The ``ttl_secs`` of a put that does not say, shared with the inner store."""
        return self._dstore.default_ttl_secs

    @default_ttl_secs.setter
    def default_ttl_secs(self, ttl_secs: float | str) -> None:
        self._dstore.default_ttl_secs = ttl_secs

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._dstore!r}>"

    # Keys.

    def _map_key(self, key: str) -> str:
        return key

    def _map_key_prefix(self, key_prefix: str) -> str:
        return self._map_key(key_prefix)

    def _unmap_key(self, key: str) -> str:
        return key

    def _filter(self, key: str) -> bool:
        """Tell whether an inner key is one of ours."""
        return True

    # Verbs of a subclass map the keys themselves.

    def _key_beyond(self, key: str) -> str:
        return key if self._is_foreign else self._map_key(key)

    def _key_from_beyond(self, key: str) -> str:
        return key if self._is_foreign else self._unmap_key(key)

    def _check_valid_key(self, key: str) -> None:
        self._check_key(key, self.max_key, self.max_segment)

    def _check_key(self, key: str, max_key: int, max_segment: int) -> None:
        check_inner(self._inner, key, max_key, max_segment)

    def _own(self, meta: ObjectMeta, key: str) -> ObjectMeta:
        return meta if meta.key == key else meta._replace(key=key)

    # Reading.

    @_names_own_key
    def _get(self, key: str) -> bytes:
        return self._inner._get(self._map_key(key))

    @_names_own_key
    def _get_with_meta(self, key: str) -> tuple[bytes, ObjectMeta]:
        data, meta = self._beyond._get_with_meta(self._key_beyond(key))
        return data, self._own(meta, key)

    @_names_own_key
    def _head(self, key: str) -> ObjectMeta:
        return self._own(self._beyond._head(self._key_beyond(key)), key)

    def _has_key(self, key: str) -> bool:
        return self._inner._has_key(self._map_key(key))

    @_names_own_key
    def _open(self, key: str) -> BinaryIO:
        return self._inner._open(self._map_key(key))

    @_names_own_key
    def _stream(
        self,
        key: str,
        start: int = 0,
        stop: int | None = None,
        if_match: str | None = None,
    ) -> tuple[ObjectMeta, BinaryIO]:
        inner_key = self._key_beyond(key)
        meta, source = self._beyond._stream(inner_key, start, stop, if_match)
        return self._own(meta, key), source

    @_names_own_key
    def _get_file(self, key: str, file: BinaryIO) -> object:
        return self._inner._get_file(self._map_key(key), file)

    @_names_own_key
    def _get_filename(self, key: str, filename: str) -> object:
        return self._inner._get_filename(self._map_key(key), filename)

    def _get_many(self, keys: list[str]) -> dict[str, bytes]:
        found = self._beyond._get_many([self._key_beyond(key) for key in keys])
        return {self._key_from_beyond(key): data for key, data in found.items()}

    # Listing.

    def iter_keys(self, prefix: str = "") -> Iterator[str]:
        return filter(self._is_readable, self._iter_keys(prefix))

    def _iter_keys(self, prefix: str) -> Iterator[str]:
        for key in self._inner._iter_keys(self._map_key_prefix(prefix)):
            if self._filter(key):
                yield self._unmap_key(key)

    def _iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
        if self._is_foreign:
            yield from self._beyond._iter_meta(prefix)
            return
        for meta in self._inner._iter_meta(self._map_key_prefix(prefix)):
            if self._filter(meta.key):
                yield self._own(meta, self._unmap_key(meta.key))

    def _iter_prefixes(self, delimiter: str, prefix: str) -> Iterator[str]:
        return self._inner._iter_prefixes(delimiter, prefix)

    # Writing.

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str | None:
        return self._given_back(
            self._inner._put(self._map_key(key), data, *args, **options)
        )

    def _put_file(
        self, key: str, file: Readable, *args: Any, **options: Any
    ) -> str | None:
        return self._given_back(
            self._inner._put_file(self._map_key(key), file, *args, **options)
        )

    def _put_filename(
        self, key: str, filename: str, *args: Any, **options: Any
    ) -> str | None:
        return self._given_back(
            self._inner._put_filename(self._map_key(key), filename, *args, **options)
        )

    def _given_back(self, key: str | None) -> str | None:
        return None if key is None else self._unmap_key(key)

    def _open_writer(self, key: str, *args: Any, **options: Any) -> AbortableWriter:
        return self._beyond._open_writer(self._key_beyond(key), *args, **options)

    def _put_many(self, items: Mapping[str, bytes], *args: Any, **options: Any) -> None:
        inner = {self._key_beyond(key): data for key, data in items.items()}
        self._naming_failed(lambda: self._beyond._put_many(inner, *args, **options))

    def _delete(self, key: str, *args: Any, **options: Any) -> object:
        return self._inner._delete(self._map_key(key), *args, **options)

    def _delete_many(self, keys: list[str]) -> None:
        inner = [self._key_beyond(key) for key in keys]
        self._naming_failed(lambda: self._beyond._delete_many(inner))

    def _naming_failed(self, action: Callable[[], None]) -> None:
        try:
            action()
        except StoreError as error:
            error.failed_keys = tuple(map(self._key_from_beyond, error.failed_keys))
            raise

    @_names_own_key
    def _copy(self, source: str, dest: str) -> object:
        return self._beyond._copy(self._key_beyond(source), self._key_beyond(dest))

    @_names_own_key
    def _move(self, source: str, dest: str) -> object:
        return self._beyond._move(self._key_beyond(source), self._key_beyond(dest))

    @_names_own_key
    def _increment(self, key: str, delta: int) -> int:
        return self._beyond._increment(self._key_beyond(key), delta)

    # Time to live, URLs and the rest.

    @_names_own_key
    def _touch(self, key: str, ttl_secs: float | str) -> None:
        self._inner._touch(self._map_key(key), ttl_secs)

    @_names_own_key
    def _ttl(self, key: str) -> float | None:
        return self._inner._ttl(self._map_key(key))

    def _purge_expired(self, prefix: str) -> int:
        return self._inner._purge_expired(self._map_key_prefix(prefix))

    def _url_for(self, key: str, *args: Any, **options: Any) -> str:
        return self._beyond._url_for(self._key_beyond(key), *args, **options)

    def _ping(self) -> None:
        self._inner._ping()

    def close(self) -> None:
        self._dstore.close()
