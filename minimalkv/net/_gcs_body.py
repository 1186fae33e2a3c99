"""What an answer brings: the facts in its headers, and a body that is all there."""

import base64
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import google_crc32c
from urllib3 import HTTPResponse

from minimalkv._errors import MinimalkvError
from minimalkv._meta import ObjectMeta, guess_content_type
from minimalkv._streams import resolve_range
from minimalkv.net._gcs_errors import FAILURES, Broken

CHUNK_BYTES: Final = 1024 * 1024
"""What `get_file` reads at a time."""

FIELDS: Final = (
    "name,size,generation,timeCreated,contentType,md5Hash,"
    "cacheControl,contentDisposition,contentEncoding"
)
"""What is asked for of the description of an object."""

KEPT: Final = {
    "Cache-Control": "cacheControl",
    "Content-Disposition": "contentDisposition",
    "Content-Encoding": "contentEncoding",
}
"""The headers that are kept, and what they are called in JSON."""

_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_GENERATION: Final = re.compile(r"[1-9][0-9]{0,18}")
_HASH: Final = re.compile(r"(crc32c|md5)=([\w+/]+=*)")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_BEFORE: Final = datetime(2010, 1, 1, tzinfo=UTC)
_NOT_AFTER: Final = datetime(2200, 1, 1, tzinfo=UTC)
# What the server sends with a value in the place of what was stored with it.
_STOCK_CACHE_CONTROL: Final = "no-cache, no-store, max-age=0, must-revalidate"
_STOCK_DISPOSITION: Final = "attachment"


class Checksum:
    """A CRC-32C that grows with the bytes, as the server has it of every value."""

    def __init__(self) -> None:
        self._crc = 0

    def update(self, data: bytes) -> None:
        """Take more bytes."""
        self._crc = google_crc32c.extend(self._crc, data)

    @property
    def text(self) -> str:
        """The checksum as the server writes it."""
        return base64.b64encode(self._crc.to_bytes(4, "big")).decode()


def checksum(data: bytes) -> str:
    """Return the CRC-32C of a whole value as the server writes it."""
    whole = Checksum()
    whole.update(data)
    return whole.text


def is_generation(etag: str) -> bool:
    """Tell whether an etag may be a generation; 0 would stand for no value."""
    return etag.isascii() and etag.isdecimal() and etag[0] != "0" and int(etag) < 2**63


def describe_json(key: str, found: Mapping[str, Any]) -> ObjectMeta:
    """Tell the facts that the description of an object has.

    Raises
    ------
    Broken
        If something else came.
    """
    try:
        return ObjectMeta(
            key,
            int(found["size"]),
            etag=str(found["generation"]),
            modified=datetime.fromisoformat(found["timeCreated"]),
            content_type=found.get("contentType") or guess_content_type(key),
            md5=_to_hex(found.get("md5Hash")),
            headers=headers_in(found),
        )
    except (KeyError, ValueError, TypeError):
        raise Broken("A description of an object was expected.") from None


def headers_in(found: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that the description of an object has."""
    return {name: found[field] for name, field in KEPT.items() if found.get(field)}


def _to_hex(encoded: str | None) -> str | None:
    with suppress(ValueError):
        return base64.b64decode(encoded).hex() if encoded else None
    return None


class LaterHeaders(Mapping[str, str]):
    """The headers of a value that came without them, asked for when they are wanted.

    Parameters
    ----------
    ask : callable
        Returns them.
    """

    def __init__(self, ask: Callable[[], Mapping[str, str]]) -> None:
        self._ask = ask
        self._known: Mapping[str, str] | None = None

    def _get(self) -> Mapping[str, str]:
        if self._known is None:
            self._known = self._ask()
        return self._known

    def __getitem__(self, name: str) -> str:
        return self._get()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._get())

    def __len__(self) -> int:
        return len(self._get())

    def __repr__(self) -> str:
        return "<not asked for>" if self._known is None else repr(self._known)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


def describe(
    key: str, response: HTTPResponse, ask: Callable[[str], Mapping[str, str]]
) -> ObjectMeta:
    """Tell the facts that come along with a value.

    Parameters
    ----------
    key : str
        The key.
    response : HTTPResponse
        The answer.
    ask : callable
        Returns the headers of the value that has this generation.

    Raises
    ------
    Broken
        If a fact is missing that no answer is without.
    """
    headers = response.headers
    etag = _generation(response)
    return ObjectMeta(
        key,
        _size(response),
        etag=etag,
        modified=_modified(headers.get("Last-Modified"), etag),
        content_type=_text(headers.get("Content-Type")) or guess_content_type(key),
        md5=_to_hex(_hashes(headers).get("md5")),
        headers=_kept(headers, lambda: ask(etag)),
    )


def _generation(response: HTTPResponse) -> str:
    # Some page of another server, as a hotel's, has none either.
    found = response.headers.get("X-Goog-Generation") or ""
    if not is_generation(found):
        raise Broken("An answer came without its generation.")
    return found


def _kept(
    headers: Mapping[str, str], ask: Callable[[], Mapping[str, str]]
) -> Mapping[str, str]:
    kept = {name: _text(headers[name]) for name in KEPT if headers.get(name)}
    disposition = kept.get("Content-Disposition")
    # Google lets nobody use the interface to serve pages: whatever was stored, a value
    # comes with these two. Emulators send what was stored.
    if (
        disposition == _STOCK_DISPOSITION
        or kept.get("Cache-Control") == _STOCK_CACHE_CONTROL
    ):
        return LaterHeaders(ask)
    return kept


def _text(value: str | None) -> str:
    """Return a header as it was stored: as UTF-8, which http.client does not know."""
    if not value or value.isascii():
        return value or ""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _modified(date: str | None, generation: str) -> datetime | None:
    with suppress(ValueError, TypeError):
        if date:
            return parsedate_to_datetime(date).astimezone(UTC)
    # Google's generations are microseconds, and not all of its answers have a date.
    guess = _EPOCH + timedelta(microseconds=int(generation))
    return guess if _NOT_BEFORE < guess < _NOT_AFTER else None


def _size(response: HTTPResponse) -> int:
    match = _RANGE.fullmatch(response.headers.get("Content-Range") or "")
    return int(match[3]) if match else length_of(response)


def length_of(response: HTTPResponse) -> int:
    """Return how many bytes are to come.

    Raises
    ------
    Broken
        If the answer does not say it, so that nobody could tell whether all came.
    """
    length = response.headers.get("Content-Length")
    if length is None or not length.isdecimal():
        raise Broken("An answer came without its length.")
    return int(length)


def check_range(response: HTTPResponse, start: int, stop: int | None) -> None:
    """Check that an answer has the range that was asked for, as for `stream`.

    Raises
    ------
    Broken
        If it has another one.
    """
    span = response.headers.get("Content-Range") or ""
    # A value without bytes has no ranges; some servers refuse, others send it.
    if length_of(response) == 0 and (not span or span.endswith("/0")):
        return
    match = _RANGE.fullmatch(span)
    if match is None:
        raise Broken("Not the range that was asked for came, but all.")
    begin, last, size = map(int, match.groups())
    expected = resolve_range(start, stop, size)
    if (begin, last + 1) != expected or last + 1 - begin != length_of(response):
        raise Broken("Another range came than was asked for.")


def _hashes(headers: Mapping[str, str]) -> dict[str, str]:
    return dict(_HASH.findall(headers.get("X-Goog-Hash") or ""))


class Verifier:
    """Compares a whole value, while it arrives, with its length and its checksum.

    Parameters
    ----------
    response : HTTPResponse
        The answer that brings it, or a part of it, which has no checksum.
    """

    def __init__(self, response: HTTPResponse) -> None:
        _generation(response)
        self._left = length_of(response)
        hashes = {} if response.status == 206 else _hashes(response.headers)
        self._expected = hashes.get("crc32c") or hashes.get("md5")
        self._update: Callable[[bytes], object] | None = None
        self._result: Callable[[], str]
        if "crc32c" in hashes:
            crc = Checksum()
            self._update, self._result = crc.update, lambda: crc.text
        elif "md5" in hashes:
            md5 = hashlib.md5(usedforsecurity=False)
            self._update = md5.update
            self._result = lambda: base64.b64encode(md5.digest()).decode()

    def take(self, data: bytes) -> bytes:
        """Take what came next; nothing at the end.

        Raises
        ------
        Broken
            If it is the end and something is missing, or other than it should be.
        """
        self._left -= len(data)
        if self._left < 0 or (self._left and not data):
            raise Broken("The answer ended before all had come.")
        if self._update is not None:
            self._update(data)
            if not self._left and self._result() != self._expected:
                raise Broken("What came does not match its checksum.")
        return data


def read_body(response: HTTPResponse) -> bytes:
    """Read a value to its end.

    Raises
    ------
    Broken
        If it is not all there, or damaged.
    """
    verifier = Verifier(response)
    data: bytes = response.read(decode_content=False)
    if data:
        verifier.take(data)
    verifier.take(b"")
    return data


class BodyReader(io.RawIOBase):
    """The body of an answer as a file to read forwards, once.

    Parameters
    ----------
    response : HTTPResponse
        The answer.
    failed : callable
        Makes our error of one of `FAILURES`.
    """

    def __init__(
        self, response: HTTPResponse, failed: Callable[[Exception], MinimalkvError]
    ) -> None:
        self._response = response
        self._failed = failed
        self._verifier = Verifier(response)

    def readable(self) -> bool:
        return True

    def read_chunk(self, size: int | None) -> bytes:
        """Read as many bytes, or all that are left; fewer at the end only."""
        try:
            data: bytes = self._response.read(size, decode_content=False)
            return self._verifier.take(data) if data or size != 0 else data
        except FAILURES as error:
            raise self._failed(error) from error

    def readinto(self, buffer: Any, /) -> int:
        data = self.read_chunk(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        data = self.read_chunk(None)
        if data:
            self.read_chunk(None)
        return data

    def close(self) -> None:
        if not self.closed:
            self._response.close()
        super().close()
