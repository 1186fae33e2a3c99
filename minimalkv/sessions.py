"""Sessions on the server: one logic for every framework, on any store.

The cookie carries an id, the store a record under its hash. What two requests change at
once is merged, a session that was ended does not come back, and a store that fails is
an error and never a sign-out.

>>> from minimalkv.sessions import SessionManager
>>> manager = SessionManager("memory://")
>>> session = manager.open(None)
>>> session.data["cart"] = ["book"]
>>> session.save()
True
>>> manager.open(session.id).data
{'cart': ['book']}
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final, NamedTuple

from minimalkv import _clock
from minimalkv._errors import InvalidArgument, SessionUnavailable, Unsupported
from minimalkv._expiry import MAX_TTL_SECS
from minimalkv._get_store import get_short_lived_store
from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import utc
from minimalkv._sessions.content import Data
from minimalkv._sessions.legacy import Legacy
from minimalkv._sessions.records import OUR_JSON, Record, Serializer, load_data
from minimalkv._sessions.session import Session
from minimalkv._sessions.shelf import PREFIX, Shelf, outages, ref_of
from minimalkv._sessions.users import USER_PREFIX, Users
from minimalkv.ttl import with_ttl

__all__ = [
    "LIFETIME_SECS",
    "TIMEOUT_SECS",
    "Legacy",
    "Session",
    "SessionInfo",
    "SessionManager",
    "SessionUnavailable",
    "ref_of",
]

LIFETIME_SECS: Final = 14 * 24 * 3600
"""How long a session lives since it was used last, unless it is told: two weeks."""

TIMEOUT_SECS: Final = 2.0
"""How long a request waits for a store on the network that is given as a URL."""

_TOUCHES: Final = 20


class SessionInfo(NamedTuple):
    """What a list of sessions tells of one.

    Attributes
    ----------
    ref : str
        Its name, 64 hexadecimal digits. Nobody gets into the session with it.
    user : str or None
        Whom it was bound to.
    created, expires : datetime
        When it began, and when it ends if nobody uses it; aware, in UTC.
    """

    ref: str
    user: str | None
    created: datetime
    expires: datetime


class SessionManager:
    """The sessions in a store.

    Keys begin with ``mkv-session-`` and ``mkv-user-``, so that the store may keep other
    things as well. The manager is safe across threads and processes.

    Parameters
    ----------
    store : KeyValueStore or str
        A store that can write on condition, or the URL of one. An URL gets
        ``fsync=false`` for files and ``timeout=2``, in seconds, for a network, if it
        does not say otherwise. A store is taken as it is, with its own timeout.
    lifetime_secs : float
        How long a session lives since it was used last, in seconds.
    absolute_secs : float, optional
        How long a session lives at most, since it began or was bound to a user. Without
        end by default.
    touch_secs : float, optional
        After how long a session that nobody changed is stored anew, so that it lives
        on; at the latest after half of its lifetime. A twentieth of that by default.
    serializer : Serializer, optional
        Has ``dumps`` and ``loads``, of a dict and bytes, instead of our JSON. What it
        does with bytes of others is its business: pickle would run their code.

    Raises
    ------
    Unsupported
        If the store is read only, or cannot write on condition, so that changes would
        be lost.
    InvalidArgument
        If a number of seconds is unusable.
    InvalidURL, UnknownScheme, MissingExtra
        If the URL opens no store.
    """

    def __init__(
        self,
        store: KeyValueStore | str,
        *,
        lifetime_secs: float = LIFETIME_SECS,
        absolute_secs: float | None = None,
        touch_secs: float | None = None,
        serializer: Serializer = OUR_JSON,
    ) -> None:
        self.store = with_ttl(_fit(store))
        self.lifetime_secs = _checked("lifetime_secs", lifetime_secs)
        self.absolute_secs = absolute_secs
        self.touch_secs = touch_secs
        for name in ("absolute_secs", "touch_secs"):
            if getattr(self, name) is not None:
                _checked(name, getattr(self, name))
        self._shelf = Shelf(self.store, serializer)
        self._users = Users(self.store)

    def open(
        self,
        session_id: str | None = None,
        *,
        legacy: Callable[[], Legacy | None] | None = None,
    ) -> Session:
        """Return the session of an id, or a new one; does not ask the store.

        Parameters
        ----------
        session_id : str, optional
            What the cookie carried, after its signature was checked. One that the store
            does not know gives an empty session with a new id.
        legacy : callable, optional
            Called when the store does not know the id: returns what another package
            keeps of this visitor, or None. That is stored under the id, which should
            therefore be one that only the old cookie leads to, and then forgotten.
        """
        return Session(self, session_id, legacy)

    def spend(self, cookie: str, secs: float) -> None:
        """Remember that the session in a cookie of another package was taken over.

        Parameters
        ----------
        cookie : str
            What it carried: all of a session, so that nothing can be deleted.
        secs : float
            How long the other package would accept it, in seconds.

        Raises
        ------
        SessionUnavailable
            If the store failed; it may have happened.
        """
        self._shelf.mark(ref_of(cookie), secs)

    def is_spent(self, cookie: str) -> bool:
        """Tell whether a cookie was given to `spend`.

        Raises
        ------
        SessionUnavailable
            If the store failed.
        """
        return self._shelf.read(ref_of(cookie))[0] is not None

    def atomic(
        self, session_id: str, function: Callable[[Data], Data | None]
    ) -> Data | None:
        """Change what a session holds as one step, losing nobody's change.

        Parameters
        ----------
        session_id : str
            Its id.
        function : callable
            Gets the newest data and changes it, or returns other data. It may be called
            many times, so it should do nothing but compute.

        Returns
        -------
        dict or None
            What is stored now; None if there is no such session.

        Raises
        ------
        SessionUnavailable
            If the store failed; it may have happened.
        TypeError, ValueError
            If something in the data cannot be kept; nothing was stored.
        """
        record = self._shelf.change(ref_of(session_id), function)
        return None if record is None else load_data(record, self._shelf.serializer)

    # For operators.

    def list(self, user: object = None) -> Iterator[SessionInfo]:
        """Return the sessions that there are, or those of one user.

        Parameters
        ----------
        user : object, optional
            The id that they were bound to. Without it, all records are read.

        Raises
        ------
        SessionUnavailable
            If the store failed.
        """
        refs: Iterable[str]
        refs = self._shelf.refs() if user is None else self._users.refs(str(user))
        for ref, record in self._shelf.records(iter(refs)):
            if user is None or record.user == str(user):
                created, expires = utc(record.created), utc(record.expires)
                yield SessionInfo(ref, record.user, created, expires)

    def count(self, user: object = None) -> int:
        """Return how many sessions `list` would return."""
        return sum(1 for _ in self.list(user))

    def show(self, ref: str) -> Data | None:
        """Return what a session holds, by its ref, or None if there is none."""
        record, _ = self._shelf.read(ref)
        if record is None or record.moved is not None:
            return None
        return load_data(record, self._shelf.serializer)

    def revoke(
        self,
        *,
        session_id: str | None = None,
        ref: str | None = None,
        user: object = None,
    ) -> int:
        """End sessions, also those that a request is about to save.

        Parameters
        ----------
        session_id, ref : str, optional
            End the one session of this id, or of this ref.
        user : object, optional
            End all sessions that were bound to this user.

        Returns
        -------
        int
            How many there were.

        Raises
        ------
        InvalidArgument
            If not exactly one of the three is given.
        SessionUnavailable
            If the store failed; call it again.
        """
        given = [one for one in (session_id, ref, user) if one is not None]
        if len(given) != 1:
            raise InvalidArgument("Name one of session_id, ref and user.")
        if user is not None:
            return self._revoke_user(str(user))
        if ref is None:
            ref = ref_of(str(session_id))
        return int(self._shelf.end(ref))

    def _revoke_user(self, user: str) -> int:
        refs = self._users.refs(user)
        ended = {ref for ref in refs if self._shelf.end(ref, user=user)}
        if ended:
            # The others stay listed: a sign-in under way may be about to store one.
            self._users.remove(user, ended)
        return len(ended)

    def purge(self) -> int:
        """Delete what has expired, where the store does not by itself.

        Returns
        -------
        int
            How many records were deleted.

        Raises
        ------
        SessionUnavailable
            If the store failed; call it again.
        """
        with outages:
            prefixes = (PREFIX, USER_PREFIX)
            return sum(self.store.purge_expired(prefix) for prefix in prefixes)

    # What a session asks its manager for.

    def _next(
        self, record: Record, data: bytes, user: str | None, lifetime_secs: float | None
    ) -> Record:
        """Return the record that follows on another."""
        now = _clock.now()
        begins = record.created == 0 or (user is not None and user != record.user)
        created = now if begins else record.created
        lifetime = self.lifetime_secs if lifetime_secs is None else lifetime_secs
        expires = now + min(max(lifetime, 0), MAX_TTL_SECS)
        if self.absolute_secs is not None:
            expires = min(expires, created + self.absolute_secs)
        listed = record.listed if user == record.user else 0.0
        return Record(data, created, expires, user, listed)

    def _is_due(self, stored: Record, following: Record) -> bool:
        """Tell whether a record that did not change has to be stored anew."""
        lifetime = following.expires - _clock.now()
        touch = lifetime / _TOUCHES
        if self.touch_secs is not None:
            # One that is too long for this lifetime would end a session in use.
            touch = min(self.touch_secs, lifetime / 2)
        return abs(following.expires - stored.expires) > touch

    def _listed_until(self, record: Record) -> float:
        """Return until when to list a session, so that a renewal seldom lists it."""
        now = _clock.now()
        until = 2 * record.expires - now
        if self.absolute_secs is not None:
            until = record.created + self.absolute_secs
        return min(until, now + MAX_TTL_SECS)


def _fit(store: KeyValueStore | str) -> KeyValueStore:
    if isinstance(store, str):
        store = get_short_lived_store(store, TIMEOUT_SECS)
    if store.read_only:
        raise Unsupported(f"{store!r} is read only, so no session can be kept.")
    if not store.conditional_support:
        raise Unsupported(
            f"{store!r} cannot write on condition, so two requests at once would lose "
            "changes. Keep sessions in another store."
        )
    return store


def _checked(name: str, secs: float) -> float:
    if isinstance(secs, bool) or not isinstance(secs, int | float) or not secs > 0:
        raise InvalidArgument(f"{name} is a number of seconds above 0, not {secs!r}.")
    return secs
