"""What a cache is made of: its options, its store, its keys and its values."""

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any, Final, NoReturn

from django.core.cache.backends.base import (
    DEFAULT_TIMEOUT,
    MEMCACHE_MAX_KEY_LENGTH,
    BaseCache,
)

from minimalkv import FOREVER, InvalidKey, KeyValueStore, Unsupported
from minimalkv._constants import MAX_KEY
from minimalkv._expiry import MAX_TTL_SECS
from minimalkv.ttl import with_ttl
from minimalkv_django._cache_keys import Keys
from minimalkv_django._cache_options import Options, read_options
from minimalkv_django._cache_outages import Outage, outage_of
from minimalkv_django._cache_values import Values
from minimalkv_django.stores import stores

_ROOM: Final = "cache"
# What Django warns about; its own expression is compiled through a lazy object.
_ODD: Final = re.compile(r"[\x00-\x20\x7f]")


class CacheBase(BaseCache):
    """What all methods of a cache use."""

    def __init__(self, location: Any, params: dict[str, Any]) -> None:
        super().__init__(params)
        timeout = params.get("TIMEOUT")
        if isinstance(timeout, float):
            self.default_timeout = timeout  # Django cuts it to whole seconds
        self._location = location or _ROOM
        self._options: Options = read_options(params.get("OPTIONS") or {})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with the prefix {self.key_prefix!r}>"

    @cached_property
    def store(self) -> KeyValueStore:
        """The store, in which values expire; all caches of a process share it.

        Raises
        ------
        ImproperlyConfigured, InvalidURL, UnknownScheme, MissingExtra
            If LOCATION names no store.
        Unsupported
            If a cache cannot be kept in it.
        """
        return with_ttl(_fit(self.open_store()))

    def open_store(self) -> KeyValueStore:
        """Return the store that LOCATION names; raises as `store` does."""
        return stores.get(
            self._location, short_lived=True, timeout_secs=self._options.timeout
        )

    def check_store(self) -> None:
        """Raise Unsupported if a cache cannot be kept in the store."""
        self._find("key", None)

    @cached_property
    def ignored(self) -> Outage | None:
        """The outage that errors of the store begin; None where they are raised."""
        return outage_of(self.open_store()) if self._options.ignore_exceptions else None

    @cached_property
    def _keys(self) -> Keys:
        store = self.store
        keys = Keys(self.key_prefix, min(store.max_key, store.max_segment))
        try:
            # The longest that there can be; a wrapper may lengthen what is encoded.
            store._check_valid_key(keys.of_lock("\n" * MAX_KEY))  # noqa: SLF001 - nothing public tells
        except InvalidKey as error:
            raise Unsupported(
                f"A cache cannot be kept in {store!r}: {error}"
            ) from error
        return keys

    @cached_property
    def _values(self) -> Values:
        return Values(self._keys.place, self._options)

    def validate_key(self, key: Any) -> None:
        """Warn about a key that memcached would not take."""
        # Django's own takes four times as long to find that there is nothing to say.
        if len(key) > MEMCACHE_MAX_KEY_LENGTH or _ODD.search(key):
            super().validate_key(key)

    def _find(self, key: Any, version: int | None) -> tuple[str, str]:
        """Return the whole key, and the one in the store that stands for it."""
        text = self.make_key(key, version=version)
        self.validate_key(text)
        return text, self._keys.of(text)

    def _find_all(
        self, keys: Iterable[Any], version: int | None
    ) -> tuple[list[str], list[str]]:
        """Return what `_find` does, of many keys."""
        given = list(keys)
        texts = [self.make_key(key, version=version) for key in given]
        names = self._keys.of_simple(texts)
        if names is None:
            names = [self._find(key, version)[1] for key in given]
        return texts, names

    def _dump(self, text: str, name: str, value: object) -> bytes:
        return self._values.dump(text, value, is_hashed=self._keys.is_hashed(name))

    def _lifetime(self, timeout: float | None) -> float | str:
        """Return the seconds that a value lives: 0 if it is gone at once."""
        if timeout is DEFAULT_TIMEOUT:
            timeout = self.default_timeout
        if timeout is None or timeout > MAX_TTL_SECS:
            return FOREVER
        return max(timeout, 0)


def _fit(store: KeyValueStore) -> KeyValueStore:
    if store.read_only or not store.conditional_support:
        raise Unsupported(
            f"A cache cannot be kept in {store!r}: it has to write, also on condition. "
            "All built-in stores do, unless they are wrapped to be read only."
        )
    return store


def not_found(key: object, *_: object, **__: object) -> NoReturn:
    """Raise what Django raises where a value is to be changed and there is none."""
    raise ValueError(f"Key {key!r} not found")
