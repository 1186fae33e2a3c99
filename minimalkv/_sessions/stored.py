"""The record of one session in the store, and how another takes its place."""

from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from minimalkv import _clock
from minimalkv._errors import KeyExists, PreconditionFailed, SessionUnavailable
from minimalkv._sessions.content import Data
from minimalkv._sessions.records import Record, apply_changes, load_data
from minimalkv._sessions.shelf import Ended, left_secs, ref_of

if TYPE_CHECKING:
    from minimalkv.sessions import SessionManager

_LONGEST_REQUEST_SECS: Final = 300
"""How long a session remembers what it has become, for requests under way."""


_SOON_SECS: Final = 0.5
"""How soon an error has come if nobody has waited for a timeout."""


class Stored(ABC):
    """What one request knows of the record of its session.

    Parameters
    ----------
    manager : SessionManager
        Has the store.
    """

    id: str
    """What the session is to be stored under: the secret that the cookie carries."""
    _source: str | None
    """What it was stored under when it was read or stored last; None if it was not."""
    _record: Record
    """What was stored then."""
    _etag: str | None
    """The version of that, where it is known."""

    def __init__(self, manager: "SessionManager") -> None:
        self._manager = manager
        self._shelf = manager._shelf
        self._tried: str | None = None

    @abstractmethod
    def _changes(self) -> Data:
        """Return what was changed since the record was read."""

    def _enlisted(self, record: Record) -> Record:
        """Put the session into the list of its user, if it is not there for long."""
        user, is_listed = record.user, self.id == self._source
        if user is None or (is_listed and record.listed >= record.expires):
            return record
        # First: a session that is listed and never stored does no harm.
        listed = self._manager._listed_until(record)
        self._manager._users.add(user, ref_of(self.id), listed)
        return record._replace(listed=listed)

    def _store(self, record: Record) -> Record:
        ref = ref_of(self.id)
        if self._source is None:
            self._create(ref, record)
            return record
        if self._source != self.id:
            return self._move(record)
        if self._etag is None:
            return self._merge(ref, record)
        try:
            self._shelf.replace(ref, record, self._etag)
        except PreconditionFailed:
            return self._merge(ref, record)
        return record

    def _create(self, ref: str, record: Record) -> None:
        is_repeated, self._tried = self._tried == ref, ref
        try:
            self._shelf.create(ref, record)
        except KeyExists:
            if not is_repeated:
                raise
            # The earlier try stored it, its reply was lost.
            self._shelf.update(ref, lambda _: record, left_secs(record))

    def _merge(self, ref: str, record: Record) -> Record:
        """Store a record over that of others, with what both changed."""
        merged = record
        mine = self._changes()

        def merge(theirs: Record) -> Record:
            nonlocal merged
            merged = self._merged(theirs, record, mine)
            return merged

        self._shelf.update(ref, merge, left_secs(record))
        return merged

    def _merged(self, theirs: Record, record: Record, mine: Data) -> Record:
        if theirs.moved is not None:
            raise Ended
        data = load_data(theirs, self._shelf.serializer)
        if data is None:
            raise Ended
        text = self._shelf.serializer.dumps(apply_changes(data, mine))
        if record.user == self._record.user:  # it was not bound here
            record = record._replace(user=theirs.user, listed=theirs.listed)
        return record._replace(data=text, created=max(theirs.created, record.created))

    def _move(self, record: Record) -> Record:
        """Store the record under the new id, and then end that of the old one."""
        new = ref_of(self.id)
        # The new one first: a failure in between must sign nobody out.
        self._create(new, record)
        try:
            theirs = self._left(ref_of(str(self._source)), new)
        except Ended:
            self._shelf.end(new)
            raise
        if (theirs.data, theirs.user) == (self._record.data, self._record.user):
            return record
        merged = self._merged(theirs, record, self._changes())
        if merged.user != record.user:  # others bound it, under the old id
            merged = self._enlisted(merged)
        self._shelf.update(new, lambda _: merged, left_secs(record))
        return merged

    def _left(self, old: str, new: str) -> Record:
        began = _clock.elapsed()
        try:
            return self._leave(old, new)
        except SessionUnavailable:
            if _clock.elapsed() - began > _SOON_SECS:
                raise
            # If only the answer was lost, an error would sign somebody out.
            return self._leave(old, new)

    def _leave(self, old: str, new: str) -> Record:
        """Put where it has gone in place of the old record, and return that."""
        theirs = self._record
        ends = _clock.now() + _LONGEST_REQUEST_SECS
        trail = Record(created=theirs.created, expires=ends, moved=new)
        if self._etag is not None:
            with suppress(PreconditionFailed):
                self._shelf.replace(old, trail, self._etag)
                return theirs

        def leave(found: Record) -> Record:
            nonlocal theirs
            if found.moved not in (None, new):
                raise Ended
            if found.moved is None:  # else an earlier try got here, its reply was lost
                theirs = found
            return trail

        self._shelf.update(old, leave, _LONGEST_REQUEST_SECS)
        return theirs
