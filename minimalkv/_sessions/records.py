"""The record of a session: what the store holds of it."""

import json
import logging
import re
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final, NamedTuple, Protocol

from minimalkv._sessions import codec

_log: Final = logging.getLogger("minimalkv")

_BEGIN: Final = b'{"v":1,'
_DATA: Final = b',"data":'
# What nearly all records begin with: this takes a third of the time of a JSON decoder.
_USUAL: Final = re.compile(
    rb'\{"v":1,"created":(\d{1,12}\.\d{1,9}),"expires":(\d{1,12}\.\d{1,9})'
    rb'(?:,"user":"([ !#-\[\]-~]*)","listed":(\d{1,12}\.\d{1,9}))?,"data":'
)

UNREADABLE: Final = (
    ArithmeticError,  # a number that is too large
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What is raised over JSON that is not what we wrote."""


class Serializer(Protocol):
    """What can stand in for our JSON: a serializer of Django, for example."""

    def dumps(self, obj: Any) -> bytes:
        """Return the bytes that stand for a dict."""
        ...

    def loads(self, data: bytes) -> Any:
        """Return the dict that bytes stand for."""
        ...


class _OurJSON:
    def dumps(self, obj: Any) -> bytes:
        return codec.encode(obj).encode()

    def loads(self, data: bytes) -> Any:
        return codec.decode(data)


OUR_JSON: Final[Serializer] = _OurJSON()


class Record(NamedTuple):
    """What is stored of a session.

    Attributes
    ----------
    data : bytes
        What the session holds, encoded.
    created, expires : float
        When it began, and when it ends if nobody uses it, in seconds since 1970.
    user : str or None
        Whose it is, if somebody was bound to it.
    listed : float
        Until when the list of that user's sessions has it, in seconds since 1970.
    moved : str or None
        The ref of the session that took the place of this one.
    """

    data: bytes = b"{}"
    created: float = 0.0
    expires: float = 0.0
    user: str | None = None
    listed: float = 0.0
    moved: str | None = None

    def encode(self, *, is_json: bool) -> bytes:
        """Return the bytes to store.

        Parameters
        ----------
        is_json : bool
            Whether the data is JSON, which is stored as it is.
        """
        data = (
            self.data if is_json else json.dumps(self.data.decode("latin-1")).encode()
        )
        return b"%b%b%b}" % (self._head().encode(), _DATA, data)

    def _head(self) -> str:
        # By hand: for two numbers, a JSON encoder takes five times as long.
        created, expires = float(self.created), float(self.expires)
        head = f'{{"v":1,"created":{created!r},"expires":{expires!r}'
        if self.user is not None:
            head += f',"user":{json.dumps(self.user)},"listed":{float(self.listed)!r}'
        if self.moved is not None:
            head += f',"moved":{json.dumps(self.moved)}'
        return head


def read_record(text: bytes, *, is_json: bool) -> Record | None:
    """Return the record that a value is, or None if it is none of ours."""
    match = _USUAL.match(text)
    if match and is_json and text.endswith(b"}"):
        return _of_match(match, text)
    begin, mark, rest = text.partition(_DATA)
    if not (mark and begin.startswith(_BEGIN) and rest.endswith(b"}")):
        tell_unreadable()
        return None
    try:
        head = json.loads(begin + b"}")
        data = rest[:-1] if is_json else json.loads(rest[:-1]).encode("latin-1")
        return _of_head(head, data)
    except UNREADABLE:
        tell_unreadable()
        return None


def _of_match(match: re.Match[bytes], text: bytes) -> Record:
    created, expires, user, listed = match.groups()
    data = text[match.end() : -1]
    if user is None:
        return Record(data, float(created), float(expires))
    return Record(data, float(created), float(expires), user.decode(), float(listed))


def _of_head(head: dict[str, Any], data: bytes) -> Record:
    user, moved = head.get("user"), head.get("moved")
    return Record(
        data,
        _finite(head["created"]),
        _finite(head["expires"]),
        None if user is None else str(user),
        _finite(head.get("listed", 0)),
        None if moved is None else str(moved),
    )


def _finite(secs: Any) -> float:
    if not isfinite(secs):
        raise ValueError
    return float(secs)


def tell_unreadable() -> None:
    """Tell the log of a record that cannot be used."""
    _log.warning("A session record is unreadable and counts as missing.")


def load_data(record: Record, serializer: Serializer) -> dict[str, Any] | None:
    """Return what a session holds, or None if that cannot be read."""
    try:
        data = serializer.loads(record.data)
    except Exception:  # noqa: BLE001 - whatever a serializer raises over foreign bytes
        data = None
    if isinstance(data, dict):
        return data
    tell_unreadable()
    return None


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any], serializer: Serializer
) -> dict[str, Any]:
    """Return the top-level keys that differ, with their new values or `GONE`."""
    changed: dict[str, Any] = {key: GONE for key in before if key not in after}
    changed |= {
        key: value
        for key, value in after.items()
        if key not in before or not _is_same(before[key], value, serializer)
    }
    return changed


GONE: Final = object()
"""Stands for the value of a key that is not there any more."""


_EXACT: Final = frozenset((str, int, bool, type(None)))


def _is_same(one: object, other: object, serializer: Serializer) -> bool:
    if type(one) is type(other) and type(one) in _EXACT:
        return one == other
    # By what is stored: in Python True is 1, and 1.0 too.
    return serializer.dumps({"": one}) == serializer.dumps({"": other})


def apply_changes(data: dict[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """Make changes of one copy of a session to another copy of it."""
    for key, value in changed.items():
        if value is GONE:
            data.pop(key, None)
        else:
            data[key] = value
    return data
