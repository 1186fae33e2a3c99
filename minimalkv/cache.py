"""Two stores, a fast one before the one that counts."""

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from threading import Lock
from typing import Any, BinaryIO, Final

from minimalkv._clock import now
from minimalkv._errors import InvalidArgument, MinimalkvError
from minimalkv._foreign import with_hooks
from minimalkv._fork import tell_after_fork
from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import ObjectMeta
from minimalkv._streams import Readable, copy
from minimalkv._writers import AbortableWriter, WriterSink
from minimalkv.decorator import StoreDecorator

__all__ = ["CacheDecorator"]

_log: Final = logging.getLogger("minimalkv")

_SLOTS: Final = 64
# A cache may be anybody's: upstream's stores raised what their SDKs did.
_FAILURES: Final = (OSError, MinimalkvError)


class _Slot:
    """A lock, and the number of writes that began or ended under it."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.writes = 0


class CacheDecorator(StoreDecorator):
    """Read through a cache, write to the store and drop the cached value.

    `get`, `get_file` and `open` ask the cache first and fill it; everything else,
    conditions above all, asks the store. A cache that fails is passed over. A value
    that is read and written at the same time through this object is not cached stale.
    What others write to the store is not noticed: let the cached values expire
    (``cache.default_ttl_secs``), or let all writers share the cache.

    If a cached value cannot be dropped after a write, the error of the cache is raised,
    though the write has happened: the old value would be served.

    Parameters
    ----------
    cache : KeyValueStore
        The cache; closed with the wrapper. How large it grows is its own matter.
    store : KeyValueStore
        The store that counts.

    Raises
    ------
    InvalidArgument
        If the cache does not take the keys of the store.

    Examples
    --------
    >>> from minimalkv.memory import DictStore
    >>> cache, store = DictStore(), DictStore({"a": b"value"})
    >>> CacheDecorator(cache, store).get("a")
    b'value'
    >>> cache.d
    {'a': b'value'}
    """

    def __init__(self, cache: KeyValueStore, store: KeyValueStore) -> None:
        super().__init__(store)
        if store.extended_keys and not cache.extended_keys:
            raise InvalidArgument(
                f"{cache!r} cannot cache keys with '/'. Use an 'h' store as the cache, "
                "or wrap it in URLEncodeKeysDecorator."
            )
        self.cache = cache
        self._cache = with_hooks(cache)
        self._after_fork()
        tell_after_fork(self)

    def _after_fork(self) -> None:
        self._slots = [_Slot() for _ in range(_SLOTS)]

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_slots"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._after_fork()
        tell_after_fork(self)

    def _slot(self, key: str) -> _Slot:
        return self._slots[hash(key) % _SLOTS]

    # Reading.

    def _can_cache(self, key: str) -> bool:
        return self._cache._is_backend_key(key)

    def _get(self, key: str) -> bytes:
        if not self._can_cache(key):
            return super()._get(key)
        with self._passing_over("read"):
            return self._cache._get(key)
        writes = self._slot(key).writes
        data, meta = super()._get_with_meta(key)
        self._fill(meta, writes, lambda **ttl: self._cache._put(key, data, **ttl))
        return data

    def _open(self, key: str) -> BinaryIO:
        if not self._can_cache(key):
            return super()._open(key)
        with self._passing_over("read"):
            return self._cache._open(key)
        if self._fill_by_stream(key):
            with self._passing_over("read"):
                return self._cache._open(key)
        return super()._open(key)

    def _get_file(self, key: str, file: BinaryIO) -> object:
        return KeyValueStore._get_file(self, key, file)

    def _get_filename(self, key: str, filename: str) -> object:
        return KeyValueStore._get_filename(self, key, filename)

    @contextlib.contextmanager
    def _passing_over(self, doing: str) -> Iterator[None]:
        """Go on after the block when the cache has nothing, or fails."""
        try:
            yield
        except KeyError:
            pass
        except _FAILURES as error:
            _log.warning("A cache failed to %s, and was passed over: %s", doing, error)

    def _fill_by_stream(self, key: str) -> bool:
        writes = self._slot(key).writes
        meta, source = super()._stream(key)
        options = self._lifetime(meta)
        if options is None:
            source.close()
            return False
        with contextlib.closing(source), self._passing_over("store"):
            # Not under the lock: a slow store must not keep other writers waiting.
            writer = self._cache._open_writer(key, **options)
            with writer:
                copy(source, writer)
                filled = self._fill(meta, writes, lambda **_: writer.close())
                if not filled:
                    writer.abort()
                return filled
        return False

    def _fill(self, meta: ObjectMeta, writes: int, put: Callable[..., object]) -> bool:
        """Cache what was read when *writes* were counted, if no write was since."""
        options = self._lifetime(meta)
        if options is None:
            return False
        slot = self._slot(meta.key)
        with slot.lock:
            if slot.writes != writes:
                return False
            with self._passing_over("store"):
                put(**options)
                return True
        return False

    def _lifetime(self, meta: ObjectMeta) -> dict[str, Any] | None:
        """Return how long to cache a value; None if it must not be."""
        if not self._cache.ttl_support:
            return {} if meta.expires is None else None
        lifetime = self._cache._valid_ttl(None)
        if meta.expires is not None:
            left = max(meta.expires.timestamp() - now(), 0.0)
            lifetime = left if isinstance(lifetime, str) else min(lifetime, left)
        return {"ttl_secs": lifetime}

    # Writing.

    @contextlib.contextmanager
    def _writing(self, *keys: str) -> Iterator[None]:
        slots = {self._slot(key) for key in keys}
        self._count(slots)
        try:
            yield
        finally:
            self._count(slots)
            self._drop(keys)

    def _count(self, slots: Iterable[_Slot]) -> None:
        for slot in slots:
            with slot.lock:
                slot.writes += 1

    def _drop(self, keys: Iterable[str]) -> None:
        self._cache._delete_many(list(filter(self._can_cache, keys)))

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str | None:
        with self._writing(key):
            return super()._put(key, data, *args, **options)

    def _put_file(
        self, key: str, file: Readable, *args: Any, **options: Any
    ) -> str | None:
        with self._writing(key):
            return super()._put_file(key, file, *args, **options)

    def _put_filename(
        self, key: str, filename: str, *args: Any, **options: Any
    ) -> str | None:
        with self._writing(key):
            return super()._put_filename(key, filename, *args, **options)

    def _open_writer(self, key: str, *args: Any, **options: Any) -> AbortableWriter:
        writer = super()._open_writer(key, *args, **options)
        return AbortableWriter(_DroppingSink(writer, lambda: self._writing(key)))

    def _put_many(self, items: Mapping[str, bytes], *args: Any, **options: Any) -> None:
        with self._writing(*items):
            super()._put_many(items, *args, **options)

    def _delete(self, key: str, *args: Any, **options: Any) -> object:
        with self._writing(key):
            return super()._delete(key, *args, **options)

    def _delete_many(self, keys: list[str]) -> None:
        with self._writing(*keys):
            super()._delete_many(keys)

    def _copy(self, source: str, dest: str) -> object:
        with self._writing(dest):
            return super()._copy(source, dest)

    def _move(self, source: str, dest: str) -> object:
        with self._writing(source, dest):
            return super()._move(source, dest)

    def _increment(self, key: str, delta: int) -> int:
        with self._writing(key):
            return super()._increment(key, delta)

    def _touch(self, key: str, ttl_secs: float | str) -> None:
        with self._writing(key):
            super()._touch(key, ttl_secs)

    def delete_prefix(self, prefix: str) -> int:  # noqa: D102 - inherited
        count = super().delete_prefix(prefix)
        # And what others deleted from the store.
        self._cache.delete_prefix(prefix)
        return count

    def close(self) -> None:  # noqa: D102 - inherited
        self.cache.close()
        super().close()


class _DroppingSink(WriterSink):
    """A sink that drops the cached value when the new one is published."""

    def __init__(
        self,
        writer: AbortableWriter,
        writing: Callable[[], contextlib.AbstractContextManager[None]],
    ) -> None:
        super().__init__(writer)
        self._writing = writing

    def publish(self) -> None:
        with self._writing():
            super().publish()
