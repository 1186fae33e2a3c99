"""The half of a store on Azure that reads."""

import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO, Final, cast

from minimalkv._conditions import changed
from minimalkv._errors import KeyNotFound, PreconditionFailed, StoreUnavailable
from minimalkv._key_value_store import KeyValueStore
from minimalkv._localfiles import replacing
from minimalkv._meta import ObjectMeta
from minimalkv._ranged import open_ranged
from minimalkv._streams import BytesReader, write_all
from minimalkv.net._azure_body import (
    CHUNK_BYTES,
    LONGEST_SUMMED_BYTES,
    Answer,
    BodyReader,
    check_range,
    describe,
    is_etag,
    read_body,
)
from minimalkv.net._azure_calls import MAX_TRIES, Calls
from minimalkv.net._azure_errors import GET, HEAD, OutOfRange
from minimalkv.net._azure_listing import Page, describe_listed, pages
from minimalkv.net._azure_names import to_key, to_name, to_name_prefix
from minimalkv.net._parallel import in_parallel

_BUFFER_BYTES: Final = 64 * 1024
# No blob is larger; the service reads no greater numbers.
_LARGEST_BYTES: Final = 2**53


class AzureReader(KeyValueStore):
    """What a store on Azure reads with; `AzureBlockBlobStore` has all the rest.

    Attributes
    ----------
    checksum : bool
        Whether what is read is compared with the MD5 that is stored with it.
    """

    checksum: bool
    _calls: Calls

    def _get(self, key: str) -> bytes:
        read = partial(read_body, key, checksum=self.checksum)
        data: bytes = self._calls(GET, key, to_name(key), then=read)
        return data

    def _get_with_meta(self, key: str) -> tuple[bytes, ObjectMeta]:
        def read(answer: Answer) -> tuple[bytes, ObjectMeta]:
            data = read_body(key, answer, checksum=self.checksum)
            return data, describe(key, answer.headers)

        found: tuple[bytes, ObjectMeta]
        found = self._calls(GET, key, to_name(key), then=read)
        return found

    def _head(self, key: str) -> ObjectMeta:
        return self._describe(key, {})

    def _describe(self, key: str, conditions: dict[str, str]) -> ObjectMeta:
        headers = self._calls(HEAD, key, to_name(key), conditions=conditions)
        return describe(key, headers)

    def _has_key(self, key: str) -> bool:
        try:
            self._calls(HEAD, key, to_name(key))
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
        conditions = match(key, if_match)
        if start < 0:
            return self._stream_end(key, start, conditions)
        is_empty = stop is not None and stop <= start
        for _ in range(MAX_TRIES):
            if not is_empty:
                with suppress(OutOfRange):
                    return self._open_part(key, start, stop, conditions)
            meta = self._describe(key, conditions)
            if is_empty or meta.size <= start:
                return meta, BytesReader(b"")
            # It was replaced by a longer one between the two requests.
        raise _never_the_same(key)

    def _stream_end(
        self, key: str, start: int, conditions: dict[str, str]
    ) -> tuple[ObjectMeta, BinaryIO]:
        """Open the last bytes: Azure has to be asked where they begin."""
        for _ in range(MAX_TRIES):
            meta = self._describe(key, conditions)
            begin = max(meta.size + start, 0)
            if begin == meta.size:
                return meta, BytesReader(b"")
            same = conditions or match(key, meta.etag)
            try:
                return self._open_part(key, begin, None, same)
            except PreconditionFailed:
                if conditions:
                    raise
        raise _never_the_same(key)

    def _open_part(
        self, key: str, start: int, stop: int | None, conditions: dict[str, str]
    ) -> tuple[ObjectMeta, BinaryIO]:
        headers = self._range(start, stop)

        def read(answer: Answer) -> tuple[ObjectMeta, BodyReader]:
            try:
                if headers:
                    check_range(key, answer.headers, start, stop)
                return describe(key, answer.headers), self._reader(key, answer)
            except BaseException:
                answer.raw.close()
                raise

        meta, reader = self._calls(
            GET, key, to_name(key), headers=headers, conditions=conditions, then=read
        )
        return meta, cast("BinaryIO", io.BufferedReader(reader, _BUFFER_BYTES))

    def _range(self, start: int, stop: int | None) -> dict[str, str]:
        begin = min(start, _LARGEST_BYTES)
        if stop is None:
            return {"x-ms-range": f"bytes={begin}-"} if begin else {}
        last = min(stop, _LARGEST_BYTES + 1) - 1
        headers = {"x-ms-range": f"bytes={begin}-{last}"}
        if self.checksum and last - begin < LONGEST_SUMMED_BYTES:
            headers["x-ms-range-get-content-md5"] = "true"
        return headers

    def _reader(self, key: str, answer: Answer) -> BodyReader:
        asked = self._calls.asked(GET, key)
        return BodyReader(answer, asked, checksum=self.checksum)

    def _get_file(self, key: str, file: BinaryIO) -> None:
        with self._body(key) as body:
            _drain(body, file.write)

    def _get_filename(self, key: str, filename: str) -> None:
        with self._body(key) as body, replacing(filename) as file:
            _drain(body, file.write)

    def _body(self, key: str) -> BodyReader:
        read = partial(self._reader, key)
        body: BodyReader = self._calls(GET, key, to_name(key), then=read)
        return body

    def _get_many(self, keys: list[str]) -> dict[str, bytes]:
        def get(key: str) -> bytes | None:
            try:
                return self._get(key)
            except KeyNotFound:
                return None

        values = in_parallel(get, keys, self._calls.connection.settings.max_connections)
        found = zip(keys, values, strict=True)
        return {key: value for key, value in found if value is not None}

    # Listing.

    def iter_keys(self, prefix: str = "") -> Iterator[str]:
        for page in self._pages(prefix):
            for name, _ in page.blobs:
                key = self._key(name, prefix)
                if key is not None:
                    yield key

    def _pages(self, prefix: str, delimiter: str = "") -> Iterator[Page]:
        name = to_name_prefix(prefix)
        return iter(()) if name is None else pages(self._calls, name, delimiter)

    def _key(self, name: str, prefix: str) -> str | None:
        key = to_key(name)
        if key is None or not key.startswith(prefix) or not self._is_readable(key):
            return None
        return key

    def _iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
        for page in self._pages(prefix):
            for name, blob in page.blobs:
                key = self._key(name, prefix)
                if key is not None:
                    yield describe_listed(key, blob)

    def _iter_prefixes(self, delimiter: str, prefix: str) -> Iterator[str]:
        if delimiter != "/" or not self.extended_keys:
            yield from super()._iter_prefixes(delimiter, prefix)
            return
        for page in self._pages(prefix, delimiter):
            for name, _ in page.blobs:
                key = self._key(name, prefix)
                if key is not None:
                    yield key
            for folder in page.folders:
                key = to_key(folder)
                if key is not None and self._is_folder(key, prefix):
                    yield key

    def _is_folder(self, key: str, prefix: str) -> bool:
        return key.startswith(prefix) and self._is_readable(key.removesuffix("/"))


def match(key: str, etag: str | None) -> dict[str, str]:
    """Return the condition that a value is still the version that was seen.

    Raises
    ------
    PreconditionFailed
        If Azure cannot have given the version, so that no value has it.
    """
    if etag is None:
        return {}
    if not is_etag(etag):
        raise changed(key)
    return {"If-Match": f'"{etag}"'}


def _never_the_same(key: str) -> StoreUnavailable:
    return StoreUnavailable(f"{key!r} is replaced faster than it can be read.")


def _drain(body: BodyReader, write: Callable[[Any], int | None]) -> None:
    buffer = memoryview(bytearray(CHUNK_BYTES))
    while size := body.readinto(buffer):
        write_all(write, buffer[:size])
