"""What an answer brings: the facts in its headers, and a body that is all there."""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final
from zlib import crc32

from minimalkv._meta import ObjectMeta, guess_content_type
from minimalkv.net import _ranges
from minimalkv.net._asked import Broken
from minimalkv.net._bodies import MD5, Verifier
from minimalkv.net._headers import date_of, etag_of, text_of

# What Amazon calls a value that was stored without a type, as version 1 did.
_NO_TYPES: Final = ("", "binary/octet-stream")
_MD5: Final = re.compile(r"[0-9a-f]{32}")
_ETAG: Final = re.compile(r"[!#-)+-~]{1,256}")
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
    return b64encode(crc32(data).to_bytes(4, "big")).decode()


def checksums(data: bytes, *, crc: bool) -> dict[str, Any]:
    """Return the parameter that says what a body has to be.

    Parameters
    ----------
    data : bytes
        The body.
    crc : bool
        Whether by its CRC-32; else by its MD5, which every server knows.
    """
    return {"ChecksumCRC32": checksum(data)} if crc else {"ContentMD5": MD5(data).text}


def member(name: str) -> Callable[[Mapping[str, Any]], Any]:
    """Return what reads a member that no answer to a request is without.

    It raises `Broken` where the answer was cut.
    """

    def read(response: Mapping[str, Any]) -> Any:
        found = response.get(name)
        if not found:
            raise Broken(f"sent an answer without its {name}")
        return found

    return read


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
    Broken
        If the headers were cut off; no answer of S3 is without an ETag.
    """
    etag = etag_of(response.get("ETag"))
    if etag is None:
        raise Broken("sent an answer without its ETag")
    content_type = text_of(response.get("ContentType"))
    if content_type in _NO_TYPES:
        content_type = guess_content_type(key)
    size = _ranges.size_in(response.get("ContentRange"))
    # Encrypted with a key of the customer, a value has an ETag that is no MD5.
    encryption = response.get("ServerSideEncryption") or ""
    is_opaque = "kms" in encryption or "SSECustomerAlgorithm" in response
    return ObjectMeta(
        key,
        length_of(response) if size is None else size,
        etag=etag,
        modified=date_of(response.get("LastModified")),
        content_type=content_type,
        md5=None if is_opaque else md5_of(etag),
        headers=_headers(response),
    )


def _headers(response: Mapping[str, Any]) -> dict[str, str]:
    found = ((name, response.get(k)) for k, name in _HEADERS.items())
    return {name: text_of(value) for name, value in found if value}


def length_of(response: Mapping[str, Any]) -> int:
    """Return how many bytes are to come.

    Raises
    ------
    Broken
        If the headers were cut off, which http.client does not notice.
    """
    length = response.get("ContentLength")
    if length is None:
        raise Broken("sent an answer without its length")
    return int(length)


def length_to_read(response: Mapping[str, Any]) -> int | None:
    """Return how many bytes are to come, or None where they come with an end of theirs.

    Raises
    ------
    Broken
        If the headers were cut off.
    """
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return None
    return length_of(response)


def check_range(response: Mapping[str, Any], start: int, stop: int | None) -> None:
    """Check that an answer has the range that was asked for, as for `stream`.

    Raises
    ------
    Broken
        If it has another one, or the headers were cut off.
    """
    told = response.get("ContentRange")
    _ranges.check_range(told, length_of(response), start, stop)


def read_body(response: Mapping[str, Any]) -> bytes:
    """Read the body of an answer to its end.

    Raises
    ------
    Broken
        If it is not all there.
    """
    return Verifier(length_to_read(response)).take_all(response["Body"].read())
