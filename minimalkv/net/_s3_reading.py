"""The half of a store on S3 that reads."""

import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO, Final, cast

from minimalkv._conditions import changed
from minimalkv._errors import KeyNotFound, StoreUnavailable
from minimalkv._key_value_store import KeyValueStore
from minimalkv._localfiles import replacing
from minimalkv._meta import ObjectMeta, guess_content_type
from minimalkv._ranged import open_ranged
from minimalkv._streams import BytesReader, write_all
from minimalkv.net._parallel import in_parallel
from minimalkv.net._s3_body import (
    CHUNK_BYTES,
    BodyReader,
    check_range,
    describe,
    is_etag,
    md5_of,
    quoted,
    read_body,
)
from minimalkv.net._s3_calls import MAX_TRIES, Calls
from minimalkv.net._s3_errors import Archived, OutOfRange
from minimalkv.net._s3_listing import Listed, Page, pages
from minimalkv.net._s3_many import workers
from minimalkv.net._s3_names import escape, is_listable, to_key, to_name

_BUFFER_BYTES: Final = 64 * 1024
_FIRST_BYTE: Final = "bytes=0-0"
# No value is larger, and servers differ in what they make of greater numbers.
_LARGEST_BYTES: Final = 2**53


class S3Reader(KeyValueStore):
    """What a store on S3 reads with; `Boto3Store` has all the rest.

    Attributes
    ----------
    object_prefix : str
        What the names of the store's objects begin with.
    """

    object_prefix: str
    _calls: Calls

    def _name(self, key: str) -> str:
        escapes = "\\" in key and not self._calls.connection.is_aws
        return to_name(self.object_prefix, key, escapes=escapes)

    def _get(self, key: str) -> bytes:
        read = partial(read_body, key)
        data: bytes = self._calls("get_object", key, then=read, Key=self._name(key))
        return data

    def _get_with_meta(self, key: str) -> tuple[bytes, ObjectMeta]:
        def read(response: Any) -> tuple[bytes, ObjectMeta]:
            return read_body(key, response), describe(key, response)

        found: tuple[bytes, ObjectMeta]
        found = self._calls("get_object", key, then=read, Key=self._name(key))
        return found

    # An answer to HEAD says neither whether the key or the bucket is missing, nor
    # whether its headers are all there. So the first byte is asked for instead.

    def _head(self, key: str) -> ObjectMeta:
        return self._describe(key, {"Key": self._name(key)})

    def _describe(self, key: str, params: dict[str, Any]) -> ObjectMeta:
        def read(response: Any) -> ObjectMeta:
            check_range(key, response, 0, 1)
            read_body(key, response)
            return describe(key, response)

        meta: ObjectMeta
        try:
            meta = self._calls(
                "get_object", key, then=read, Range=_FIRST_BYTE, **params
            )
        except (OutOfRange, Archived):
            meta = self._calls(
                "head_object", key, then=partial(describe, key), **params
            )
        return meta

    def _has_key(self, key: str) -> bool:
        read = partial(read_body, key)
        name = self._name(key)
        try:
            self._calls("get_object", key, then=read, Key=name, Range=_FIRST_BYTE)
        except KeyNotFound:
            return False
        except (OutOfRange, Archived):
            return True
        return True

    def _open(self, key: str) -> BinaryIO:
        return open_ranged(partial(self._stream, key))

    def _stream(
        self,
        key: str,
        start: int = 0,
        stop: int | None = None,
        if_match: str | None = None,
    ) -> tuple[ObjectMeta, BinaryIO]:
        params = {"Key": self._name(key), **match(key, if_match)}
        for _ in range(MAX_TRIES):
            if stop is None or stop > start:
                with suppress(OutOfRange):
                    return self._open_part(key, start, stop, params)
            meta = self._describe(key, params)
            if not _has_bytes(meta.size, start, stop):
                return meta, BytesReader(b"")
            # It was replaced by a longer one between the two requests.
        raise StoreUnavailable(f"{key!r} is replaced faster than it can be read.")

    def _open_part(
        self, key: str, start: int, stop: int | None, params: dict[str, Any]
    ) -> tuple[ObjectMeta, BinaryIO]:
        span = _range(start, stop)

        def read(response: Any) -> tuple[ObjectMeta, BinaryIO]:
            if span:
                check_range(key, response, start, stop)
            reader = io.BufferedReader(self._reader(key, response), _BUFFER_BYTES)
            return describe(key, response), cast("BinaryIO", reader)

        opened: tuple[ObjectMeta, BinaryIO]
        opened = self._calls("get_object", key, then=read, **params, **span)
        return opened

    def _reader(self, key: str, response: Any) -> BodyReader:
        return BodyReader(key, response, self._calls.asked("get_object", key))

    def _get_file(self, key: str, file: BinaryIO) -> None:
        with self._body(key) as body:
            _drain(body, file.write)

    def _get_filename(self, key: str, filename: str) -> None:
        with self._body(key) as body, replacing(filename) as file:
            _drain(body, file.write)

    def _body(self, key: str) -> BodyReader:
        read = partial(self._reader, key)
        body: BodyReader
        body = self._calls("get_object", key, then=read, Key=self._name(key))
        return body

    def _get_many(self, keys: list[str]) -> dict[str, bytes]:
        def get(key: str) -> bytes | None:
            try:
                return self._get(key)
            except KeyNotFound:
                return None

        values = in_parallel(get, keys, workers(self._calls))
        found = zip(keys, values, strict=True)
        return {key: value for key, value in found if value is not None}

    # Listing.

    def iter_keys(self, prefix: str = "") -> Iterator[str]:
        for listed in self._objects(prefix):
            yield listed.name

    def _iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
        for listed in self._objects(prefix):
            yield _meta(listed)

    def _objects(self, prefix: str) -> Iterator[Listed]:
        """Yield what is listed, with keys for names."""
        for page in self._pages(prefix):
            for listed in page.objects:
                key = self._key(listed.name, prefix)
                if key is not None:
                    yield listed._replace(name=key)

    def _iter_prefixes(self, delimiter: str, prefix: str) -> Iterator[str]:
        if delimiter != "/" or not self.extended_keys:
            yield from super()._iter_prefixes(delimiter, prefix)
            return
        for page in self._pages(prefix, delimiter):
            for listed in page.objects:
                key = self._key(listed.name, prefix)
                if key is not None:
                    yield key
            for folder in page.folders:
                key = self._key(folder.removesuffix(delimiter), "")
                if key is not None and f"{key}/".startswith(prefix):
                    yield f"{key}/"

    def _pages(self, prefix: str, delimiter: str = "") -> Iterator[Page]:
        if not is_listable(prefix):
            return iter(())
        escapes = not self._calls.connection.is_aws
        name = self.object_prefix + (escape(prefix) if escapes else prefix)
        return pages(self._calls, name, delimiter)

    def _key(self, name: str, prefix: str) -> str | None:
        # Asked for what begins with "a/", SeaweedFS also gives "a".
        rest = name[len(self.object_prefix) :]
        key = to_key(rest, escapes=not self._calls.connection.is_aws)
        if key is None or not name.startswith(self.object_prefix):
            return None
        return key if key.startswith(prefix) and self._is_readable(key) else None


def match(key: str, etag: str | None) -> dict[str, Any]:
    """Return the condition that a value is still the version that was seen.

    Raises
    ------
    PreconditionFailed
        If no server can have given the version, so that no value has it.
    """
    if etag is None:
        return {}
    if not is_etag(etag):
        raise changed(key)
    return {"IfMatch": quoted(etag)}


def _range(start: int, stop: int | None) -> dict[str, Any]:
    if start < 0:
        return {"Range": f"bytes=-{min(-start, _LARGEST_BYTES)}"}
    if stop is None and start == 0:
        return {}
    begin = min(start, _LARGEST_BYTES)
    last = "" if stop is None else min(stop, _LARGEST_BYTES + 1) - 1
    return {"Range": f"bytes={begin}-{last}"}


def _has_bytes(size: int, start: int, stop: int | None) -> bool:
    is_empty = stop is not None and stop <= start
    return size > 0 and start < size and not is_empty


def _drain(body: BodyReader, write: Callable[[Any], int | None]) -> None:
    buffer = memoryview(bytearray(CHUNK_BYTES))
    while size := body.readinto(buffer):
        write_all(write, buffer[:size])


def _meta(listed: Listed) -> ObjectMeta:
    return ObjectMeta(
        listed.name,
        listed.size,
        etag=listed.etag,
        modified=listed.modified,
        content_type=guess_content_type(listed.name),
        md5=md5_of(listed.etag),
    )
