"""The half of a store on Azure that reads."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO, Final, TypeVar
from xml.etree.ElementTree import Element

from minimalkv._conditions import changed
from minimalkv._errors import KeyNotFound, PreconditionFailed
from minimalkv._meta import ObjectMeta
from minimalkv._streams import BytesReader
from minimalkv.net._attempts import MAX_TRIES
from minimalkv.net._azure_body import (
    Answer,
    check_range,
    describe,
    is_etag,
    verifier_of,
)
from minimalkv.net._azure_calls import Calls, drained
from minimalkv.net._azure_errors import FAILURES, GET, HEAD, fail
from minimalkv.net._azure_listing import Page, describe_listed, pages
from minimalkv.net._azure_names import to_key, to_name, to_name_prefix
from minimalkv.net._bodies import BodyReader
from minimalkv.net._objects import ObjectStore, never_the_same
from minimalkv.net._ranges import range_text
from minimalkv.net._sockets import wait_for_body

# Azure gives no sum of a longer range.
_LONGEST_SUMMED_BYTES: Final = 4 * 1024 * 1024
_T = TypeVar("_T")


class AzureReader(ObjectStore):
    """What a store on Azure reads with; `AzureBlockBlobStore` has all the rest.

    Attributes
    ----------
    checksum : bool
        Whether what is read is compared with the MD5 that is stored with it.
    """

    checksum: bool
    _calls: Calls

    def _request(
        self,
        key: str,
        then: Callable[[Answer], _T],
        start: int = 0,
        stop: int | None = None,
        if_match: str | None = None,
    ) -> _T:
        headers = self._range(start, stop)
        conditions = match(key, if_match)
        result: _T = self._calls(
            GET, key, to_name(key), headers=headers, conditions=conditions, then=then
        )
        return result

    def _range(self, start: int, stop: int | None) -> dict[str, str]:
        span = range_text(start, stop)
        headers = {"x-ms-range": span} if span else {}
        is_short = stop is not None and stop - start <= _LONGEST_SUMMED_BYTES
        if self.checksum and is_short:
            headers["x-ms-range-get-content-md5"] = "true"
        return headers

    def _read_whole(self, answer: Answer) -> bytes:
        verifier = verifier_of(answer, checksum=self.checksum)
        return verifier.take_all(answer.raw.read())

    def _describe(self, key: str, answer: Answer) -> ObjectMeta:
        return describe(key, answer.headers)

    def _check_range(self, answer: Answer, start: int, stop: int | None) -> None:
        check_range(answer, start, stop)

    def _reader(self, key: str, answer: Answer) -> BodyReader:
        wait_for_body(answer.raw, self._calls.connection.settings.read_secs)
        failed = partial(fail, self._calls.asked(GET, key))
        verifier = verifier_of(answer, checksum=self.checksum)
        return BodyReader(answer.raw, verifier, FAILURES, failed)

    def _head(self, key: str, if_match: str | None = None) -> ObjectMeta:
        def read(answer: Answer) -> ObjectMeta:
            return describe(key, drained(answer))

        conditions = match(key, if_match)
        meta: ObjectMeta = self._calls(
            HEAD, key, to_name(key), conditions=conditions, then=read
        )
        return meta

    def _has_key(self, key: str) -> bool:
        try:
            self._calls(HEAD, key, to_name(key))
        except KeyNotFound:
            return False
        return True

    def _stream(
        self,
        key: str,
        start: int = 0,
        stop: int | None = None,
        if_match: str | None = None,
    ) -> tuple[ObjectMeta, BinaryIO]:
        if start < 0:
            return self._stream_end(key, -start, if_match)
        return super()._stream(key, start, stop, if_match)

    def _stream_end(
        self, key: str, size: int, if_match: str | None
    ) -> tuple[ObjectMeta, BinaryIO]:
        """Open the last bytes: Azure has to be asked where they begin."""
        for _ in range(MAX_TRIES):
            meta = self._head(key, if_match)
            if not meta.size:
                return meta, BytesReader(b"")
            begin = max(meta.size - size, 0)
            try:
                return self._open_part(key, begin, None, meta.etag)
            except PreconditionFailed:
                if if_match is not None:
                    raise
        raise never_the_same(key)

    # Listing.

    def _pages(
        self, prefix: str, *, delimiter: str = "", names_only: bool = True
    ) -> Iterator[Page]:
        name = to_name_prefix(prefix)
        if name is None:
            return iter(())
        return pages(self._calls, name, delimiter, names_only=names_only)

    def _key_of(self, name: str) -> str | None:
        return to_key(name)

    def _listed(self, key: str, found: Element) -> ObjectMeta:
        return describe_listed(key, found)


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
