"""What an answer brings: the facts in its headers, and a body that is all there."""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import google_crc32c
from urllib3 import HTTPResponse

from minimalkv._meta import ObjectMeta, guess_content_type
from minimalkv.net import _ranges
from minimalkv.net._asked import Broken
from minimalkv.net._bodies import MD5, Sum, Verifier
from minimalkv.net._headers import date_of, hex_of, length_of, text_of

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

_HASH: Final = re.compile(r"(crc32c|md5)=([\w+/]+=*)")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_BEFORE: Final = datetime(2010, 1, 1, tzinfo=UTC)
_NOT_AFTER: Final = datetime(2200, 1, 1, tzinfo=UTC)
# What the server sends with a value in the place of what was stored with it.
_STOCK_CACHE_CONTROL: Final = "no-cache, no-store, max-age=0, must-revalidate"
_STOCK_DISPOSITION: Final = "attachment"


class Checksum:
    """A CRC-32C that grows with the bytes, as the server has it of every value."""

    name = "CRC-32C"

    def __init__(self, data: bytes = b"") -> None:
        self._crc = google_crc32c.value(data) if data else 0

    def update(self, data: bytes) -> None:
        """Take more bytes."""
        self._crc = google_crc32c.extend(self._crc, data)

    @property
    def text(self) -> str:
        """The checksum as the server writes it."""
        return b64encode(self._crc.to_bytes(4, "big")).decode()


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
            md5=hex_of(found.get("md5Hash")),
            headers=headers_in(found),
        )
    except (KeyError, ValueError, TypeError):
        raise Broken("sent no description of an object") from None


def headers_in(found: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that the description of an object has."""
    return {name: found[field] for name, field in KEPT.items() if found.get(field)}


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
    etag = generation_of(response)
    size = _ranges.size_in(headers.get("Content-Range"))
    return ObjectMeta(
        key,
        length_of(headers.get("Content-Length")) if size is None else size,
        etag=etag,
        modified=_modified(headers.get("Last-Modified"), etag),
        content_type=text_of(headers.get("Content-Type")) or guess_content_type(key),
        md5=hex_of(_hashes(headers).get("md5")),
        headers=_kept(headers, lambda: ask(etag)),
    )


def generation_of(response: HTTPResponse) -> str:
    """Return the generation of the value in an answer.

    Raises
    ------
    Broken
        If it says none.
    """
    # Some page of another server, as a hotel's, has none either.
    found = response.headers.get("X-Goog-Generation") or ""
    if not is_generation(found):
        raise Broken("sent an answer without its generation")
    return found


def _kept(
    headers: Mapping[str, str], ask: Callable[[], Mapping[str, str]]
) -> Mapping[str, str]:
    kept = {name: text_of(headers[name]) for name in KEPT if headers.get(name)}
    disposition = kept.get("Content-Disposition")
    # Google lets nobody use the interface to serve pages: whatever was stored, a value
    # comes with these two. Emulators send what was stored.
    if (
        disposition == _STOCK_DISPOSITION
        or kept.get("Cache-Control") == _STOCK_CACHE_CONTROL
    ):
        return LaterHeaders(ask)
    return kept


def _modified(date: str | None, generation: str) -> datetime | None:
    found = date_of(date)
    if found is not None:
        return found
    # Google's generations are microseconds, and not all of its answers have a date.
    guess = _EPOCH + timedelta(microseconds=int(generation))
    return guess if _NOT_BEFORE < guess < _NOT_AFTER else None


def check_range(response: HTTPResponse, start: int, stop: int | None) -> None:
    """Check that an answer has the range that was asked for, as for `stream`.

    Raises
    ------
    Broken
        If it has another one.
    """
    span = response.headers.get("Content-Range") or ""
    length = length_of(response.headers.get("Content-Length"))
    # A value without bytes has no ranges; some servers refuse, others send it.
    if length or (span and not span.endswith("/0")):
        _ranges.check_range(span, length, start, stop)


def _hashes(headers: Mapping[str, str]) -> dict[str, str]:
    return dict(_HASH.findall(headers.get("X-Goog-Hash") or ""))


def verifier_of(response: HTTPResponse) -> Verifier:
    """Return what checks the body of an answer.

    The checksum is that of the whole value, so for a part there is none.

    Raises
    ------
    Broken
        If it says neither how long it is nor of which generation.
    """
    generation_of(response)
    length = length_of(response.headers.get("Content-Length"))
    is_whole = _ranges.is_whole(response.headers.get("Content-Range"))
    hashes = _hashes(response.headers) if is_whole else {}
    checksum: Sum | None = None
    if "crc32c" in hashes:
        checksum = Checksum()
    elif "md5" in hashes:
        checksum = MD5()
    return Verifier(length, checksum, hashes.get("crc32c") or hashes.get("md5"))
