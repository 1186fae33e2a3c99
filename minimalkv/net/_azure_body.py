"""What an answer brings: the facts in its headers, and a body that is all there."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from minimalkv._errors import InvalidArgument
from minimalkv._meta import ObjectMeta, guess_content_type
from minimalkv.net import _ranges
from minimalkv.net._asked import Broken
from minimalkv.net._bodies import MD5, Verifier
from minimalkv.net._headers import date_of, etag_of, hex_of, length_of

_ETAG: Final = re.compile(r"[0-9A-Za-z_.:+/=-]{1,128}")
KEPT: Final = ("Cache-Control", "Content-Disposition", "Content-Encoding")
"""The headers that are kept."""


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


def is_etag(etag: str) -> bool:
    """Tell whether Azure can have given it; ``*`` would match any version."""
    return _ETAG.fullmatch(etag) is not None


def describe(key: str, headers: Mapping[str, str]) -> ObjectMeta:
    """Tell the facts that the headers of an answer have.

    Raises
    ------
    Broken
        If they are not those of a blob.
    """
    etag = etag_of(headers.get("ETag"))
    if etag is None:
        raise Broken("sent an answer without its ETag")
    size = _ranges.size_in(headers.get("Content-Range"))
    is_part = "Content-Range" in headers
    encoded = headers.get("x-ms-blob-content-md5" if is_part else "Content-MD5")
    return ObjectMeta(
        key,
        length_of(headers.get("Content-Length")) if size is None else size,
        etag=etag,
        modified=date_of(headers.get("Last-Modified")),
        content_type=headers.get("Content-Type") or guess_content_type(key),
        md5=hex_of(encoded),
        headers={name: headers[name] for name in KEPT if headers.get(name)},
    )


def check_range(answer: Answer, start: int, stop: int | None) -> None:
    """Check that an answer has the range that was asked for, as for `stream`.

    Raises
    ------
    Broken
        If it has another one.
    """
    length = length_of(answer.headers.get("Content-Length"))
    _ranges.check_range(answer.headers.get("Content-Range"), length, start, stop)


def verifier_of(answer: Answer, *, checksum: bool) -> Verifier:
    """Return what checks the body of an answer.

    Parameters
    ----------
    checksum : bool
        Whether to compare it with the MD5 that the answer has, if it has one.

    Raises
    ------
    Broken
        If it does not say how long it is.
    """
    length = length_of(answer.headers.get("Content-Length"))
    expected = answer.headers.get("Content-MD5") if checksum else None
    return Verifier(length, MD5() if expected else None, expected)
