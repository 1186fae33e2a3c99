"""The half of a store on Google Cloud Storage that reads."""

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO, Final, TypeVar, cast

from urllib3 import HTTPResponse

from minimalkv._conditions import changed
from minimalkv._errors import (
    InvalidKey,
    KeyNotFound,
    PreconditionFailed,
    StoreUnavailable,
)
from minimalkv._key_value_store import KeyValueStore
from minimalkv._localfiles import replacing
from minimalkv._meta import ObjectMeta
from minimalkv._ranged import open_ranged
from minimalkv._streams import BytesReader, write_all
from minimalkv.net._gcs_body import (
    CHUNK_BYTES,
    FIELDS,
    BodyReader,
    check_range,
    describe,
    describe_json,
    is_generation,
    read_body,
)
from minimalkv.net._gcs_calls import MAX_TRIES, Ask, Calls, check_object, read_json
from minimalkv.net._gcs_errors import OutOfRange
from minimalkv.net._gcs_listing import Page, pages
from minimalkv.net._gcs_many import WORKERS
from minimalkv.net._parallel import in_parallel

LONGEST_NAME: Final = 1024
"""What Google takes, in bytes."""

_BUFFER_BYTES: Final = 64 * 1024
# No value is larger, and servers differ in what they make of greater numbers.
_LARGEST_BYTES: Final = 2**53
# As it is stored: otherwise what was compressed is sent decompressed, of a length
# that nobody says beforehand.
_AS_STORED: Final = {"Accept-Encoding": "gzip"}
_T = TypeVar("_T")


class GCSReader(KeyValueStore):
    """What a store on Google Cloud Storage reads with; the rest is another half."""

    _calls: Calls

    def _path(self, key: str) -> str:
        if len(key) > LONGEST_NAME:
            raise InvalidKey(
                f"{key[:60]!r}… has {len(key)} characters, Google Cloud Storage takes "
                f"{LONGEST_NAME}."
            )
        return self._calls.object_path(key)

    def _read(self, key: str, then: Callable[[HTTPResponse], _T]) -> _T:
        return self._calls(self._media(key), then)

    def _media(self, key: str, if_match: str | None = None) -> Ask:
        """Make the request for a value."""
        path = f"/download{self._path(key)}?alt=media{condition(key, if_match)}"
        is_conditional = "match" if if_match else ""
        return Ask("read", "GET", path, key, _AS_STORED, condition=is_conditional)

    def _get(self, key: str) -> bytes:
        return self._read(key, read_body)

    def _get_with_meta(self, key: str) -> tuple[bytes, ObjectMeta]:
        def read(response: HTTPResponse) -> tuple[bytes, ObjectMeta]:
            meta = self._describe(key, response)
            return read_body(response), meta

        return self._read(key, read)

    def _describe(self, key: str, response: HTTPResponse) -> ObjectMeta:
        return describe(key, response, partial(self._later_headers, key))

    def _later_headers(self, key: str, etag: str) -> Mapping[str, str]:
        # Of a value that is replaced by now nobody can tell; a conditional write that
        # is to keep them fails, too.
        try:
            return self._head(key, etag).headers
        except (KeyNotFound, PreconditionFailed):
            return {}

    def _head(self, key: str, if_match: str | None = None) -> ObjectMeta:
        path = f"{self._path(key)}?fields={FIELDS}{condition(key, if_match)}"
        ask = Ask("describe", "GET", path, key, condition="match" if if_match else "")
        meta = self._calls(ask, lambda answer: describe_json(key, read_json(answer)))
        return _checked(meta, if_match)

    def _has_key(self, key: str) -> bool:
        ask = Ask("describe", "GET", f"{self._path(key)}?fields=generation", key)
        try:
            self._calls(ask, check_object)
        except KeyNotFound:
            return False
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
        for _ in range(MAX_TRIES):
            if stop is None or stop > start:
                with suppress(OutOfRange):
                    return self._open_part(key, start, stop, if_match)
            meta = self._head(key, if_match)
            if not _has_bytes(meta.size, start, stop):
                return meta, BytesReader(b"")
            # It was replaced by a longer one between the two requests.
        raise StoreUnavailable(f"{key!r} is replaced faster than it can be read.")

    def _open_part(
        self, key: str, start: int, stop: int | None, if_match: str | None
    ) -> tuple[ObjectMeta, BinaryIO]:
        ask = self._media(key, if_match)
        span = _range(start, stop)

        def look(response: HTTPResponse) -> tuple[ObjectMeta, BodyReader]:
            if span:
                check_range(response, start, stop)
            meta = _checked(self._describe(key, response), if_match)
            return meta, self._reader(ask, response)

        meta, body = self._calls(ask._replace(headers={**_AS_STORED, **span}), look)
        return meta, cast("BinaryIO", io.BufferedReader(body, _BUFFER_BYTES))

    def _reader(self, ask: Ask, response: HTTPResponse) -> BodyReader:
        return BodyReader(response, partial(self._calls.error, ask))

    def _get_file(self, key: str, file: BinaryIO) -> None:
        with self._body(key) as body:
            _drain(body, file.write)

    def _get_filename(self, key: str, filename: str) -> None:
        with self._body(key) as body, replacing(filename) as file:
            _drain(body, file.write)

    def _body(self, key: str) -> BodyReader:
        ask = self._media(key)
        return self._calls(ask, partial(self._reader, ask))

    def _get_many(self, keys: list[str]) -> dict[str, bytes]:
        def get(key: str) -> bytes | None:
            try:
                return self._get(key)
            except KeyNotFound:
                return None

        values = in_parallel(get, keys, WORKERS)
        found = zip(keys, values, strict=True)
        return {key: value for key, value in found if value is not None}

    # Listing.

    def iter_keys(self, prefix: str = "") -> Iterator[str]:
        for page in self._pages(prefix, "name", _name):
            for key in page.objects:
                if self._is_readable(key):
                    yield key

    def _pages(
        self,
        prefix: str,
        fields: str,
        read: Callable[[Mapping[str, Any]], _T],
        delimiter: str = "",
    ) -> Iterator[Page[_T]]:
        # The keys of version 1 could end with a newline; no other text begins a key.
        text = prefix.removesuffix("\n")
        if not (text.isascii() and text.isprintable()):
            return iter(())
        return pages(self._calls, prefix, fields, read, delimiter)

    def _iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
        for page in self._pages(prefix, FIELDS, _meta):
            for meta in page.objects:
                if self._is_readable(meta.key):
                    yield meta

    def _iter_prefixes(self, delimiter: str, prefix: str) -> Iterator[str]:
        if delimiter != "/" or not self.extended_keys:
            yield from super()._iter_prefixes(delimiter, prefix)
            return
        for page in self._pages(prefix, "name", _name, delimiter):
            for key in page.objects:
                if self._is_readable(key):
                    yield key
            for folder in page.folders:
                if self._is_readable(folder.removesuffix(delimiter)):
                    yield folder


def _name(found: Mapping[str, Any]) -> str:
    return str(found["name"])


def _meta(found: Mapping[str, Any]) -> ObjectMeta:
    return describe_json(_name(found), found)


def condition(key: str, etag: str | None) -> str:
    """Return what a query says so that the value has to be the version that was seen.

    Raises
    ------
    PreconditionFailed
        If it is no generation, so that no value has it.
    """
    if etag is None:
        return ""
    if not is_generation(etag):
        raise changed(key)
    return f"&ifGenerationMatch={etag}"


def _checked(meta: ObjectMeta, if_match: str | None) -> ObjectMeta:
    # fake-gcs-server looks at this condition only when a value is written.
    if if_match is not None and meta.etag != if_match:
        raise changed(meta.key)
    return meta


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
    while data := body.read_chunk(CHUNK_BYTES):
        write_all(write, data)
