"""One session, as one request sees it."""

import marshal
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from zlib import adler32

from minimalkv import _clock
from minimalkv._errors import KeyExists, PreconditionFailed
from minimalkv._sessions.legacy import Legacy, forget_legacy, read_legacy
from minimalkv._sessions.records import (
    Record,
    apply_changes,
    changes,
    load_data,
)
from minimalkv._sessions.shelf import Ended, applied, left_secs, new_id, ref_of

if TYPE_CHECKING:
    from minimalkv.sessions import SessionManager

Data = dict[str, Any]

_LONGEST_REQUEST_SECS: Final = 300
"""How long a session remembers what it has become, for requests under way."""

_MARSHAL_VERSION: Final = 2
"""The last in which equal values make equal bytes, whatever refers to them."""


class Session:
    """A session: loaded when its data is used first, and saved once at the end.

    It is made by `SessionManager`, for one request, and not shared between threads.

    Attributes
    ----------
    id : str
        The secret that the cookie carries. It is another one after `regenerate`, and
        when the store did not know it.
    """

    def __init__(
        self,
        manager: "SessionManager",
        session_id: str | None,
        legacy: Callable[[], Legacy | None] | None = None,
    ) -> None:
        self._manager = manager
        self._shelf = manager._shelf
        self._legacy = legacy
        self._tried: str | None = None
        self._forget(session_id)

    def _forget(self, session_id: str | None = None) -> None:
        self.id = session_id or new_id()
        self._source = session_id
        self._record = Record()
        self._etag: str | None = None
        self._user: str | None = None
        self._moved: str | None = None
        self._data: Data | None = None
        self._image: bytes | None = None

    def __repr__(self) -> str:
        # Neither the id nor the data: both are nobody's business.
        return f"<Session {ref_of(self.id)[:8]}…>"

    @property
    def data(self) -> Data:
        """What the session holds. Change it in place, also deep inside."""
        if self._data is None:
            self._data = self._load()
        return self._data

    @data.setter
    def data(self, data: Data) -> None:
        self.data  # noqa: B018 - what is replaced has to be known, for the next save
        self._data = data

    @property
    def is_loaded(self) -> bool:
        """Whether the store was asked."""
        return self._data is not None

    @property
    def is_new(self) -> bool:
        """Whether nothing is stored yet; asks the store."""
        self.data  # noqa: B018 - whether the id is known shows when it is loaded
        return self._source is None

    @property
    def user(self) -> str | None:
        """Whom the session was bound to."""
        self.data  # noqa: B018 - the record knows
        return self._user

    def _load(self) -> Data:
        if self._source is None:
            return {}
        record, self._etag = self._shelf.read(ref_of(self._source))
        if record is None and self._legacy is not None:
            record = self._take_over(self._legacy)
        if record is not None and record.moved is None:
            data = load_data(record, self._shelf.serializer)
            if data is not None:
                self._record, self._user = record, record.user
                self._image = _image_of(data)
                return data
        # An id that is not known is not adopted: others may have chosen it.
        moved = record and record.moved
        self._forget()
        self._moved = moved
        return {}

    def _take_over(self, legacy: Callable[[], Legacy | None]) -> Record | None:
        """Store at once what another package kept, as if it had always been here."""
        found = read_legacy(legacy, self._shelf.serializer)
        if found is not None:
            text, old = found
            record = self._manager._next(Record(), text, None, None)
            with suppress(PreconditionFailed):
                self._shelf.create(ref_of(self.id), record)
                forget_legacy(old)
                return record
        # Another request of the visitor may have been faster: it forgot the old one.
        theirs, self._etag = self._shelf.read(ref_of(self.id))
        return theirs

    # Changing it.

    def bind(self, user_id: object) -> None:
        """Tell whose session it is from the next save on, or nobody's with None.

        The absolute lifetime begins anew. Call `regenerate` as well.

        Parameters
        ----------
        user_id : object
            Its text counts. `SessionManager.revoke` ends all sessions of a user.
        """
        self.data  # noqa: B018 - whose it was has to be known
        self._user = None if user_id is None else str(user_id)

    def regenerate(self) -> None:
        """Take a new id; the old one is worth nothing after the next save.

        Call it when somebody signs in: others may have planted the old one.
        """
        self.data  # noqa: B018 - the store has to be asked under the old id
        self.id = new_id()

    def destroy(self) -> None:
        """Delete the session at once, whoever changes it at the moment.

        Raises
        ------
        SessionUnavailable
            If the store failed; it may have happened.
        """
        if self._source is not None:
            self._shelf.end(ref_of(self._source), self._etag)
        if self._moved is not None:
            self._shelf.end(self._moved)
        self._forget()
        self._data = {}

    def atomic(self, function: Callable[[Data], Data | None]) -> Data:
        """Change the data as one step, at once, losing nobody's change.

        Parameters
        ----------
        function : callable
            Gets the newest data and changes it, or returns other data. It may be called
            many times, so it should do nothing but compute.

        Returns
        -------
        dict
            The data, with what was changed here before and is not saved yet.

        Raises
        ------
        SessionUnavailable
            If the store failed; it may have happened.
        """
        mine = {} if self.is_new else self._changes()
        record = None if self.is_new else self._change(function)
        if record is None:
            self._data = applied(function, self.data)
        else:
            self._record, self._etag, self._image = record, None, None
            self._data = apply_changes(self._stored_data(), mine)
        return self.data

    def _change(self, function: Callable[[Data], Data | None]) -> Record | None:
        return self._shelf.change(ref_of(str(self._source)), function)

    def _stored_data(self) -> Data:
        return load_data(self._record, self._shelf.serializer) or {}

    def _changes(self) -> Data:
        return changes(self._stored_data(), self.data, self._shelf.serializer)

    # Saving it.

    def encode(self) -> bytes:
        """Return the data as it would be stored.

        Raises
        ------
        TypeError, ValueError
            If something in it cannot be kept; the message tells where it is.
        """
        data = self.data
        if self._image is not None and self._image == _image_of(data):
            return self._record.data
        return self._shelf.serializer.dumps(data)

    def has_changed(self, encoded: bytes | None = None) -> bool:
        """Tell whether a save would store other data; an equal value is no change.

        Parameters
        ----------
        encoded : bytes, optional
            What `encode` has just returned, to not do it twice.
        """
        return self._differs(self.encode() if encoded is None else encoded)

    def _differs(self, text: bytes) -> bool:
        if self._source is None or text == self._record.data:
            return self._source is None
        before = self._record.data
        # The same keys in another order are no change: then the sum is the same, too.
        is_sure = len(text) != len(before) or _sum(text) != _sum(before)
        return is_sure or bool(self._changes())

    def save(
        self, lifetime_secs: float | None = None, *, encoded: bytes | None = None
    ) -> bool:
        """Store what has changed, or renew what was not for a while.

        Where others have stored changes meanwhile, each keeps its own: those of
        different keys all count, and of one key the last. Without any change, the
        session is stored anew once a part of its lifetime has passed.

        Parameters
        ----------
        lifetime_secs : float, optional
            How long the session lives after this, if nobody uses it: at most as long as
            its absolute lifetime has left. The manager's by default.
        encoded : bytes, optional
            What `encode` has just returned, to not do it twice.

        Returns
        -------
        bool
            False if somebody ended the session meanwhile: nothing is stored then, and
            its cookie should not be sent again.

        Raises
        ------
        TypeError, ValueError
            If something in the data cannot be kept; nothing was stored.
        SessionUnavailable
            If the store failed; it may have happened.
        """
        text = self.encode() if encoded is None else encoded
        record = self._manager._next(self._record, text, self._user, lifetime_secs)
        if not self._is_due(record):
            return True
        record = self._enlisted(record)
        try:
            stored = self._store(record)
        except Ended:
            return False
        self._record, self._etag, self._source = stored, None, self.id
        self._image = None
        if stored.data != record.data:
            self._data = self._stored_data()
        return True

    def _is_due(self, record: Record) -> bool:
        if self._source != self.id or record.user != self._record.user:
            return True
        return self._manager._is_due(self._record, record) or self._differs(record.data)

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
        if self._etag is not None:
            with suppress(PreconditionFailed):
                self._shelf.replace(ref, record, self._etag)
                return record
        return self._merge(ref, record)

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
            theirs = self._leave(ref_of(str(self._source)), new)
        except Ended:
            self._shelf.end(new)
            raise
        if theirs.data == self._record.data:
            return record
        merged = self._merged(theirs, record, self._changes())
        self._shelf.update(new, lambda _: merged, left_secs(record))
        return merged

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


def _sum(text: bytes) -> int:
    """Return the sum of bytes, as far as 16 bits go."""
    return adler32(text) & 0xFFFF  # in a twentieth of the time that `sum` takes


def _image_of(data: Data) -> bytes | None:
    """Return bytes that tell whether data is the same later; None if none can.

    Most requests change nothing: to see that takes a fifth of the time of encoding.
    """
    try:
        return marshal.dumps(data, _MARSHAL_VERSION)
    except ValueError:  # there is a type in it that only the serializer knows
        return None
