"""Conditions of a request: whether the client has the value already, and which."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Final

from minimalkv._meta import ObjectMeta

_PLAIN_ETAG: Final = re.compile(r"[\x21\x23-\x7e]{1,200}")
_LISTED: Final = re.compile(r'(W/)?("[^"]*")')
_LONGEST_DATE: Final = 64
_SECOND: Final = timedelta(seconds=1)


def etag_of(meta: ObjectMeta) -> str | None:
    """Return the ``ETag`` of a value, strong and in quotes; None if it has no version.

    Between the quotes it is the etag of the store, or, where that has characters which
    are not allowed there, its hash.
    """
    if meta.etag is None:
        return None
    if _PLAIN_ETAG.fullmatch(meta.etag):
        return f'"{meta.etag}"'
    return f'"{sha256(meta.etag.encode("utf-8", "surrogatepass")).hexdigest()}"'


def date_of(meta: ObjectMeta) -> str | None:
    """Return the ``Last-Modified`` of a value; None where the store does not know."""
    if meta.modified is None:
        return None
    return format_datetime(meta.modified.astimezone(UTC), usegmt=True)


def failed_condition(asked: Mapping[str, str], meta: ObjectMeta) -> int | None:
    """Return the status that a condition of the request leads to; None for the value.

    They are looked at in the order of RFC 9110, section 13.2.2.

    Parameters
    ----------
    asked : mapping of str to str
        The headers of the request, their names in lower case.
    meta : ObjectMeta
        The facts about the value.
    """
    if (wanted := asked.get("if-match")) is not None:
        if not _names(wanted, meta, weakly=False):
            return HTTPStatus.PRECONDITION_FAILED.value
    elif _is_older(meta, asked.get("if-unmodified-since")) is False:
        return HTTPStatus.PRECONDITION_FAILED.value
    if (known := asked.get("if-none-match")) is not None:
        return (
            HTTPStatus.NOT_MODIFIED.value if _names(known, meta, weakly=True) else None
        )
    if _is_older(meta, asked.get("if-modified-since")):
        return HTTPStatus.NOT_MODIFIED.value
    return None


def is_still(if_range: str | None, meta: ObjectMeta) -> bool:
    """Tell whether a part of this version fits to what the client has of a value."""
    if if_range is None:
        return True
    wanted = if_range.strip()
    if '"' in wanted:
        return wanted == etag_of(meta)
    date = _parsed(wanted)
    # Within the same second there may have been another version with this date.
    is_settled = date is not None and date <= datetime.now(UTC) - _SECOND
    return is_settled and date == _whole_second(meta)


def _names(listed: str, meta: ObjectMeta, *, weakly: bool) -> bool:
    if listed.strip() == "*":
        return True
    etag = etag_of(meta)
    return etag is not None and any(
        found[2] == etag and (weakly or not found[1])
        for found in _LISTED.finditer(listed)
    )


def _is_older(meta: ObjectMeta, header: str | None) -> bool | None:
    """Tell whether a value is no newer than a date; None where that is unknown."""
    date, modified = _parsed(header), _whole_second(meta)
    if date is None or modified is None:
        return None
    return modified <= date


def _whole_second(meta: ObjectMeta) -> datetime | None:
    return meta.modified and meta.modified.replace(microsecond=0)


def _parsed(header: str | None) -> datetime | None:
    if not header or len(header) > _LONGEST_DATE:
        return None
    try:
        date = parsedate_to_datetime(header)
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
