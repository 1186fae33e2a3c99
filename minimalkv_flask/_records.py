"""The record of one session: what the store holds of it, and when that is written."""

import json
import logging
import secrets
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Final

from flask.json.provider import DefaultJSONProvider
from flask.json.tag import TaggedJSONSerializer

from minimalkv import KeyNotFound, KeyValueStore, PreconditionFailed

_log = logging.getLogger("minimalkv_flask")

_EMPTY: Final = b"{}"
_RENEWAL: Final = 20
"""A record is written anew once this part of its lifetime, one in 20, has gone by."""


class _Codec(TaggedJSONSerializer):
    """Flask's tagged JSON, with the same result inside of a request and outside."""

    def dumps(self, value: Any) -> str:
        return json.dumps(
            self.tag(value),
            default=DefaultJSONProvider.default,
            separators=(",", ":"),
        )


_codec = _Codec()


def new_id() -> str:
    return secrets.token_urlsafe(32)


def encode(data: dict[str, Any]) -> bytes:
    return _codec.dumps(data).encode()


def decode(text: bytes) -> dict[str, Any] | None:
    """Return what a record says, or None if it is none of ours."""
    try:
        data = _codec.loads(text.decode())
    except (AttributeError, TypeError, ValueError):  # a tag on what it does not fit
        data = None
    if isinstance(data, dict):
        return data
    _log.warning("a session record is unreadable and counts as missing")
    return None


def _merge(base: bytes, mine: bytes, theirs: bytes | None) -> bytes | None:
    """Do to *theirs* what made *mine* out of *base*; the unit is a top-level key."""
    if theirs is None or theirs == base:
        return theirs and mine
    before, after, merged = decode(base), decode(mine), decode(theirs)
    if before is None or after is None or merged is None:
        return None
    for key in before.keys() | after.keys():
        if key not in after:
            merged.pop(key, None)
        elif key not in before or _codec.dumps(before[key]) != _codec.dumps(after[key]):
            merged[key] = after[key]
    return encode(merged)


class Record:
    """The record of one session: loaded at most once, and written on condition.

    `sid` is the id to write it under, `source` the one under which it is stored.
    """

    def __init__(self, store: KeyValueStore, sid: str | None) -> None:
        self._store = store
        self._text = _EMPTY
        self._etag: str | None = None
        self._expires: datetime | None = None
        self.sid = sid or new_id()
        self.source = sid

    @staticmethod
    def _key(sid: str) -> str:
        # A hash, so that neither a listing nor a backup gives anybody a session.
        return f"mkv-session-{sha256(sid.encode()).hexdigest()}"

    def load(self) -> dict[str, Any]:
        """Return the data; an id that is not in the store is replaced, not adopted."""
        data = None if self.source is None else self._read(self.source)
        if data is None:
            self._forget()
        return data or {}

    def _read(self, sid: str) -> dict[str, Any] | None:
        try:
            self._text, meta = self._store.get_with_meta(self._key(sid))
        except KeyNotFound:
            return None
        self._etag, self._expires = meta.etag, meta.expires
        return decode(self._text)

    def _forget(self) -> None:
        self._text, self._etag, self._expires = _EMPTY, None, None
        self.source, self.sid = None, new_id()

    def differs(self, text: bytes) -> bool:
        """Tell whether the record has to be another one than was loaded."""
        return text != self._text

    def _is_due(self, text: bytes, ttl_secs: float) -> bool:
        if self.source != self.sid or self.differs(text) or self._expires is None:
            return True
        left = self._expires - datetime.now(UTC)
        return left.total_seconds() < ttl_secs * (1 - 1 / _RENEWAL)

    def write(self, text: bytes, ttl_secs: float) -> bytes | None:
        """Write what is due, and return what is stored: None if the session is gone."""
        if not self._is_due(text, ttl_secs):
            return text
        if self.source in (None, self.sid):
            stored = self._put(text, ttl_secs)
        else:
            stored = self._move(text, ttl_secs)
        if stored is not None:
            self._text, self._etag, self.source = stored, None, self.sid
            self._expires = datetime.now(UTC) + timedelta(seconds=ttl_secs)
        return stored

    def _put(self, text: bytes, ttl_secs: float) -> bytes | None:
        key, etag = self._key(self.sid), self._etag
        try:
            self._store.put(key, text, ttl_secs, if_absent=etag is None, if_match=etag)
        except PreconditionFailed:
            return self._store.update(key, partial(_merge, self._text, text), ttl_secs)
        return text

    def _move(self, text: bytes, ttl_secs: float) -> bytes | None:
        """Write under the new id, and delete the record of the old one."""
        moved: bytes | None = None

        def take(theirs: bytes | None) -> None:
            nonlocal moved
            moved = _merge(self._text, text, theirs)

        # The new record first: a failure in between must not sign anybody out.
        key = self._key(self.sid)
        self._store.put(key, text, ttl_secs)
        self._store.update(self._key(str(self.source)), take)
        if moved is None:
            self._store.delete(key)
        elif moved != text:
            self._store.put(key, moved, ttl_secs)
        return moved

    def delete(self) -> None:
        """Delete what is stored, whoever changed it meanwhile."""
        if self.source is not None:
            self._store.delete(self._key(self.source))
        self._forget()
