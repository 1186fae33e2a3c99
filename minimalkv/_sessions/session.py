"""One session, as one request sees it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from zlib import adler32

from minimalkv._errors import PreconditionFailed
from minimalkv._sessions import codec
from minimalkv._sessions.content import Content, Data
from minimalkv._sessions.legacy import Legacy, forget_legacy, read_legacy
from minimalkv._sessions.records import (
    OUR_JSON,
    Record,
    apply_changes,
    changes,
    load_data,
)
from minimalkv._sessions.shelf import Ended, applied, new_id, ref_of
from minimalkv._sessions.stored import Stored

if TYPE_CHECKING:
    from minimalkv.sessions import SessionManager


class Session(Stored):
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
        super().__init__(manager)
        self._legacy = legacy
        self._forget(session_id)

    def _forget(self, session_id: str | None = None) -> None:
        self.id = session_id or new_id()
        self._source = session_id
        self._record = Record()
        self._etag = None
        self._user: str | None = None
        self._moved: str | None = None
        self._content: Content | None = None

    def __repr__(self) -> str:
        # Neither the id nor the data: both are nobody's business.
        return f"<Session {ref_of(self.id)[:8]}…>"

    @property
    def data(self) -> Data:
        """What the session holds. Change it in place, also deep inside."""
        return self._loaded().shown()

    @data.setter
    def data(self, data: Data) -> None:
        # What is replaced has to be known, for the next save.
        self._loaded().replace(data)

    def look(self) -> Mapping[str, Any]:
        """Return the data, in less time: a change that is made there may be missed.

        Raises
        ------
        SessionUnavailable
            If the store failed.
        """
        return self._loaded().data

    def get(self, key: str) -> Any:
        """Return one value, which may be changed in place.

        Parameters
        ----------
        key : str
            Its name.

        Raises
        ------
        KeyError
            If there is none.
        SessionUnavailable
            If the store failed.
        """
        return self._loaded().get(key)

    def set(self, key: str, value: Any) -> None:
        """Put one value, in less time than it takes by `data`.

        Parameters
        ----------
        key : str
            Its name.
        value : object
            What a session can keep.

        Raises
        ------
        SessionUnavailable
            If the store failed.
        """
        self._loaded().set(key, value)

    def _loaded(self) -> Content:
        if self._content is None:
            self._content = self._load()
        return self._content

    @property
    def is_loaded(self) -> bool:
        """Whether the store was asked."""
        return self._content is not None

    @property
    def is_new(self) -> bool:
        """Whether nothing is stored yet; asks the store."""
        self._loaded()  # whether the id is known shows then
        return self._source is None

    @property
    def has_moved(self) -> bool:
        """Whether its id was a good one until a moment ago, when it took another."""
        self._loaded()  # the record of that id tells
        return self._moved is not None

    @property
    def user(self) -> str | None:
        """Whom the session was bound to."""
        self._loaded()  # the record knows
        return self._user

    def _load(self) -> Content:
        if self._source is None:
            return Content({}, is_stored=False)
        record, self._etag = self._shelf.read(ref_of(self._source))
        if record is None and self._legacy is not None:
            record = self._take_over(self._legacy)
        if record is not None and record.moved is None:
            data = load_data(record, self._shelf.serializer)
            if data is not None:
                self._record, self._user = record, record.user
                is_plain = codec.is_plain_text(record.data)
                return Content(data, is_stored=True, is_plain=is_plain)
        # An id that is not known is not adopted: others may have chosen it.
        moved = record and record.moved
        self._forget()
        self._moved = moved
        return Content({}, is_stored=False)

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
        self._loaded()  # whose it was has to be known
        self._user = None if user_id is None else str(user_id)

    def regenerate(self) -> None:
        """Take a new id; the old one is worth nothing after the next save.

        Call it when somebody signs in: others may have planted the old one.
        """
        self._loaded()  # the store has to be asked under the old id
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
        self._content = Content({}, is_stored=False)

    def discard(self) -> bool:
        """Delete the session unless somebody changed it meanwhile.

        Returns
        -------
        bool
            False if somebody did, or ended it: nothing was deleted then.

        Raises
        ------
        SessionUnavailable
            If the store failed; it may have happened.
        """
        if self._source is not None:
            ref = ref_of(self._source)
            if not self._shelf.discard(ref, self._record, self._etag):
                return False
        self._forget()
        self._content = Content({}, is_stored=False)
        return True

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
            self.data = applied(function, self.data)
        else:
            if self._user == self._record.user:  # it was not bound here
                self._user = record.user
            self._record, self._etag = record, None
            self.data = apply_changes(self._stored_data(), mine)
        return self.data

    def _change(self, function: Callable[[Data], Data | None]) -> Record | None:
        return self._shelf.change(ref_of(str(self._source)), function)

    def _stored_data(self) -> Data:
        return load_data(self._record, self._shelf.serializer) or {}

    def _changes(self) -> Data:
        return changes(self._stored_data(), self.look(), self._shelf.serializer)

    # Saving it.

    def encode(self) -> bytes:
        """Return the data as it would be stored.

        Raises
        ------
        TypeError, ValueError
            If something in it cannot be kept; the message tells where it is.
        """
        content = self._loaded()
        if content.is_as_stored():
            return self._record.data
        serializer = self._shelf.serializer
        if content.is_plain and serializer is OUR_JSON:
            return codec.encode_plain(content.data)
        return serializer.dumps(content.data)

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
        self._user = stored.user
        is_ours = stored.data == record.data
        # Others may hold ours, and change it before the next save.
        self.data = self._loaded().data if is_ours else self._stored_data()
        return True

    def _is_due(self, record: Record) -> bool:
        if self._source != self.id or record.user != self._record.user:
            return True
        return self._differs(record.data) or self._manager._is_due(self._record, record)


def _sum(text: bytes) -> int:
    """Return the sum of bytes, as far as 16 bits go."""
    return adler32(text) & 0xFFFF  # in a twentieth of the time that `sum` takes
