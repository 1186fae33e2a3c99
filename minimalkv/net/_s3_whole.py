"""Servers that send all of a value of which a part was asked for, as HTTP allows."""

from collections.abc import Mapping
from typing import Any, Final

from minimalkv._streams import resolve_range
from minimalkv.net._asked import Broken, OutOfRange
from minimalkv.net._s3_body import length_of

_SKIPPED_AT_ONCE_BYTES: Final = 1024 * 1024


def as_part(
    answer: Mapping[str, Any], start: int, stop: int | None
) -> Mapping[str, Any]:
    """Return an answer as the part that was asked for, as for `stream`.

    Raises
    ------
    OutOfRange
        If the value has no byte there, for which other servers have a status.
    Broken
        If the headers were cut off.
    """
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    if status != 200 or "ContentRange" in answer:
        return answer
    size = length_of(answer)
    begin, end = resolve_range(start, stop, size)
    if begin >= end:
        raise OutOfRange("The value is shorter than the range asked for.")
    return {
        **answer,
        "Body": _Part(answer["Body"], begin, end - begin),
        "ContentLength": end - begin,
        "ContentRange": f"bytes {begin}-{end - 1}/{size}",
    }


class _Part:
    """A part of the body of an answer, which is left alone behind it."""

    def __init__(self, body: Any, skip: int, length: int) -> None:
        self._body = body
        self._skip = skip
        self._left = length

    def read(self, size: int | None = None) -> bytes:
        while self._skip:
            skipped = self._body.read(min(self._skip, _SKIPPED_AT_ONCE_BYTES))
            if not skipped:
                raise Broken("broke off within its answer")
            self._skip -= len(skipped)
        wanted = self._left if size is None else min(size, self._left)
        data: bytes = self._body.read(wanted) if wanted else b""
        self._left -= len(data)
        if not self._left:
            self.close()
        return data

    def close(self) -> None:
        self._body.close()
