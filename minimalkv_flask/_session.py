"""The session of one request, as views use it."""

from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Final

from flask.sessions import SessionMixin

from minimalkv import _errors
from minimalkv.sessions import Session
from minimalkv_flask._errors import SessionUnavailable
from minimalkv_flask._visit import Visit

_PERMANENT: Final = "_permanent"  # where Flask keeps it, too


class KVSession(SessionMixin):
    """A session, used like a dict; the store is asked when it is used first.

    Values may be JSON, tuples, sets, bytes, dates, times, `Decimal`, `UUID` and
    `Markup`. A change inside of a value is noticed.

    Attributes
    ----------
    modified : bool
        Whether the session was changed. Set it to send the cookie in any case.
    accessed : bool
        Whether the session was used, so that the response varies with the cookie.
    outage : SessionUnavailable or None
        Why the session could not be loaded. It is empty then, and nothing is stored.
    kept_id : str or None
        The id under which this request has stored the session last.
    visit : Visit
        What the request brought along; for `KVSessionInterface`.
    """

    modified = False
    accessed = False
    outage: SessionUnavailable | None = None
    kept_id: str | None = None

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self._session: Session | None = None
        self._stand_in: dict[str, Any] = {}
        self._wanted: bool | None = None
        self._is_cleared = False

    # Loading it.

    def _load(self) -> Session | None:
        """Return the session; None in an outage in which nothing is kept."""
        self.accessed = True
        if self._session is None and self.outage is None:
            self._session = self._open()
        return self._session

    def _look(self) -> Mapping[str, Any]:
        session = self._load()
        return self._stand_in if session is None else session.look()

    def _data(self) -> dict[str, Any]:
        session = self._load()
        return self._stand_in if session is None else session.data

    def _open(self) -> Session | None:
        session = self.visit.open()
        try:
            data = session.look()
        except _errors.SessionUnavailable as error:
            # Only once: the error page may use the session as well.
            self.outage = SessionUnavailable(str(error))
            if self.visit.goes_on_anonymously:
                return None
            raise self.outage from error
        if self._wanted is not None and data.get(_PERMANENT, False) != self._wanted:
            session.set(_PERMANENT, self._wanted)
        if self.visit.is_legacy and not session.is_new:
            self.modified = True  # the browser has to get the new cookie
        return session

    def _reached(self) -> Session:
        """Return the session, for what may not happen to a stand-in."""
        session = self._load()
        if session is None:
            raise SessionUnavailable(str(self.outage)) from self.outage
        return session

    # A dict.

    def __getitem__(self, key: str) -> Any:
        session = self._load()
        return self._stand_in[key] if session is None else session.get(key)

    def __setitem__(self, key: str, value: Any) -> None:
        session = self._load()
        if session is None:
            self._stand_in[key] = value
        else:
            session.set(key, value)
        self.modified = True

    def __delitem__(self, key: str) -> None:
        del self._data()[key]
        self.modified = True

    def __contains__(self, key: object) -> bool:
        return key in self._look()

    def __iter__(self) -> Iterator[str]:
        return iter(self._look())

    def __len__(self) -> int:
        return len(self._look())

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return self._data() | dict(other)

    def __ior__(self, other: Mapping[str, Any]) -> "KVSession":
        self.update(other)
        return self

    def __repr__(self) -> str:
        content = repr(self._session.look()) if self._session else "not loaded"
        return f"<{type(self).__name__} {content}>"

    def clear(self) -> None:
        """Remove everything; the response deletes the record and the cookie.

        Raises
        ------
        SessionUnavailable
            If the session could not be loaded, so that it would stay.
        """
        self._reached().data.clear()
        self.modified = self._is_cleared = True

    def popitem(self) -> tuple[str, Any]:
        """Remove and return what was added last."""
        item = self._data().popitem()
        self.modified = True
        return item

    def copy(self) -> dict[str, Any]:
        """Return the data as a dict."""
        return dict(self._data())

    # What it is.

    @property
    def sid(self) -> str:
        """The id: a secret, for whoever has it has the session."""
        return self._reached().id

    @property
    def new(self) -> bool:  # type: ignore[override] # known only once it is loaded
        """Whether nothing is stored yet."""
        session = self._load()
        return session is None or session.is_new

    @property
    def permanent(self) -> bool:
        """Whether the cookie outlives the browser; tells what it says until loaded."""
        if self._session is None and self.outage is None:
            return self.visit.permanent
        return bool(self._look().get(_PERMANENT, False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        if self._session is None and bool(value) == self.visit.permanent:
            # Many set it for each request: what is so already needs no store.
            self._wanted = bool(value)
            self.modified = True
        else:
            self[_PERMANENT] = bool(value)

    # What happens to it.

    def regenerate(self) -> None:
        """Take a new id, and end the old one with the response.

        Call it when somebody signs in: an id that others may have planted in the
        browser before is worth nothing then.

        Raises
        ------
        SessionUnavailable
            If the session could not be loaded.
        """
        self._reached().regenerate()
        self.modified = True

    def bind(self, user_id: object) -> None:
        """Tell whose session it is, or nobody's with None; stored with the response.

        All sessions of a user can be ended at once then, and the absolute lifetime
        begins anew. Call `regenerate` as well.

        Parameters
        ----------
        user_id : object
            Its text counts.

        Raises
        ------
        SessionUnavailable
            If the session could not be loaded.
        """
        self._reached().bind(user_id)
        self.modified = True

    def destroy(self) -> None:
        """Delete what is stored at once; the response deletes the cookie.

        Raises
        ------
        SessionUnavailable
            If the store failed; it may have happened.
        """
        session = self._reached()
        with _outages:
            session.destroy()
        self.modified = True

    def atomic(
        self, function: Callable[[dict[str, Any]], dict[str, Any] | None]
    ) -> None:
        """Change the session as one step, at once, losing nobody's change.

        Parameters
        ----------
        function : callable
            Gets the newest data as a dict and changes it, or returns other data. It may
            be called many times, so it should do nothing but compute.

        Raises
        ------
        SessionUnavailable
            If the store failed; it may have happened.
        """
        session = self._reached()
        with _outages:
            session.atomic(function)
        self.modified = True

    def save(self) -> bool:
        """Store what changed at once: for what comes after the response was made.

        Changes in a generator of a response or in a teardown are stored by nothing
        else. A new session needs the cookie of the response all the same.

        Returns
        -------
        bool
            False if somebody ended the session meanwhile: nothing is stored then.

        Raises
        ------
        SessionUnavailable
            If the store failed; it may have happened.
        TypeError, ValueError
            If a value cannot be stored; the message tells where it is.
        """
        return self.store(self._reached().encode())

    # What the interface asks for.

    @property
    def is_loaded(self) -> bool:
        """Whether the store was asked, and answered."""
        return self._session is not None

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to keep; a lifetime alone begins no session."""
        session = self._reached()
        data = session.look()
        return not data or (len(data) == 1 and _PERMANENT in data and session.is_new)

    def encode(self) -> bytes:
        """Return what is to be stored, and notice changes inside of values."""
        session = self._reached()
        text = session.encode()
        self.modified = self.modified or session.has_changed(text)
        return text

    def store(self, text: bytes) -> bool:
        """Store what `encode` returned, and tell whether the session still exists."""
        session = self._reached()
        with _outages:
            if self._is_cleared and self.is_blank:
                session.destroy()
                return True
            return self._keep(session, text)

    def _keep(self, session: Session, text: bytes) -> bool:
        """Store the session, or delete it if its last value was removed.

        That is no sign-out: what others have put in meanwhile stays.
        """
        if self.is_blank and session.discard():
            return True
        is_there = session.save(self.visit.lifetime_secs, encoded=text)
        if is_there:
            self.kept_id = session.id
            if self.is_blank:
                session.discard()
        return is_there


class _Outages:
    """Makes an outage one that Flask answers with 503."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, _errors.SessionUnavailable):
            raise SessionUnavailable(str(error)) from error


_outages: Final = _Outages()
