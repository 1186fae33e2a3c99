"""The half of a store on S3 that reads."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, TypeVar

from minimalkv._conditions import changed
from minimalkv._errors import KeyNotFound
from minimalkv._meta import ObjectMeta
from minimalkv.net._asked import OutOfRange
from minimalkv.net._bodies import BodyReader, Verifier
from minimalkv.net._listing import may_be_prefix
from minimalkv.net._objects import ObjectStore
from minimalkv.net._ranges import range_text
from minimalkv.net._s3_body import (
    check_range,
    describe,
    is_etag,
    length_to_read,
    quoted,
    read_body,
)
from minimalkv.net._s3_calls import Calls
from minimalkv.net._s3_errors import FAILURES, Archived, fail
from minimalkv.net._s3_listing import Listed, Page, describe_listed, pages
from minimalkv.net._s3_names import escape, to_key, to_name
from minimalkv.net._s3_whole import as_part

_FIRST_BYTE: Final = (0, 1)
_T = TypeVar("_T")


class S3Reader(ObjectStore):
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

    def _request(
        self,
        key: str,
        then: Callable[[Any], _T],
        start: int = 0,
        stop: int | None = None,
        if_match: str | None = None,
    ) -> _T:
        params = {"Key": self._name(key), **match(key, if_match)}
        span = range_text(start, stop)
        read = then
        if span:
            params["Range"] = span

            def read(answer: Any) -> _T:
                return then(as_part(answer, start, stop))

        result: _T = self._calls("get_object", key, then=read, **params)
        return result

    def _read_whole(self, answer: Any) -> bytes:
        return read_body(answer)

    def _describe(self, key: str, answer: Any) -> ObjectMeta:
        return describe(key, answer)

    def _check_range(self, answer: Any, start: int, stop: int | None) -> None:
        check_range(answer, start, stop)

    def _reader(self, key: str, answer: Any) -> BodyReader:
        failed = partial(fail, self._calls.asked("get_object", key))
        verifier = Verifier(length_to_read(answer))
        return BodyReader(answer["Body"], verifier, FAILURES, failed)

    # An answer to HEAD says neither whether the key or the bucket is missing, nor
    # whether its headers are all there. So the first byte is asked for instead.

    def _head(self, key: str, if_match: str | None = None) -> ObjectMeta:
        def read(answer: Any) -> ObjectMeta:
            check_range(answer, *_FIRST_BYTE)
            read_body(answer)
            return describe(key, answer)

        try:
            return self._request(key, read, *_FIRST_BYTE, if_match)
        except (OutOfRange, Archived):
            params = {"Key": self._name(key), **match(key, if_match)}
            look = partial(describe, key)
            meta: ObjectMeta = self._calls("head_object", key, then=look, **params)
            return meta

    def _has_key(self, key: str) -> bool:
        try:
            self._request(key, read_body, *_FIRST_BYTE)
        except KeyNotFound:
            return False
        except (OutOfRange, Archived):
            return True
        return True

    # Listing.

    def _pages(
        self, prefix: str, *, delimiter: str = "", names_only: bool = True
    ) -> Iterator[Page]:
        del names_only  # a listing is the same for all
        if not may_be_prefix(prefix):
            return iter(())
        escapes = not self._calls.connection.is_aws
        name = self.object_prefix + (escape(prefix) if escapes else prefix)
        return pages(self._calls, name, delimiter)

    def _key_of(self, name: str) -> str | None:
        # Asked for what begins with "a/", SeaweedFS also gives "a".
        if not name.startswith(self.object_prefix):
            return None
        rest = name[len(self.object_prefix) :]
        return to_key(rest, escapes=not self._calls.connection.is_aws)

    def _listed(self, key: str, found: Listed) -> ObjectMeta:
        return describe_listed(key, found)


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
