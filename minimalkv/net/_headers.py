"""What the headers of an answer say, whichever service it comes from."""

import re
from base64 import b64decode
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from minimalkv.net._asked import Broken

_MONTHS: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"
_DATE: Final = re.compile(
    r"\w{3}, (\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT", re.ASCII
)


def text_of(value: str | None) -> str:
    """Return a header as it was stored: as UTF-8, which http.client does not know."""
    if not value or value.isascii():
        return value or ""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def etag_of(text: str | None) -> str | None:
    """Return the version that an ETag stands for."""
    return text.strip('"') if text else None


def length_of(text: str | None) -> int:
    """Return how many bytes are to come.

    Raises
    ------
    Broken
        If the answer does not say it, so that nobody could tell whether all came.
    """
    if text is None or not text.isdecimal():
        raise Broken("sent an answer without its length")
    return int(text)


def date_of(text: str | None) -> datetime | None:
    """Return a date as HTTP writes it; None for any other text."""
    # It takes a tenth of the time that the standard library's reader of mails does.
    match = _DATE.fullmatch(text or "")
    if match is None:
        return None
    day, month, *others = match.groups()
    year, hour, minute, second = map(int, others)
    with suppress(ValueError):
        number = _MONTHS.index(month) // 3 + 1
        return datetime(year, number, int(day), hour, minute, second, tzinfo=UTC)
    return None


def hex_of(encoded: str | None) -> str | None:
    """Return a checksum that comes in Base64 in hexadecimal."""
    with suppress(ValueError):
        return b64decode(encoded).hex() if encoded else None
    return None
