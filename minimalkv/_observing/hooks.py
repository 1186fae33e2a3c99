"""The hooks of an observed store: what other wrappers around it call."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, TypeVar

from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import ObjectMeta
from minimalkv._observing.calls import Call, Callback, Observer, WholeCall
from minimalkv._observing.files import (
    observed_reader,
    observed_writer,
    sink_of,
    size_of,
    source_of,
)
from minimalkv._passing_on import StoreDecorator
from minimalkv._streams import Readable
from minimalkv._writers import AbortableWriter

_T = TypeVar("_T")


class ObservedHooks(StoreDecorator):
    """A wrapper that tells of each hook under the name of its verb."""

    def __init__(self, callback: Callback, store: KeyValueStore) -> None:
        super().__init__(store)
        self._observer = Observer(callback, repr(store))

    @property
    def callback(self) -> Callback:
        """What is told of the calls."""
        return self._observer.callback

    # How calls are told, whether they come to a verb or to a hook.

    def _whole(self, operation: str, key: Any = None) -> WholeCall:
        return WholeCall(self._observer, operation, key)

    def _lasting(self, operation: str, key: Any = None) -> Call:
        return Call(self._observer, operation, key)

    def _told(
        self,
        operation: str,
        function: Callable[..., _T],
        key: Any,
        *args: Any,
        **options: Any,
    ) -> _T:
        with self._whole(operation, key):
            return function(key, *args, **options)

    def _told_bytes(self, function: Callable[..., bytes], key: Any) -> bytes:
        with self._whole("get", key) as call:
            data = function(key)
            call.bytes = len(data)
        return data

    def _told_bytes_and(
        self, function: Callable[..., tuple[bytes, _T]], key: Any
    ) -> tuple[bytes, _T]:
        with self._whole("get_with_meta", key) as call:
            found = function(key)
            call.bytes = len(found[0])
        return found

    def _told_file(self, function: Callable[..., _T], key: Any, file: Any) -> _T:
        with self._whole("get_file", key) as call:
            sink = sink_of(file, call)
            done = function(key, sink)
            if sink is file:
                call.bytes = size_of(file)
        return done

    def _told_many(
        self, function: Callable[..., dict[str, bytes]], keys: list[str]
    ) -> dict[str, bytes]:
        with self._whole("get_many") as call:
            found = function(keys)
            call.keys = len(found)
            call.bytes = sum(map(len, found.values()))
        return found

    def _told_number(
        self, operation: str, function: Callable[..., int], at: Any
    ) -> int:
        with self._whole(operation) as call:
            call.keys = function(at)
        return call.keys

    def _opened(self, function: Callable[..., BinaryIO], key: Any) -> BinaryIO:
        call = self._lasting("open", key)
        return observed_reader(self._begun(call, function, key), call)

    def _streamed(
        self, function: Callable[..., Any], key: Any, *args: Any, **options: Any
    ) -> tuple[ObjectMeta, BinaryIO]:
        call = self._lasting("stream", key)
        meta, source = self._begun(call, function, key, *args, **options)
        return meta, observed_reader(source, call)

    def _written(
        self,
        function: Callable[..., AbortableWriter],
        key: Any,
        *args: Any,
        **opts: Any,
    ) -> AbortableWriter:
        call = self._lasting("open_writer", key)
        return observed_writer(self._begun(call, function, key, *args, **opts), call)

    def _listed(
        self, operation: str, function: Callable[..., Iterator[_T]], *args: Any
    ) -> Iterator[_T]:
        call = self._lasting(operation)
        return call.through(self._begun(call, function, *args))

    def _begun(
        self, call: Call, function: Callable[..., _T], *args: Any, **options: Any
    ) -> _T:
        """Do the first step of a call that lasts; without it the call is over."""
        try:
            with call:
                return function(*args, **options)
        except BaseException:
            call.tell()
            raise

    def _told_put(
        self, function: Callable[..., _T], key: Any, data: Any, *args: Any, **opts: Any
    ) -> _T:
        with self._whole("put", key) as call:
            done = function(key, data, *args, **opts)
            call.bytes = len(data)
        return done

    def _told_put_file(
        self, function: Callable[..., _T], key: Any, file: Any, *args: Any, **opts: Any
    ) -> _T:
        with self._whole("put_file", key) as call:
            return function(key, source_of(file, call), *args, **opts)

    def _told_put_many(
        self, function: Callable[..., None], items: Any, *args: Any, **options: Any
    ) -> None:
        with self._whole("put_many") as call:
            function(items, *args, **options)
            call.keys = len(items)
            call.bytes = sum(map(len, items.values()))

    def _told_delete_many(self, function: Callable[..., None], keys: list[str]) -> None:
        with self._whole("delete_many") as call:
            function(keys)
            call.keys = len(keys)

    # Reading.

    def _get(self, key: str) -> bytes:
        return self._told_bytes(self._inner._get, key)

    def _get_with_meta(self, key: str) -> tuple[bytes, ObjectMeta]:
        return self._told_bytes_and(self._inner._get_with_meta, key)

    def _get_with_etag(self, key: str) -> tuple[bytes, str | None]:
        return self._told_bytes_and(self._inner._get_with_etag, key)

    def _head(self, key: str) -> ObjectMeta:
        return self._told("head", self._inner._head, key)

    def _has_key(self, key: str) -> bool:
        return self._told("contains", self._inner._has_key, key)

    def _open(self, key: str) -> BinaryIO:
        return self._opened(self._inner._open, key)

    def _stream(
        self,
        key: str,
        start: int = 0,
        stop: int | None = None,
        if_match: str | None = None,
    ) -> tuple[ObjectMeta, BinaryIO]:
        return self._streamed(self._inner._stream, key, start, stop, if_match)

    def _get_file(self, key: str, file: BinaryIO) -> object:
        return self._told_file(self._inner._get_file, key, file)

    def _get_filename(self, key: str, filename: str) -> object:
        return self._told_file(self._inner._get_filename, key, filename)

    def _get_many(self, keys: list[str]) -> dict[str, bytes]:
        return self._told_many(self._inner._get_many, keys)

    # Listing.

    def _iter_keys(self, prefix: str) -> Iterator[str]:
        return self._listed("iter_keys", self._inner._iter_keys, prefix)

    def _iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
        return self._listed("iter_meta", self._inner._iter_meta, prefix)

    def _iter_prefixes(self, delimiter: str, prefix: str) -> Iterator[str]:
        found = self._inner._iter_prefixes
        return self._listed("iter_prefixes", found, delimiter, prefix)

    # Writing.

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str | None:
        return self._told_put(self._inner._put, key, data, *args, **options)

    def _put_file(
        self, key: str, file: Readable, *args: Any, **options: Any
    ) -> str | None:
        return self._told_put_file(self._inner._put_file, key, file, *args, **options)

    def _put_filename(
        self, key: str, filename: str, *args: Any, **options: Any
    ) -> str | None:
        put = self._inner._put_filename
        return self._told_put_file(put, key, filename, *args, **options)

    def _open_writer(self, key: str, *args: Any, **options: Any) -> AbortableWriter:
        return self._written(self._inner._open_writer, key, *args, **options)

    def _put_many(self, items: Mapping[str, bytes], *args: Any, **options: Any) -> None:
        self._told_put_many(self._inner._put_many, items, *args, **options)

    def _delete(self, key: str, *args: Any, **options: Any) -> object:
        return self._told("delete", self._inner._delete, key, *args, **options)

    def _delete_many(self, keys: list[str]) -> None:
        self._told_delete_many(self._inner._delete_many, keys)

    def _remove(self, key: str) -> bool:
        return self._told("delete", self._inner._remove, key)

    def _copy(self, source: str, dest: str) -> object:
        return self._told("copy", self._inner._copy, source, dest)

    def _move(self, source: str, dest: str) -> object:
        return self._told("move", self._inner._move, source, dest)

    def _increment(self, key: str, delta: int) -> int:
        return self._told("increment", self._inner._increment, key, delta)

    # Time to live, URLs and the rest.

    def _touch(self, key: str, ttl_secs: float | str) -> None:
        self._told("touch", self._inner._touch, key, ttl_secs)

    def _ttl(self, key: str) -> float | None:
        return self._told("ttl", self._inner._ttl, key)

    def _purge_expired(self, prefix: str) -> int:
        return self._told_number("purge_expired", self._inner._purge_expired, prefix)

    def _url_for(self, key: str, *args: Any, **options: Any) -> str:
        return self._told("url_for", self._inner._url_for, key, *args, **options)

    def _ping(self) -> None:
        with self._whole("ping"):
            self._inner._ping()
