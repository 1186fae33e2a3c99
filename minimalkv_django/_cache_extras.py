"""What a cache has beyond Django's own, under the names of django-redis."""

import math
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from minimalkv import KeyNotFound, StoreError
from minimalkv import _clock as clock
from minimalkv.decorator import StoreDecorator
from minimalkv.ttl import TimeToLiveDecorator
from minimalkv_django._cache_async import run
from minimalkv_django._cache_base import CacheBase
from minimalkv_django._cache_keys import pattern, wrapping
from minimalkv_django._cache_lock import SLEEP_SECS, CacheLock
from minimalkv_django._cache_outages import degrading

_BATCH_KEYS: Final = 1000


class Extras(CacheBase):
    """Lifetimes, patterns and locks."""

    # Lifetimes.

    def ttl(self, key: Any, version: int | None = None) -> int | None:
        """Tell how long a value has to live.

        Returns
        -------
        int or None
            Seconds, rounded up; None if it never expires, 0 if there is none.

        Raises
        ------
        StoreError
            If the store failed, unless that is ignored.
        """
        left = self._ttl(key, version)
        return None if left is None else math.ceil(left)

    def pttl(self, key: Any, version: int | None = None) -> int | None:
        """Do the same as `ttl`, in milliseconds."""
        left = self._ttl(key, version)
        return None if left is None else math.ceil(left * 1000)

    @degrading(lambda *_, **__: 0.0)
    def _ttl(self, key: Any, version: int | None) -> float | None:
        try:
            return self.store.ttl(self._find(key, version)[1])
        except KeyNotFound:
            return 0.0

    def expire(
        self, key: Any, timeout: float | timedelta, version: int | None = None
    ) -> bool:
        """Let a value expire after so many seconds from now on.

        Returns
        -------
        bool
            Whether there is one.

        Raises
        ------
        StoreError
            If the store failed, unless that is ignored.
        """
        if isinstance(timeout, timedelta):
            timeout = timeout.total_seconds()
        return self.touch(key, timeout, version)

    def expire_at(
        self, key: Any, when: datetime | float, version: int | None = None
    ) -> bool:
        """Let a value expire at a time: one with a zone, or seconds since 1970.

        Returns
        -------
        bool
            Whether there is one. It is deleted if that time has passed.

        Raises
        ------
        StoreError
            If the store failed, unless that is ignored.
        """
        secs = when.timestamp() if isinstance(when, datetime) else when
        return self.touch(key, secs - clock.now(), version)

    def persist(self, key: Any, version: int | None = None) -> bool:
        """Let a value never expire; returns whether there is one.

        Raises
        ------
        StoreError
            If the store failed, unless that is ignored.
        """
        return self.touch(key, None, version)

    # Patterns.

    def keys(self, search: str = "*", version: int | None = None) -> list[str]:
        """Return the keys that match a pattern; see `iter_keys`."""
        return list(self.iter_keys(search, version=version))

    def iter_keys(
        self,
        search: str = "*",
        itersize: int | None = None,
        version: int | None = None,
    ) -> Iterator[str]:
        r"""Yield the keys of one version that match a pattern, as they are found.

        Parameters
        ----------
        search : str
            As Redis reads it: ``*``, ``?``, ``[abc]``, ``[^a-c]``, and ``\`` before a
            character that is none of these. It is about the key as the caller knows it.
        itersize : int, optional
            Of no effect; django-redis has it.
        version : int, optional
            Whose keys; those of the cache's own version if it is not told.

        Raises
        ------
        Unsupported
            If KEY_FUNCTION does more than to put text around the key.
        StoreError
            If the store failed, also in the middle, unless that is ignored.
        """
        del itersize
        outage = self.ignored
        if outage is not None and outage.is_on:
            return
        try:
            yield from self._found_keys(search, version)
        except StoreError as error:
            if outage is None:
                raise
            outage.begin(error)

    def _found_keys(self, search: str, version: int | None) -> Iterator[str]:
        checks = _lists_what_expired(self.store)
        for key, name in self._matching(search, version):
            if not checks or name in self.store:
                yield key

    def _matching(self, search: str, version: int | None) -> Iterator[tuple[str, str]]:
        """Yield each key, and the one in the store."""
        around = wrapping(lambda key: self.make_key(key, version=version))
        wanted = pattern(search)
        beginning = self._keys.beginning(around.before + wanted.beginning)
        for name in self.store.iter_keys(beginning):
            text = self._keys.text_of(name, self.store.get)
            key = None if text is None else around.key_of(text)
            if key is not None and wanted.matches(key):
                yield key, name

    @degrading(lambda *_, **__: 0)
    def delete_pattern(
        self,
        pattern: str,
        version: int | None = None,
        itersize: int | None = None,
    ) -> int:
        """Delete the values of one version whose keys match a pattern.

        Parameters
        ----------
        pattern, version, itersize
            As for `iter_keys`.

        Returns
        -------
        int
            How many there were; with those that expired, where a store still has them.

        Raises
        ------
        Unsupported, StoreError
            As for `iter_keys`.
        """
        del itersize
        names = (name for _, name in self._matching(pattern, version))
        count = 0
        while batch := list(islice(names, _BATCH_KEYS)):
            self.store.delete_many(batch)
            count += len(batch)
        return count

    # Locks.

    def lock(
        self,
        key: Any,
        version: int | None = None,
        timeout: float | None = None,
        sleep: float = SLEEP_SECS,
        blocking: bool = True,
        blocking_timeout: float | None = None,
        thread_local: bool = True,
    ) -> CacheLock:
        """Return a lock that all processes share, for a ``with`` block.

        It has nothing to do with the value of the same key.

        Parameters
        ----------
        key, version
            What it is called.
        timeout, sleep, blocking, blocking_timeout, thread_local
            See `CacheLock`.

        Raises
        ------
        Unsupported
            If the store is neither in memory nor in files nor a Redis.
        """
        text = self.make_and_validate_key(key, version=version)
        return CacheLock(
            self.store,
            self._keys.of_lock(text),
            str(key),
            timeout=timeout,
            sleep=sleep,
            blocking=blocking,
            blocking_timeout=blocking_timeout,
            thread_local=thread_local,
        )

    # The same for tasks.

    async def attl(self, key: Any, version: int | None = None) -> int | None:
        """Do the same as `ttl`."""
        return await run(self.ttl, key, version)

    async def apttl(self, key: Any, version: int | None = None) -> int | None:
        """Do the same as `pttl`."""
        return await run(self.pttl, key, version)

    async def aexpire(
        self, key: Any, timeout: float | timedelta, version: int | None = None
    ) -> bool:
        """Do the same as `expire`."""
        return await run(self.expire, key, timeout, version)

    async def aexpire_at(
        self, key: Any, when: datetime | float, version: int | None = None
    ) -> bool:
        """Do the same as `expire_at`."""
        return await run(self.expire_at, key, when, version)

    async def apersist(self, key: Any, version: int | None = None) -> bool:
        """Do the same as `persist`."""
        return await run(self.persist, key, version)

    async def akeys(self, search: str = "*", version: int | None = None) -> list[str]:
        """Do the same as `keys`."""
        return await run(self.keys, search, version)

    async def aiter_keys(
        self,
        search: str = "*",
        itersize: int | None = None,
        version: int | None = None,
    ) -> AsyncIterator[str]:
        """Do the same as `iter_keys`; all keys are held in memory at once."""
        del itersize
        for key in await self.akeys(search, version):
            yield key

    async def adelete_pattern(
        self,
        pattern: str,
        version: int | None = None,
        itersize: int | None = None,
    ) -> int:
        """Do the same as `delete_pattern`."""
        del itersize
        return await run(self.delete_pattern, pattern, version)


def _lists_what_expired(store: object) -> bool:
    while isinstance(store, StoreDecorator):
        if isinstance(store, TimeToLiveDecorator):
            return True
        store = store._dstore  # noqa: SLF001 - what it wraps has no other name
    return False
