"""The session of one request, as views use it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
    visit : Visit
        What the request brought along; for `KVSessionInterface`.
    """

    modified = False
    accessed = False
    outage: SessionUnavailable | None = None

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self._session: Session | None = None
        self._stand_in: dict[str, Any] = {}
        self._wanted: bool | None = None

    # Loading it.

    def _load(self) -> dict[str, Any]:
        self.accessed = True
        if self._session is None and self.outage is None:
            self._session = self._open()
        return self._stand_in if self._session is None else self._session.data

    def _open(self) -> Session | None:
        session = self.visit.open()
        try:
            data = session.data
        except _errors.SessionUnavailable as error:
            # Only once: the error page may use the session as well.
            self.outage = SessionUnavailable(str(error))
            if self.visit.goes_on_anonymously:
                return None
            raise self.outage from error
        if self._wanted is not None and data.get(_PERMANENT, False) != self._wanted:
            data[_PERMANENT] = self._wanted
        if self.visit.is_legacy and not session.is_new:
            self.modified = True  # the browser has to get the new cookie
        return session

    def _reached(self) -> Session:
        """Return the session, for what may not happen to a stand-in."""
        self._load()
        if self._session is None:
            raise SessionUnavailable(str(self.outage)) from self.outage
        return self._session

    # A dict.

    def __getitem__(self, key: str) -> Any:
        return self._load()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._load()[key] = value
        self.modified = True

    def __delitem__(self, key: str) -> None:
        del self._load()[key]
        self.modified = True

    def __contains__(self, key: object) -> bool:
        return key in self._load()

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return self._load() | dict(other)

    def __ior__(self, other: Mapping[str, Any]) -> "KVSession":
        self.update(other)
        return self

    def __repr__(self) -> str:
        content = repr(self._session.data) if self._session else "not loaded"
        return f"<{type(self).__name__} {content}>"

    def clear(self) -> None:
        """Remove everything; the response deletes the record and the cookie.

        Raises
        ------
        SessionUnavailable
            If the session could not be loaded, so that it would stay.
        """
        self._reached().data.clear()
        self.modified = True

    def popitem(self) -> tuple[str, Any]:
        """Remove and return what was added last."""
        item = self._load().popitem()
        self.modified = True
        return item

    def copy(self) -> dict[str, Any]:
        """Return the data as a dict."""
        return dict(self._load())

    # What it is.

    @property
    def sid(self) -> str:
        """The id: a secret, for whoever has it has the session."""
        return self._reached().id

    @property
    def new(self) -> bool:  # type: ignore[override] # known only once it is loaded
        """Whether nothing is stored yet."""
        self._load()
        return self._session is None or self._session.is_new

    @property
    def permanent(self) -> bool:
        """Whether the cookie outlives the browser; tells what it says until loaded."""
        if self._session is None and self.outage is None:
            return self.visit.permanent
        return bool(self._load().get(_PERMANENT, False))

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
        with _outages():
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
        with _outages():
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
        return not session.data or (session.is_new and {*session.data} == {_PERMANENT})

    def encode(self) -> bytes:
        """Return what is to be stored, and notice changes inside of values."""
        session = self._reached()
        text = session.encode()
        self.modified = self.modified or session.has_changed(text)
        return text

    def store(self, text: bytes) -> bool:
        """Store what `encode` returned, and tell whether the session still exists."""
        session = self._reached()
        with _outages():
            if not self.is_blank:
                return session.save(self.visit.lifetime_secs, encoded=text)
            session.destroy()
        return True


@contextmanager
def _outages() -> Iterator[None]:
    """Make an outage one that Flask answers with 503."""
    try:
        yield
    except _errors.SessionUnavailable as error:
        raise SessionUnavailable(str(error)) from error
