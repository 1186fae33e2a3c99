"""A cache of Django in any store: ``BACKEND = "minimalkv_django.cache.KVCache"``."""

import contextlib
from collections.abc import Iterable
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.signals import setting_changed

from minimalkv import FOREVER, InvalidArgument, InvalidData, KeyNotFound, StoreError
from minimalkv import _clock as clock
from minimalkv._meta import ObjectMeta
from minimalkv_django._cache_async import AsyncCache
from minimalkv_django._cache_base import not_found
from minimalkv_django._cache_extras import Extras
from minimalkv_django._cache_lock import CacheLock, LockError
from minimalkv_django._cache_outages import degrading
from minimalkv_django._cache_values import MISSING
from minimalkv_django.stores import SETTINGS

__all__ = ["CacheLock", "KVCache", "LockError"]


class KVCache(Extras, AsyncCache):
    """A cache whose values lie in a store.

    It has all methods of Django's caches, each of which is one call of the store where
    the store has one: also what is awaited, and ``add``, ``incr`` and ``get_or_set``
    lose nothing to others. Values are signed with ``SECRET_KEY``, so nobody can make
    the site unpickle what it did not write.

    Parameters
    ----------
    location : str or KeyValueStore
        ``LOCATION``: the URL of a store, or an alias of ``MINIMALKV_STORES``. Nothing
        stands for the alias ``cache``, which else is ``default``.
    params : dict
        The rest of the configuration. ``OPTIONS`` may have ``serializer``: ``pickle``,
        ``json``, ``msgpack`` or the path of a class with ``dumps`` and ``loads``;
        ``compressor``: ``zlib`` or ``zstd``; ``compress_min_bytes`` (1024);
        ``ignore_exceptions`` (False): whether pages go on without the cache while the
        store fails; and ``timeout`` (2): how many seconds a call waits for a network.

    Raises
    ------
    ImproperlyConfigured
        If an option is unknown, or has a value that it cannot have.

    Examples
    --------
    >>> from django.conf import settings
    >>> settings.configure(SECRET_KEY="secret") if not settings.configured else None
    >>> cache = KVCache("memory://", {"KEY_PREFIX": "shop"})
    >>> cache.set("answer", {"n": 42}, timeout=60)
    >>> cache.get("answer")
    {'n': 42}
    """

    # One key.

    @degrading(lambda key, default=None, version=None: default)
    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:  # noqa: D102 - inherited
        text, name = self._find(key, version)
        try:
            data = self.store.get(name)
        except KeyNotFound:
            return default
        value = self._values.load(text, data)
        return default if value is MISSING else value

    @degrading(lambda *_, **__: None)
    def set(  # noqa: D102 - inherited
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        text, name = self._find(key, version)
        lifetime = self._lifetime(timeout)
        if lifetime == 0:
            self.store.delete(name)
        else:
            self.store.put(name, self._dump(text, name, value), lifetime)

    @degrading(lambda *_, **__: False)
    def add(  # noqa: D102 - inherited
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        text, name = self._find(key, version)
        lifetime = self._lifetime(timeout)
        if lifetime == 0:
            return name not in self.store
        return self.store.add(name, self._dump(text, name, value), lifetime)

    def get_or_set(  # noqa: D102 - inherited
        self,
        key: Any,
        default: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> Any:
        value = self.get(key, MISSING, version)
        if value is not MISSING:
            return value
        if callable(default):
            default = default()
        return self._settle(key, default, timeout, version)

    @degrading(lambda *_, **__: False)
    def touch(  # noqa: D102 - inherited
        self,
        key: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        _, name = self._find(key, version)
        lifetime = self._lifetime(timeout)
        if lifetime == 0:
            return self._remove(name)
        try:
            self.store.touch(name, lifetime)
        except KeyNotFound:
            return False
        return True

    @degrading(lambda *_, **__: False)
    def delete(self, key: Any, version: int | None = None) -> bool:  # noqa: D102 - inherited
        return self._remove(self._find(key, version)[1])

    def _remove(self, name: str) -> bool:
        return self.store._remove(name)  # noqa: SLF001 - no other verb tells

    # Numbers and versions.

    @degrading(not_found)
    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:  # noqa: D102 - inherited
        text, name = self._find(key, version)
        try:
            return self.store.increment(name, delta)
        except KeyNotFound:
            not_found(key)
        except (InvalidData, InvalidArgument):
            # No number of 64 bits that stands there as such; Python can add others.
            return self._add(key, text, name, delta)

    def _add(self, key: Any, text: str, name: str, delta: Any) -> int:
        def added(old: bytes | None) -> bytes:
            value = MISSING if old is None else self._values.load(text, old)
            if value is MISSING:
                not_found(key)
            return self._dump(text, name, value + delta)

        sum_: int = self._values.load(text, self.store.update(name, added) or b"")
        return sum_

    def decr(self, key: Any, delta: int = 1, version: int | None = None) -> int:  # noqa: D102 - inherited
        return self.incr(key, -delta, version)

    @degrading(not_found)
    def incr_version(self, key: Any, delta: int = 1, version: int | None = None) -> int:  # noqa: D102 - inherited
        old = self.version if version is None else version
        text, name = self._find(key, old)
        try:
            data, meta = self.store.get_with_meta(name)
        except KeyNotFound:
            not_found(key)
        value = self._values.load(text, data)
        if value is MISSING:
            not_found(key)
        new_text, new_name = self._find(key, old + delta)
        # Signed for the new key, so it cannot just be moved.
        self.store.put(new_name, self._dump(new_text, new_name, value), _left(meta))
        self.store.delete(name)
        return old + delta

    # Many keys.

    @degrading(lambda *_, **__: {})
    def get_many(  # noqa: D102 - inherited
        self, keys: Iterable[Any], version: int | None = None
    ) -> dict[Any, Any]:
        wanted = list(keys)
        texts, names = self._find_all(wanted, version)
        data = self.store._get_many(list(dict.fromkeys(names)))  # noqa: SLF001 - `encode_key` made them
        found = {}
        for key, text, name in zip(wanted, texts, names, strict=True):
            if name in data:
                value = self._values.load(text, data[name])
                if value is not MISSING:
                    found[key] = value
        return found

    @degrading(lambda data, *_, **__: list(data))
    def set_many(  # noqa: D102 - inherited
        self,
        data: dict[Any, Any],
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> list[Any]:
        lifetime = self._lifetime(timeout)
        if lifetime == 0:
            self.delete_many(data, version)
            return []
        texts, names = self._find_all(data, version)
        keys = dict(zip(names, data, strict=True))
        items = {
            name: self._dump(text, name, value)
            for text, name, value in zip(texts, names, data.values(), strict=True)
        }
        try:
            self.store.put_many(items, lifetime)
        except StoreError as error:
            failed = [keys[name] for name in error.failed_keys if name in keys]
            if not failed or len(failed) == len(keys):
                raise  # that is an outage
            return failed
        return []

    @degrading(lambda *_, **__: None)
    def delete_many(self, keys: Iterable[Any], version: int | None = None) -> None:  # noqa: D102 - inherited
        _, names = self._find_all(keys, version)
        self.store._delete_many(list(dict.fromkeys(names)))  # noqa: SLF001 - `encode_key` made them

    @degrading(lambda *_, **__: None)
    def clear(self) -> None:
        """Delete the values of this cache, whatever their version, and no others."""
        self.store.delete_prefix(self._keys.place)

    def close(self, **kwargs: Any) -> None:
        """Do nothing: Django calls it after each request, and connections are kept."""


def _left(meta: ObjectMeta) -> float | str:
    if meta.expires is None:
        return FOREVER
    return max(meta.expires.timestamp() - clock.now(), 0.0)


def _forget_stores(*, setting: str, **_: Any) -> None:
    if setting in SETTINGS:
        for alias in caches:
            with contextlib.suppress(AttributeError):  # it was not used
                del caches[alias]


setting_changed.connect(_forget_stores)
