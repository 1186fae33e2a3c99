"""What an answer brings: the facts in its headers, and a body that is all there."""

import base64
import binascii
import io
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import md5
from typing import Any, Final, NamedTuple

from minimalkv._errors import InvalidArgument, StoreUnavailable
from minimalkv._meta import ObjectMeta, guess_content_type
from minimalkv._streams import resolve_range
from minimalkv.net._azure_errors import FAILURES, Asked, translate

CHUNK_BYTES: Final = 1024 * 1024
"""What `get_file` reads at a time, into one buffer."""

# Azure gives no sum of a longer range.
LONGEST_SUMMED_BYTES: Final = 4 * 1024 * 1024

# Azurite answers with a range that ends before it begins where Azure says 416.
_RANGE: Final = re.compile(r"bytes (\d+)-(-1|\d+)/(\d+)")
_ETAG: Final = re.compile(r"[0-9A-Za-z_.:+/=-]{1,128}")
_KEPT: Final = ("Cache-Control", "Content-Disposition", "Content-Encoding")


class Answer(NamedTuple):
    """An answer whose body is not read yet."""

    headers: Mapping[str, str]
    raw: Any


def put_headers(
    key: str,
    content_type: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return what a put has to say about its value.

    Raises
    ------
    InvalidArgument
        If a header has other characters than ASCII has.
    """
    described = {"Content-Type": content_type or guess_content_type(key)}
    described |= headers or {}
    for name, value in described.items():
        if not value.isascii():
            raise InvalidArgument(
                f"Azure takes only ASCII in {name}, not {value!r}. Encode it, as in "
                "filename*=UTF-8''%C3%A4.txt."
            )
    return {f"x-ms-blob-{name.lower()}": v.strip() for name, v in described.items()}


def sum_of(data: bytes) -> str:
    """Return the MD5 of a body as Azure takes it, to be checked on arrival."""
    return base64.b64encode(md5(data, usedforsecurity=False).digest()).decode()


def hex_of(encoded: str | None) -> str | None:
    """Return an MD5 that Azure knows in hexadecimal."""
    try:
        return base64.b64decode(encoded).hex() if encoded else None
    except binascii.Error:
        return None


def etag_of(text: str | None) -> str | None:
    """Return the version that an ETag stands for."""
    return text.strip('"') if text else None


def is_etag(etag: str) -> bool:
    """Tell whether Azure can have given it; ``*`` would match any version."""
    return _ETAG.fullmatch(etag) is not None


def describe(key: str, headers: Mapping[str, str]) -> ObjectMeta:
    """Tell the facts that the headers of an answer have.

    Raises
    ------
    StoreUnavailable
        If they are not those of a blob.
    """
    etag = etag_of(headers.get("ETag"))
    if etag is None:
        raise cut_off(key)
    is_part = "Content-Range" in headers
    encoded = headers.get("x-ms-blob-content-md5" if is_part else "Content-MD5")
    return ObjectMeta(
        key,
        _size(key, headers),
        etag=etag,
        modified=_http_date(headers.get("Last-Modified")),
        content_type=headers.get("Content-Type") or guess_content_type(key),
        md5=hex_of(encoded),
        headers={name: headers[name] for name in _KEPT if headers.get(name)},
    )


def _size(key: str, headers: Mapping[str, str]) -> int:
    match = _RANGE.fullmatch(headers.get("Content-Range") or "")
    return int(match[3]) if match else _length(key, headers)


def _length(key: str, headers: Mapping[str, str]) -> int:
    length = headers.get("Content-Length") or ""
    if not length.isdecimal():
        raise cut_off(key)
    return int(length)


def _http_date(text: str | None) -> datetime | None:
    if not text:
        return None
    from email.utils import parsedate_to_datetime  # loaded by then, by http.client

    return parsedate_to_datetime(text).astimezone(UTC)


def check_range(
    key: str, headers: Mapping[str, str], start: int, stop: int | None
) -> None:
    """Check that an answer has the range that was asked for.

    Raises
    ------
    StoreUnavailable
        If it has another one.
    """
    match = _RANGE.fullmatch(headers.get("Content-Range") or "")
    if match is None:
        raise cut_off(key)
    begin, last, size = map(int, match.groups())
    expected = resolve_range(start, stop, size)
    if (begin, last + 1) != expected or last + 1 - begin != _length(key, headers):
        raise cut_off(key)


def cut_off(key: str) -> StoreUnavailable:
    """Make the error for an answer of which a part is missing."""
    return StoreUnavailable(f"The answer for {key!r} was cut off. Try again.")


def altered(key: str) -> StoreUnavailable:
    """Make the error for a body that its checksum is not of."""
    return StoreUnavailable(
        f"What came for {key!r} does not match the MD5 that is stored with it: it was "
        "altered on its way, or stored with a wrong one."
    )


def read_body(key: str, answer: Answer, *, checksum: bool) -> bytes:
    """Read the body of an answer to its end.

    Parameters
    ----------
    checksum : bool
        Whether to compare it with the MD5 that the answer has, if it has one.

    Raises
    ------
    StoreUnavailable
        If it is not all there, or was altered.
    """
    expected = _length(key, answer.headers)
    data: bytes = answer.raw.read()
    if len(data) != expected:
        raise cut_off(key)
    encoded = answer.headers.get("Content-MD5") if checksum else None
    if encoded and sum_of(data) != encoded:
        raise altered(key)
    return data


class BodyReader(io.RawIOBase):
    """The body of an answer as a file to read forwards, once.

    Parameters
    ----------
    answer : Answer
        The answer.
    asked : Asked
        What was asked for; its key is what errors name.
    checksum : bool
        Whether to compare the body with the MD5 that the answer has, if it has one.
    """

    def __init__(self, answer: Answer, asked: Asked, *, checksum: bool) -> None:
        self._key = asked.key or ""
        self._asked = asked
        self._raw = answer.raw
        self._left = _length(self._key, answer.headers)
        self._expected = answer.headers.get("Content-MD5") if checksum else None
        self._sum = md5(usedforsecurity=False)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        size: int = self._read(self._raw.readinto, buffer)
        self._take(memoryview(buffer)[:size], is_end=not size and len(buffer) > 0)
        return size

    def readall(self) -> bytes:
        data: bytes = self._read(self._raw.read)
        self._take(memoryview(data), is_end=True)
        return data

    def _read(self, read: Callable[..., Any], *args: Any) -> Any:
        self._checkClosed()
        try:
            return read(*args)
        except FAILURES as error:
            failure = error
        raise translate(failure, self._asked)

    def _take(self, data: memoryview, *, is_end: bool) -> None:
        self._left -= len(data)
        if self._left < 0 or (is_end and self._left):
            raise cut_off(self._key)
        if self._expected is None:
            return
        self._sum.update(data)
        if not self._left and self._digest() != self._expected:
            raise altered(self._key)

    def _digest(self) -> str:
        return base64.b64encode(self._sum.digest()).decode()

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()
