"""What an answer brings: the facts in its headers, and a body that is all there."""

import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zlib import crc32

from minimalkv._errors import MinimalkvError, StoreUnavailable
from minimalkv._meta import ObjectMeta, guess_content_type
from minimalkv._streams import resolve_range
from minimalkv.net._s3_errors import FAILURES, Asked, translate

CHUNK_BYTES: Final = 1024 * 1024
"""What `get_file` reads at a time, into one buffer."""

# What Amazon calls a value that was stored without a type, as version 1 did.
_NO_TYPES: Final = ("", "binary/octet-stream")
_MD5: Final = re.compile(r"[0-9a-f]{32}")
_ETAG: Final = re.compile(r"[!#-)+-~]{1,256}")
_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_MONTHS: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"
_DATE: Final = re.compile(
    r"\w{3}, ([0-3]\d) (\w{3}) (\d{4}) ([0-2]\d):([0-5]\d):([0-5]\d) GMT", re.ASCII
)
_HEADERS: Final = {
    "CacheControl": "Cache-Control",
    "ContentDisposition": "Content-Disposition",
    "ContentEncoding": "Content-Encoding",
}
_PARAMETERS: Final = {header: name for name, header in _HEADERS.items()}


def put_parameters(
    key: str,
    content_type: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return what a put has to say about its value."""
    described = {_PARAMETERS[name]: value for name, value in (headers or {}).items()}
    # Always said: some servers look at the value and guess otherwise.
    return {"ContentType": content_type or guess_content_type(key), **described}


def checksum(data: bytes) -> str:
    """Return the CRC-32 of a body as S3 takes it, to be checked on arrival.

    Left to botocore, it would be a trailer in a body of its own encoding over HTTPS,
    which takes longer, and other servers than Amazon's stumble over it.
    """
    import base64

    return base64.b64encode(crc32(data).to_bytes(4, "big")).decode()


def etag_of(text: str | None) -> str | None:
    """Return the version that an ETag stands for."""
    return text.strip('"') if text else None


def quoted(etag: str) -> str:
    """Return a version as an ETag."""
    return f'"{etag}"'


def is_etag(etag: str) -> bool:
    """Tell whether S3 can have given it; ``*`` would match any version."""
    return _ETAG.fullmatch(etag) is not None


def md5_of(etag: str | None) -> str | None:
    """Return the MD5 that the ETag of a value in one part is."""
    return etag if etag and _MD5.fullmatch(etag) else None


def describe(key: str, response: Mapping[str, Any]) -> ObjectMeta:
    """Tell the facts that the headers of an answer have.

    Raises
    ------
    StoreUnavailable
        If the headers were cut off; no answer of S3 is without an ETag.
    """
    etag = etag_of(response.get("ETag"))
    if etag is None:
        raise cut_off(key)
    content_type = _text(response.get("ContentType") or "")
    if content_type in _NO_TYPES:
        content_type = guess_content_type(key)
    # Encrypted with a key of the customer, a value has an ETag that is no MD5.
    encryption = response.get("ServerSideEncryption") or ""
    is_opaque = "kms" in encryption or "SSECustomerAlgorithm" in response
    return ObjectMeta(
        key,
        _size(key, response),
        etag=etag,
        modified=_http_date(response.get("LastModified")),
        content_type=content_type,
        md5=None if is_opaque else md5_of(etag),
        headers=_headers(response),
    )


def _headers(response: Mapping[str, Any]) -> dict[str, str]:
    found = ((name, response.get(k)) for k, name in _HEADERS.items())
    return {name: _text(value) for name, value in found if value}


def _text(value: str) -> str:
    """Undo what http.client makes of the UTF-8 that botocore sends."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


def _size(key: str, response: Mapping[str, Any]) -> int:
    match = _RANGE.fullmatch(response.get("ContentRange") or "")
    return int(match[3]) if match else _length(key, response)


def _length(key: str, response: Mapping[str, Any]) -> int:
    length = response.get("ContentLength")
    if length is None:
        # At a cut in the headers, http.client takes what came for all of them.
        raise cut_off(key)
    return int(length)


def _http_date(text: str | None) -> datetime | None:
    # It takes a tenth of the time that the standard library's reader of mails does.
    match = _DATE.fullmatch(text or "")
    if match is None:
        return None
    day, month, *others = match.groups()
    year, hour, minute, second = map(int, others)
    number = _MONTHS.index(month) // 3 + 1
    return datetime(year, number, int(day), hour, minute, second, tzinfo=UTC)


def check_range(
    key: str, response: Mapping[str, Any], start: int, stop: int | None
) -> None:
    """Check that an answer has the range that was asked for.

    Parameters
    ----------
    start, stop : int and int or None
        As for `stream`.

    Raises
    ------
    StoreUnavailable
        If it has another one, or the headers were cut off.
    """
    match = _RANGE.fullmatch(response.get("ContentRange") or "")
    if match is None:
        raise cut_off(key)
    begin, last, size = map(int, match.groups())
    expected = resolve_range(start, stop, size)
    if (begin, last + 1) != expected or last + 1 - begin != _length(key, response):
        raise cut_off(key)


def cut_off(key: str) -> StoreUnavailable:
    """Make the error for an answer of which a part is missing."""
    return StoreUnavailable(f"The answer for {key!r} was cut off. Try again.")


def read_body(key: str, response: Mapping[str, Any]) -> bytes:
    """Read the body of an answer to its end.

    Raises
    ------
    StoreUnavailable
        If it is not all there.
    """
    expected = _length(key, response)
    data: bytes = response["Body"].read()
    if len(data) != expected:
        raise cut_off(key)
    return data


class BodyReader(io.RawIOBase):
    """The body of an answer as a file to read forwards, once.

    Parameters
    ----------
    key : str
        The key that errors name.
    response : mapping
        The answer of ``get_object``.
    asked : Asked
        What was asked for.
    """

    def __init__(self, key: str, response: Mapping[str, Any], asked: Asked) -> None:
        self._key = key
        self._asked = asked
        self._body = response["Body"]
        self._left = _length(key, response)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        try:
            size = self._read_into(buffer)
        except FAILURES as error:
            raise self._failed(error) from error
        self._take(size, at_end=size == 0 and len(buffer) > 0)
        return size

    def _read_into(self, buffer: Any) -> int:
        # Not there in botocore 1.36, where `read` has to do.
        if hasattr(self._body, "readinto"):
            size: int = self._body.readinto(buffer)
            return size
        data = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        try:
            data: bytes = self._body.read()
        except FAILURES as error:
            raise self._failed(error) from error
        self._take(len(data), at_end=True)
        return data

    def _take(self, size: int, *, at_end: bool) -> None:
        self._left -= size
        if self._left < 0 or (at_end and self._left):
            raise cut_off(self._key)

    def _failed(self, error: Exception) -> MinimalkvError:
        return translate(error, self._asked)

    def close(self) -> None:
        if not self.closed:
            self._body.close()
        super().close()
