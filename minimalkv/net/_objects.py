"""What the stores on S3, Azure and Google Cloud Storage have in common."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO, Final, TypeVar

from minimalkv._errors import KeyNotFound, StoreUnavailable
from minimalkv._key_value_store import KeyValueStore
from minimalkv._localfiles import replacing
from minimalkv._meta import ObjectMeta
from minimalkv._ranged import open_ranged
from minimalkv._streams import BytesReader, Readable, chunks
from minimalkv._writers import AbortableWriter
from minimalkv.net._asked import OutOfRange
from minimalkv.net._attempts import MAX_TRIES
from minimalkv.net._bodies import BodyReader, buffered
from minimalkv.net._download import (
    LARGEST_ALONE_BYTES,
    WORKERS,
    begin,
    go_on,
)
from minimalkv.net._listing import Page
from minimalkv.net._multipart import MultipartSink, PartTarget, size_left
from minimalkv.net._parallel import each_in_parallel, in_parallel
from minimalkv.net._ranges import has_bytes

MANY_WORKERS: Final = 8
"""Requests that are on their way at once, where many keys are asked for."""

_LARGEST_OBJECT_BYTES: Final = 5 * 1024**4

_T = TypeVar("_T")


class ObjectStore(KeyValueStore):
    """A store whose values are objects, each got by one request of HTTP.

    A backend says how a value is asked for and what is in the answer, how one is stored
    in parts, and what is on a page of a listing.
    """

    # A value that is larger is never stored by one request.
    _largest_put_bytes: int = _LARGEST_OBJECT_BYTES
    _calls: Any

    @property
    def _workers(self) -> int:
        # No more than connections are kept.
        most: int = self._calls.connection.settings.max_connections
        return min(MANY_WORKERS, most)

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self._calls.connection.close()

    # What a backend has to bring; an answer is what its SDK makes of one.

    def _request(
        self,
        key: str,
        then: Callable[[Any], _T],
        start: int = 0,
        stop: int | None = None,
        if_match: str | None = None,
    ) -> _T:
        """Ask for a range of a value, and return what *then* reads of the answer."""
        raise NotImplementedError

    def _describe(self, key: str, answer: Any) -> ObjectMeta:
        raise NotImplementedError

    def _read_whole(self, answer: Any) -> bytes:
        raise NotImplementedError

    def _reader(self, key: str, answer: Any) -> BodyReader:
        raise NotImplementedError

    def _check_range(self, answer: Any, start: int, stop: int | None) -> None:
        raise NotImplementedError

    def _head(self, key: str, if_match: str | None = None) -> ObjectMeta:
        raise NotImplementedError

    def _pages(
        self, prefix: str, *, delimiter: str = "", names_only: bool = True
    ) -> Iterator[Page[Any]]:
        raise NotImplementedError

    def _key_of(self, name: str) -> str | None:
        """Return the key that the name of an object stands for, if for any."""
        raise NotImplementedError

    def _listed(self, key: str, found: Any) -> ObjectMeta:
        raise NotImplementedError

    def _upload(self, key: str, **options: Any) -> PartTarget:
        raise NotImplementedError

    def _sink(self, key: str, **options: Any) -> MultipartSink:
        raise NotImplementedError

    def _copy_object(self, source: str, dest: str) -> None:
        raise NotImplementedError

    # Reading.

    def _get(self, key: str) -> bytes:
        return self._request(key, self._read_whole)

    def _get_with_meta(self, key: str) -> tuple[bytes, ObjectMeta]:
        def read(answer: Any) -> tuple[bytes, ObjectMeta]:
            return self._read_whole(answer), self._describe(key, answer)

        return self._request(key, read)

    def _get_file(self, key: str, file: BinaryIO) -> None:
        self._download(key, file.write)

    def _get_filename(self, key: str, filename: str) -> None:
        with replacing(filename) as file:
            self._download(key, file.write)

    def _download(self, key: str, write: Callable[[Any], int | None]) -> None:
        def read(answer: Any) -> tuple[ObjectMeta, BodyReader]:
            return self._describe(key, answer), self._reader(key, answer)

        workers = min(WORKERS, self._workers)
        meta, body = self._request(key, read)
        with body:
            if meta.size <= LARGEST_ALONE_BYTES or meta.etag is None or workers < 2:
                body.write_to(write)
                return
            done = begin(body, meta.size, write)
        if done < meta.size:
            part = partial(self._read_part, key, meta.etag)
            go_on(body, part, done, meta.size, write, workers)

    def _read_part(self, key: str, etag: str, start: int, stop: int) -> bytes:
        def read(answer: Any) -> bytes:
            self._check_range(answer, start, stop)
            return self._read_whole(answer)

        return self._request(key, read, start, stop, etag)

    def _open(self, key: str) -> BinaryIO:
        return open_ranged(partial(self._stream, key))

    def _stream(
        self,
        key: str,
        start: int = 0,
        stop: int | None = None,
        if_match: str | None = None,
    ) -> tuple[ObjectMeta, BinaryIO]:
        for _ in range(MAX_TRIES):
            if stop is None or stop > start:
                with suppress(OutOfRange):
                    return self._open_part(key, start, stop, if_match)
            meta = self._head(key, if_match)
            if not has_bytes(meta.size, start, stop):
                return meta, BytesReader(b"")
            # It was replaced by a longer one between the two requests.
        raise never_the_same(key)

    def _open_part(
        self, key: str, start: int, stop: int | None, if_match: str | None
    ) -> tuple[ObjectMeta, BinaryIO]:
        def read(answer: Any) -> tuple[ObjectMeta, BinaryIO]:
            if start or stop is not None:
                self._check_range(answer, start, stop)
            meta = self._describe(key, answer)
            return meta, buffered(self._reader(key, answer))

        return self._request(key, read, start, stop, if_match)

    # Listing.

    def iter_keys(self, prefix: str = "") -> Iterator[str]:
        for page in self._pages(prefix):
            for name, _ in page.objects:
                key = self._readable_key(name, prefix)
                if key is not None:
                    yield key

    def _iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
        for page in self._pages(prefix, names_only=False):
            for name, found in page.objects:
                key = self._readable_key(name, prefix)
                if key is not None:
                    yield self._listed(key, found)

    def _readable_key(self, name: str, prefix: str) -> str | None:
        key = self._key_of(name)
        if key is None or not key.startswith(prefix) or not self._is_readable(key):
            return None
        return key

    def _iter_prefixes(self, delimiter: str, prefix: str) -> Iterator[str]:
        if delimiter != "/" or not self.extended_keys:
            yield from super()._iter_prefixes(delimiter, prefix)
            return
        for page in self._pages(prefix, delimiter=delimiter):
            for name, _ in page.objects:
                key = self._readable_key(name, prefix)
                if key is not None:
                    yield key
            for name in page.folders:
                folder = self._readable_key(name.removesuffix("/"), "")
                if folder is not None and f"{folder}/".startswith(prefix):
                    yield f"{folder}/"

    # Writing.

    def _put(self, key: str, data: bytes, **options: Any) -> str:
        if len(data) > self._largest_put_bytes:
            return self._put_file(key, BytesReader(data), **options)
        self._upload(key, **options).put_whole(data)
        return key

    def _put_file(self, key: str, file: Readable, **options: Any) -> str:
        sink = self._sink(key, **options)
        size = size_left(file)
        if size is not None:
            sink.expect(size)
        try:
            for chunk in chunks(file):
                sink.write(chunk)
            sink.publish()
        except BaseException:
            sink.discard()
            raise
        return key

    def _open_writer(self, key: str, **options: Any) -> AbortableWriter:
        return AbortableWriter(self._sink(key, **options))

    def _copy(self, source: str, dest: str) -> None:
        if source == dest:
            # S3 refuses a copy that changes nothing.
            self._head(source)
        else:
            self._copy_object(source, dest)

    # Many keys.

    def _get_many(self, keys: list[str]) -> dict[str, bytes]:
        def get(key: str) -> bytes | None:
            try:
                return self._get(key)
            except KeyNotFound:
                return None

        values = in_parallel(get, keys, self._workers)
        found = zip(keys, values, strict=True)
        return {key: value for key, value in found if value is not None}

    def _put_many(self, items: Mapping[str, bytes], **options: Any) -> None:
        def put(key: str) -> object:
            return self._put(key, items[key], **options)

        each_in_parallel(put, items, self._workers)


def never_the_same(key: str) -> StoreUnavailable:
    """Make the error of a value that was another one with every request."""
    return StoreUnavailable(f"{key!r} is replaced faster than it can be read.")
