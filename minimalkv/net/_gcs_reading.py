"""The half of a store on Google Cloud Storage that reads."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final, TypeVar

from urllib3 import HTTPResponse

from minimalkv._conditions import changed
from minimalkv._errors import InvalidKey, KeyNotFound, PreconditionFailed
from minimalkv._meta import ObjectMeta
from minimalkv.net._bodies import BodyReader
from minimalkv.net._gcs_body import (
    FIELDS,
    check_range,
    describe,
    describe_json,
    generation_of,
    is_generation,
    verifier_of,
)
from minimalkv.net._gcs_calls import Ask, Calls, check_object, read_json
from minimalkv.net._gcs_errors import FAILURES, fail
from minimalkv.net._gcs_listing import pages
from minimalkv.net._listing import Page, may_be_prefix
from minimalkv.net._objects import ObjectStore
from minimalkv.net._ranges import range_text
from minimalkv.net._sockets import wait_for_body

LONGEST_NAME: Final = 1024
"""What Google takes, in bytes."""

# As it is stored: otherwise what was compressed is sent decompressed, of a length
# that nobody says beforehand.
_AS_STORED: Final = {"Accept-Encoding": "gzip"}
_T = TypeVar("_T")


class GCSReader(ObjectStore):
    """What a store on Google Cloud Storage reads with; the rest is another half."""

    _calls: Calls

    def _path(self, key: str) -> str:
        if len(key) > LONGEST_NAME:
            raise InvalidKey(
                f"{key[:60]!r}… has {len(key)} characters, Google Cloud Storage takes "
                f"{LONGEST_NAME}."
            )
        return self._calls.object_path(key)

    def _request(
        self,
        key: str,
        then: Callable[[HTTPResponse], _T],
        start: int = 0,
        stop: int | None = None,
        if_match: str | None = None,
    ) -> _T:
        path = f"/download{self._path(key)}?alt=media{condition(key, if_match)}"
        span = range_text(start, stop)
        headers = {**_AS_STORED, "Range": span} if span else _AS_STORED
        kind = "match" if if_match else ""
        ask = Ask("read", "GET", path, key, headers, condition=kind)
        if if_match is None:
            return self._calls(ask, then)

        def check(response: HTTPResponse) -> _T:
            _check_version(key, generation_of(response), if_match)
            return then(response)

        return self._calls(ask, check)

    def _read_whole(self, answer: HTTPResponse) -> bytes:
        return verifier_of(answer).take_all(answer.read())

    def _describe(self, key: str, answer: HTTPResponse) -> ObjectMeta:
        return describe(key, answer, partial(self._later_headers, key))

    def _later_headers(self, key: str, etag: str) -> Mapping[str, str]:
        # Of a value that is replaced by now nobody can tell; a conditional write that
        # is to keep them fails, too.
        try:
            return self._head(key, etag).headers
        except (KeyNotFound, PreconditionFailed):
            return {}

    def _check_range(self, answer: HTTPResponse, start: int, stop: int | None) -> None:
        check_range(answer, start, stop)

    def _reader(self, key: str, answer: HTTPResponse) -> BodyReader:
        failed = partial(fail, self._calls.asked("read", key))
        wait_for_body(answer, self._calls.connection.settings.timeout)
        return BodyReader(answer, verifier_of(answer), FAILURES, failed)

    def _head(self, key: str, if_match: str | None = None) -> ObjectMeta:
        path = f"{self._path(key)}?fields={FIELDS}{condition(key, if_match)}"
        ask = Ask("describe", "GET", path, key, condition="match" if if_match else "")
        meta = self._calls(ask, lambda answer: describe_json(key, read_json(answer)))
        if if_match is not None:
            _check_version(key, meta.etag, if_match)
        return meta

    def _has_key(self, key: str) -> bool:
        ask = Ask("describe", "GET", f"{self._path(key)}?fields=generation", key)
        try:
            self._calls(ask, check_object)
        except KeyNotFound:
            return False
        return True

    # Listing.

    def _pages(
        self, prefix: str, *, delimiter: str = "", names_only: bool = True
    ) -> Iterator[Page[Any]]:
        if not may_be_prefix(prefix):
            return iter(())
        if names_only:
            return pages(self._calls, prefix, "name", _nothing, delimiter)
        return pages(self._calls, prefix, FIELDS, describe_json, delimiter)

    def _key_of(self, name: str) -> str:
        return name

    def _listed(self, key: str, found: ObjectMeta) -> ObjectMeta:
        del key  # it is the name
        return found


def _nothing(name: str, found: Mapping[str, Any]) -> None:
    del name, found


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


def _check_version(key: str, etag: str | None, expected: str) -> None:
    # fake-gcs-server looks at this condition only when a value is written.
    if etag != expected:
        raise changed(key)
