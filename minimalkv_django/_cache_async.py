"""The methods of a cache that are awaited, in a few threads of their own."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from inspect import isawaitable
from threading import Lock
from typing import Any, Final, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.core.cache.backends.base import DEFAULT_TIMEOUT

from minimalkv._fork import tell_after_fork
from minimalkv_django._cache_base import CacheBase
from minimalkv_django._cache_values import MISSING

THREADS: Final = 10
"""How many calls of tasks are under way at once in a process, in all its caches."""

_P = ParamSpec("_P")
_R = TypeVar("_R")


class _Threads:
    """The threads of a process, made when they are first needed."""

    def __init__(self) -> None:
        self._after_fork()
        tell_after_fork(self)

    def _after_fork(self) -> None:
        self._lock = Lock()
        self._pool: ThreadPoolExecutor | None = None

    def get(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(THREADS, "minimalkv-cache")
            return self._pool


_threads: Final = _Threads()


async def run(method: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """Await a method of a cache, in one of its threads."""
    # Not in the one thread that all of Django's own calls wait for.
    call = sync_to_async(method, thread_sensitive=False, executor=_threads.get())
    return await call(*args, **kwargs)


class AsyncCache(CacheBase):
    """Lets tasks await what the method of the same name without ``a`` does.

    Django's own would make several calls of some, and so lose what others write.
    """

    async def aget(
        self, key: Any, default: Any = None, version: int | None = None
    ) -> Any:
        return await run(self.get, key, default, version)

    async def aset(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        await run(self.set, key, value, timeout, version)

    async def aadd(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        return await run(self.add, key, value, timeout, version)

    async def atouch(
        self,
        key: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        return await run(self.touch, key, timeout, version)

    async def adelete(self, key: Any, version: int | None = None) -> bool:
        return await run(self.delete, key, version)

    async def ahas_key(self, key: Any, version: int | None = None) -> bool:
        return await run(self.has_key, key, version)

    async def aget_or_set(
        self,
        key: Any,
        default: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> Any:
        value = await self.aget(key, MISSING, version)
        if value is not MISSING:
            return value
        # Where the task runs: what it calls may have a connection of this thread.
        if callable(default):
            default = default()
        if isawaitable(default):
            default = await default
        return await run(self._settle, key, default, timeout, version)

    def _settle(
        self, key: Any, value: Any, timeout: float | None, version: int | None
    ) -> Any:
        """Store what was missing; return it, or that of somebody who was faster."""
        if self.add(key, value, timeout, version):
            return value
        found = self.get(key, MISSING, version)
        if found is not MISSING:
            return found
        # What is there is not readable, or was a moment ago.
        self.set(key, value, timeout, version)
        return value

    async def aget_many(
        self, keys: Iterable[Any], version: int | None = None
    ) -> dict[Any, Any]:
        return await run(self.get_many, keys, version)

    async def aset_many(
        self,
        data: dict[Any, Any],
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> list[Any]:
        return await run(self.set_many, data, timeout, version)

    async def adelete_many(
        self, keys: Iterable[Any], version: int | None = None
    ) -> None:
        await run(self.delete_many, keys, version)

    async def aclear(self) -> None:
        await run(self.clear)

    async def aincr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        return await run(self.incr, key, delta, version)

    async def adecr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        return await run(self.decr, key, delta, version)

    async def aincr_version(
        self, key: Any, delta: int = 1, version: int | None = None
    ) -> int:
        return await run(self.incr_version, key, delta, version)

    async def adecr_version(
        self, key: Any, delta: int = 1, version: int | None = None
    ) -> int:
        return await run(self.decr_version, key, delta, version)

    async def aclose(self, **kwargs: Any) -> None:
        self.close(**kwargs)
