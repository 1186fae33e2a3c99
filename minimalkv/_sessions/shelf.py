"""The records of sessions in a store, each read and written as one step."""

import secrets
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from itertools import islice
from types import TracebackType
from typing import Final

from minimalkv import _clock
from minimalkv._constants import KEEP
from minimalkv._errors import (
    KeyNotFound,
    PreconditionFailed,
    SessionUnavailable,
    StoreError,
    VerificationException,
)
from minimalkv._expiry import MAX_TTL_SECS
from minimalkv._key_value_store import KeyValueStore
from minimalkv._sessions.content import Data
from minimalkv._sessions.records import (
    OUR_JSON,
    Record,
    Serializer,
    load_data,
    read_record,
    tell_unreadable,
)

PREFIX: Final = "mkv-session-"
"""What the keys of all records begin with; the ref of the session follows."""

_ID_BYTES: Final = 32
_READ_AT_ONCE: Final = 100


class Ended(Exception):
    """The session is not there any more, so nothing may be written."""


class _Moved(Exception):
    """The session has another name now."""

    def __init__(self, ref: str) -> None:
        self.ref = ref


class _Outages:
    """Turns what a store that fails raises into `SessionUnavailable`."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, StoreError) and not isinstance(error, PreconditionFailed):
            raise SessionUnavailable(f"No session can be used: {error}") from error


outages: Final = _Outages()


def new_id() -> str:
    """Return an id that nobody can guess: 256 random bits in 43 characters."""
    return secrets.token_urlsafe(_ID_BYTES)


def ref_of(session_id: str) -> str:
    """Return the name of a session that gives it to nobody: the hash of its id."""
    # surrogatepass: what a cookie carries is whatever somebody sends
    return sha256(session_id.encode(errors="surrogatepass")).hexdigest()


class Shelf:
    """The records of all sessions.

    Parameters
    ----------
    store : KeyValueStore
        One in which values expire and can be written on condition.
    serializer : Serializer
        Encodes what sessions hold.
    """

    def __init__(self, store: KeyValueStore, serializer: Serializer) -> None:
        self.store = store
        self.serializer = serializer
        self._is_json = serializer is OUR_JSON

    def encode(self, record: Record) -> bytes:
        return record.encode(is_json=self._is_json)

    def decode(self, text: bytes | None) -> Record | None:
        """Return the record of a session that is alive or has moved, else None."""
        record = text and read_record(text, is_json=self._is_json)
        return record if record and record.expires > _clock.now() else None

    def read(self, ref: str) -> tuple[Record | None, str | None]:
        """Return the record of a session, and the version of it that is stored."""
        with outages:
            try:
                # On Redis that is one command, and with all of the metadata four.
                text, etag = self.store._get_with_etag(PREFIX + ref)
            except KeyNotFound:
                return None, None
            except VerificationException:
                tell_unreadable()
                return None, None
        return self.decode(text), etag

    def create(self, ref: str, record: Record) -> None:
        """Store a new record."""
        with outages:
            text = self.encode(record)
            self.store.put(PREFIX + ref, text, left_secs(record), if_absent=True)

    def mark(self, ref: str, secs: float) -> None:
        """Store that there was a session, and is none any more."""
        now = _clock.now()
        record = Record(created=now, expires=now + secs, moved=ref)
        with outages:
            self.store.put(PREFIX + ref, self.encode(record), secs)

    def replace(self, ref: str, record: Record, etag: str) -> None:
        """Store a record in place of one that nobody changed meanwhile.

        Raises
        ------
        PreconditionFailed
            If somebody did.
        """
        with outages:
            text = self.encode(record)
            self.store.put(PREFIX + ref, text, left_secs(record), if_match=etag)

    def update(
        self,
        ref: str,
        function: Callable[[Record], Record | None],
        ttl_secs: float | str = KEEP,
    ) -> None:
        """Replace a record by what a function makes of the newest; None deletes it.

        Raises
        ------
        Ended
            If there is no session any more, or the function says so.
        """

        def change(text: bytes | None) -> bytes | None:
            record = self.decode(text)
            if record is None:
                raise Ended
            new = function(record)
            return None if new is None else self.encode(new)

        try:
            with outages:
                self.store.update(PREFIX + ref, change, ttl_secs)
        except PreconditionFailed as error:
            raise SessionUnavailable(f"Too many change one session: {error}") from error
        except VerificationException:
            tell_unreadable()
            raise Ended from None

    def change(
        self, ref: str, function: Callable[[Data], Data | None]
    ) -> Record | None:
        """Change what a session holds, and return its record, or None without one."""
        changed: Record | None = None

        def change(found: Record) -> Record:
            nonlocal changed
            data = None if found.moved else load_data(found, self.serializer)
            if data is None:
                raise Ended
            text = self.serializer.dumps(applied(function, data))
            changed = found._replace(data=text)
            return changed

        try:
            self.update(ref, change)
        except Ended:
            return None
        return changed

    def end(self, ref: str, etag: str | None = None, user: str | None = None) -> bool:
        """Delete a session, and the one that it has become meanwhile.

        Parameters
        ----------
        ref : str
            Which one.
        etag : str, optional
            The version that was read: saves a request if it is still that.
        user : str, optional
            Only if it is the session of that user.

        Returns
        -------
        bool
            Whether there was one.
        """
        if etag is not None and self._delete(ref, etag):
            return True
        seen: set[str] = set()
        while ref not in seen:
            seen.add(ref)
            try:
                self.update(ref, partial(_removed, user=user))
            except _Moved as moved:
                # What tells it stays: if the rest fails, the next try needs it.
                ref = moved.ref
            except Ended:
                return False
            else:
                return True
        return False

    def discard(self, ref: str, record: Record, etag: str | None) -> bool:
        """Delete a session unless somebody changed it since it was read or stored."""
        if etag is not None:
            return self._delete(ref, etag)

        def remove(found: Record) -> None:
            if found != record:
                raise Ended

        try:
            self.update(ref, remove)
        except Ended:
            return False
        return True

    def _delete(self, ref: str, etag: str) -> bool:
        try:
            with outages:
                self.store.delete(PREFIX + ref, if_match=etag)
        except PreconditionFailed:
            return False
        return True

    def refs(self) -> Iterator[str]:
        """Return the ref of every session, and of some that ended."""
        with outages:
            keys = self.store.iter_keys(PREFIX)
        while True:
            with outages:
                key = next(keys, None)
            if key is None:
                return
            yield key.removeprefix(PREFIX)

    def records(self, refs: Iterator[str]) -> Iterator[tuple[str, Record]]:
        """Return those sessions that are there, a hundred with each request."""
        while batch := [PREFIX + ref for ref in islice(refs, _READ_AT_ONCE)]:
            with outages:
                found = self.store.get_many(batch)
            for key, text in found.items():
                record = self.decode(text)
                if record is not None and record.moved is None:
                    yield key.removeprefix(PREFIX), record


def _removed(record: Record, user: str | None) -> None:
    """Stand for a session that is to be deleted, if it is that of a user."""
    if record.moved is not None:
        raise _Moved(record.moved)
    if user not in (None, record.user):
        raise Ended


def applied(function: Callable[[Data], Data | None], data: Data) -> Data:
    """Return what a function returns, or the data that it changed in place."""
    new = function(data)
    return data if new is None else new


def left_secs(record: Record) -> float:
    """Return how long a record has to live, in seconds."""
    return secs_until(record.expires)


def secs_until(end: float) -> float:
    """Return the lifetime of what ends at a time in seconds since 1970."""
    return min(max(end - _clock.now(), 0.0), MAX_TTL_SECS)
