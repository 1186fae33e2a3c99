"""Watch a store: what is asked of it, how long that takes, and what fails."""
# ruff: noqa: D102 - the verbs are documented where they are inherited from

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from minimalkv._errors import InvalidArgument
from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import ObjectMeta
from minimalkv._observing.calls import Callback, StoreCall
from minimalkv._observing.hooks import ObservedHooks
from minimalkv._writers import AbortableWriter

__all__ = ["ObservedDecorator", "StoreCall"]


class ObservedDecorator(ObservedHooks):
    """Tell a function of every call of a store, when it is over.

    Each call of a verb is told once, in the thread that called, whether it comes from
    an application or from a wrapper around this one. What lasts is told at its end: a
    listing when it is through or given up, and one that nobody began, never; `open`,
    `stream` and `open_writer` when their file is closed. ``seconds`` is the time spent
    inside of the store: not between two steps of a listing or two reads, and not in
    the function of an `update` or the caller's files. `close` is not told.

    An exception in the callback is logged the first time and changes nothing for the
    caller. What the callback itself asks of observed stores is not told.

    Parameters
    ----------
    callback : callable
        Gets a `StoreCall`. The caller waits for it, so it should only count or send.
    store : KeyValueStore
        The store to pass on to. The wrapper can do what it can; it pickles if the
        callback does.

    Raises
    ------
    InvalidArgument
        If *callback* cannot be called.

    Examples
    --------
    >>> from minimalkv.memory import DictStore
    >>> calls = []
    >>> store = ObservedDecorator(calls.append, DictStore())
    >>> store.put("a", b"value")
    'a'
    >>> store.keys()
    ['a']
    >>> [(call.operation, call.key, call.bytes, call.keys) for call in calls]
    [('put', 'a', 5, None), ('keys', None, None, 1)]
    """

    def __init__(self, callback: Callback, store: KeyValueStore) -> None:
        if not callable(callback):
            raise InvalidArgument(
                f"callback is a function that takes a StoreCall, not {callback!r}."
            )
        super().__init__(callback, store)

    # Reading.

    def get(self, key: str) -> bytes:
        return self._told_bytes(self._dstore.get, key)

    def get_with_meta(self, key: str) -> tuple[bytes, ObjectMeta]:
        return self._told_bytes_and(self._dstore.get_with_meta, key)

    def head(self, key: str) -> ObjectMeta:
        return self._told("head", self._dstore.head, key)

    def stream(
        self, key: str, *args: Any, **options: Any
    ) -> tuple[ObjectMeta, BinaryIO]:
        return self._streamed(self._dstore.stream, key, *args, **options)

    def open(self, key: str) -> BinaryIO:
        return self._opened(self._dstore.open, key)

    def get_file(self, key: str, file: Any) -> str:
        return self._told_file(self._dstore.get_file, key, file)

    def __contains__(self, key: str) -> bool:
        return self._told("contains", self._dstore.__contains__, key)

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        return self._told_many(self._dstore.get_many, list(keys))

    # Listing.

    def keys(self, prefix: str = "") -> list[str]:
        with self._whole("keys") as call:
            found = self._dstore.keys(prefix)
            call.keys = len(found)
        return found

    def iter_keys(self, prefix: str = "") -> Iterator[str]:
        return self._listed("iter_keys", self._dstore.iter_keys, prefix)

    def iter_meta(self, prefix: str = "") -> Iterator[ObjectMeta]:
        return self._listed("iter_meta", self._dstore.iter_meta, prefix)

    def iter_prefixes(self, delimiter: str, prefix: str = "") -> Iterator[str]:
        found = self._dstore.iter_prefixes
        return self._listed("iter_prefixes", found, delimiter, prefix)

    # Writing.

    def put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        return self._told_put(self._dstore.put, key, data, *args, **options)

    def put_file(self, key: str, file: Any, *args: Any, **options: Any) -> str:
        return self._told_put_file(self._dstore.put_file, key, file, *args, **options)

    def open_writer(self, key: str, *args: Any, **options: Any) -> AbortableWriter:
        return self._written(self._dstore.open_writer, key, *args, **options)

    def put_many(self, items: Mapping[str, bytes], *args: Any, **options: Any) -> None:
        self._told_put_many(self._dstore.put_many, items, *args, **options)

    def delete(self, key: str, **options: Any) -> None:
        self._told("delete", self._dstore.delete, key, **options)

    def delete_many(self, keys: Iterable[str]) -> None:
        self._told_delete_many(self._dstore.delete_many, list(keys))

    def delete_prefix(self, prefix: str) -> int:
        return self._told_number("delete_prefix", self._dstore.delete_prefix, prefix)

    def copy(self, source: str, dest: str) -> str:
        return self._told("copy", self._dstore.copy, source, dest)

    def move(self, source: str, dest: str) -> str:
        return self._told("move", self._dstore.move, source, dest)

    def add(self, key: str, data: bytes, *args: Any, **options: Any) -> bool:
        with self._whole("add", key) as call:
            added = self._dstore.add(key, data, *args, **options)
            call.bytes = len(data) if added else None
        return added

    def update(
        self,
        key: str,
        function: Callable[[bytes | None], bytes | None],
        *args: Any,
        **options: Any,
    ) -> bytes | None:
        with self._whole("update", key) as call:

            def outside(old: bytes | None) -> bytes | None:
                return call.outside(function, old)

            new = self._dstore.update(key, outside, *args, **options)
            call.bytes = None if new is None else len(new)
        return new

    def increment(self, key: str, delta: int = 1) -> int:
        return self._told("increment", self._dstore.increment, key, delta)

    # Time to live, URLs and the rest.

    def touch(self, key: str, *args: Any, **options: Any) -> None:
        self._told("touch", self._dstore.touch, key, *args, **options)

    def ttl(self, key: str) -> float | None:
        return self._told("ttl", self._dstore.ttl, key)

    def purge_expired(self, prefix: str = "") -> int:
        return self._told_number("purge_expired", self._dstore.purge_expired, prefix)

    def url_for(self, key: str, **options: Any) -> str:
        return self._told("url_for", self._dstore.url_for, key, **options)

    def ping(self) -> None:
        with self._whole("ping"):
            self._dstore.ping()
