"""A lock that processes share: a value that only its owner deletes."""

import threading
import time
from secrets import token_bytes
from types import SimpleNamespace, TracebackType
from typing import Any, Final, Self

from minimalkv import (
    FOREVER,
    KeyValueStore,
    MinimalkvError,
    PreconditionFailed,
    Unsupported,
)
from minimalkv._clock import elapsed
from minimalkv.decorator import StoreDecorator

SLEEP_SECS: Final = 0.1
_TOKEN_BYTES: Final = 16
# By name: nobody needs the package of Redis to ask.
_FIT: Final = frozenset(("DictStore", "FilesystemStore", "RedisStore"))


class LockError(MinimalkvError, RuntimeError):
    """A lock was not free in time, or it is not its owner who gives it back."""


class CacheLock:
    """A lock that all processes of a site share; get one from ``cache.lock``.

    It is free again after *timeout*, whatever became of its owner, so what takes
    longer has to `extend` it.

    Parameters
    ----------
    store : KeyValueStore
        Where it is kept: in memory, in files, or in Redis.
    key : str
        The key in there.
    name : str
        What it is called in messages.
    timeout : float or None
        Seconds after which it is free again; None or 0 is never.
    sleep : float
        Seconds between two tries to get it.
    blocking : bool
        Whether `acquire` waits.
    blocking_timeout : float or None
        For how many seconds; None is for ever.
    thread_local : bool
        Whether a lock that one thread has got is another's too, in this object.

    Raises
    ------
    Unsupported
        If the store is another: waiting there would cost a request for each try.
    """

    def __init__(
        self,
        store: KeyValueStore,
        key: str,
        name: str,
        *,
        timeout: float | None = None,
        sleep: float = SLEEP_SECS,
        blocking: bool = True,
        blocking_timeout: float | None = None,
        thread_local: bool = True,
    ) -> None:
        _check_fit(store)
        self._store = store
        self._key = key
        self.name = name
        self.timeout = timeout or None  # 0 is no timeout, as in redis-py
        self.sleep = sleep
        self.blocking = blocking
        self.blocking_timeout = blocking_timeout
        self._mine: Any = threading.local() if thread_local else SimpleNamespace()

    @property
    def _token(self) -> bytes | None:
        token: bytes | None = getattr(self._mine, "token", None)
        return token

    def acquire(
        self, blocking: bool | None = None, blocking_timeout: float | None = None
    ) -> bool:
        """Get the lock.

        Parameters
        ----------
        blocking : bool, optional
            Whether to wait for it; as the lock was made if it is not told.
        blocking_timeout : float, optional
            For how many seconds at most; as the lock was made if it is not told.

        Returns
        -------
        bool
            Whether it is this caller's now.

        Raises
        ------
        StoreError
            If the store failed; also where the cache ignores that.
        """
        waits = self.blocking if blocking is None else blocking
        longest = (
            self.blocking_timeout if blocking_timeout is None else blocking_timeout
        )
        began = elapsed()
        # As text, so that nobody takes it for a number.
        token = token_bytes(_TOKEN_BYTES).hex().encode()
        while not self._store.add(self._key, token, self._lifetime(self.timeout)):
            left = float("inf") if longest is None else longest - (elapsed() - began)
            if not waits or left <= 0:
                return False
            time.sleep(min(self.sleep, left))
        self._mine.token = token
        return True

    def _lifetime(self, secs: float | None) -> float | str:
        return FOREVER if secs is None else secs

    def release(self) -> None:
        """Give the lock back.

        Raises
        ------
        LockError
            If it is not this caller's, or was not any more: its time was over.
        StoreError
            If the store failed.
        """
        token, self._mine.token = self._token, None
        if token is None or not self._change(token, None):
            raise LockError(self._not_mine())

    def _not_mine(self) -> str:
        return (
            f"The lock {self.name!r} is not held here, or not any more. Give it a "
            "longer timeout, or extend it in time."
        )

    def _change(self, token: bytes, lifetime: float | str | None) -> bool:
        """Give it up with None, or another lifetime; False if it is not ours."""
        try:
            data, meta = self._store.get_with_meta(self._key)
            if data != token:
                return False
            if lifetime is None:
                self._store.delete(self._key, if_match=meta.etag)
            else:
                self._store.put(self._key, token, lifetime, if_match=meta.etag)
        except (KeyError, PreconditionFailed):
            return False
        return True

    def extend(self, additional_time: float, replace_ttl: bool = False) -> bool:
        """Keep the lock for longer.

        Parameters
        ----------
        additional_time : float
            Seconds.
        replace_ttl : bool
            Whether it ends so many seconds from now on, instead of later by them.

        Returns
        -------
        bool
            True.

        Raises
        ------
        LockError
            If it is not this caller's any more, or has no timeout.
        StoreError
            If the store failed.
        """
        token = self._token
        left = 0.0 if replace_ttl or token is None else self._left()
        if token is None or not self._change(token, left + additional_time):
            raise LockError(self._not_mine())
        return True

    def _left(self) -> float:
        try:
            left = self._store.ttl(self._key)
        except KeyError as error:
            raise LockError(self._not_mine()) from error
        if left is None:
            raise LockError(f"The lock {self.name!r} has no timeout to be extended.")
        return left

    def locked(self) -> bool:
        """Tell whether anybody has it."""
        return self._key in self._store

    def owned(self) -> bool:
        """Tell whether this caller has it."""
        try:
            return self._token is not None and self._store.get(self._key) == self._token
        except KeyError:
            return False

    def __enter__(self) -> Self:
        if not self.acquire():
            raise LockError(
                f"The lock {self.name!r} was not free within {self.blocking_timeout} s."
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


def _check_fit(store: KeyValueStore) -> None:
    inner = store
    while isinstance(inner, StoreDecorator):
        inner = inner._dstore  # noqa: SLF001 - what it wraps has no other name
    if _FIT.isdisjoint(cls.__name__ for cls in type(inner).__mro__):
        raise Unsupported(
            f"{inner!r} keeps no locks: they are there in memory, in files and in "
            "Redis. Give a cache of such a store to what needs them."
        )
