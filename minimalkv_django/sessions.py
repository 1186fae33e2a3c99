"""Sessions in a store: ``SESSION_ENGINE = "minimalkv_django.sessions"``."""

from collections.abc import Callable
from typing import Final

from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted

from minimalkv import InvalidArgument, KeyExists
from minimalkv.sessions import Session, SessionUnavailable, ref_of
from minimalkv_django._lazy import Data, LazySession
from minimalkv_django._manager import session_manager, tokens

__all__ = ["SessionStore", "revoke_user", "session_manager"]

_ENDED: Final = "The session was ended meanwhile, so it is not saved."


class SessionStore(LazySession):
    """A session of Django whose record lies in a store.

    It is used as any session of Django. The store is asked when the session is used
    first, and written to when what the session holds has changed: also inside of a
    value, without ``modified = True``. Two requests that change different keys both
    count. A session that was ended is not written back. While the store does not
    answer, `SessionUnavailable` is raised, and the visitor keeps the cookie.

    Unless ``SESSION_SERIALIZER`` is set, values may be JSON, tuples, sets, bytes,
    dates, times, Decimal, UUID and markup.

    Parameters
    ----------
    session_key : str, optional
        What the cookie carries: the signed id. One that was not signed with
        ``SECRET_KEY`` or one of ``SECRET_KEY_FALLBACKS`` gives an empty session.

    Attributes
    ----------
    modified : bool
        Whether the session was changed, or is said to be.
    accessed : bool
        Whether it was used.
    session_key : str or None
        What the cookie has to carry; None while there is no session.
    """

    # Saving it.

    def save(self, must_create: bool = False) -> None:
        """Store what has changed, or renew what was not for a while.

        Parameters
        ----------
        must_create : bool
            Whether there must be no session of this key yet.

        Raises
        ------
        CreateError
            If *must_create* and there is one.
        UpdateError
            If the session was ended meanwhile; nothing was stored.
        TypeError, ValueError
            If something in it cannot be kept; nothing was stored.
        SessionUnavailable
            If the store failed; it may have happened.
        """
        if must_create:
            self._save_new(self._id())
        elif not self._is_outage and not self._tried():
            raise UpdateError(_ENDED)

    def _tried(self) -> bool:
        try:
            return self._write()
        except SessionUnavailable as error:
            self._bear(error)
            return True

    def _write(self) -> bool:
        if self._is_ended:
            return False
        found = self._open()
        if self._replacement is not None:
            found.data, self._replacement = self._replacement, None
        age = self._bind_and_tell_age(found)
        if age <= 0:
            return self._expire(found)
        if not found.save(age):
            return False
        self._baseline = None
        return True

    def _bind_and_tell_age(self, found: Session) -> float:
        user = found.data.get(SESSION_KEY)
        if user != self._bound:
            found.bind(user)
            self._bound = user
        age: float = self.get_expiry_age(expiry=found.data.get("_session_expiry"))
        return age

    def _expire(self, found: Session) -> bool:
        data = found.data
        found.destroy()  # also if it was about to take another key
        found.data = data
        self._has_key = self._is_ended = True
        return True

    def _save_new(self, session_id: str | None) -> None:
        self._check_outage()
        found = session_manager().open()
        found.id = session_id or found.id
        found.data.update(self._cached() or {})
        self._bound = None
        age = self._bind_and_tell_age(found)
        try:
            found.save(age)
        except KeyExists as error:
            raise CreateError("There is a session of this key already.") from error
        self._forget(tokens().sign(found.id))
        self._found, self._bound = found, found.data.get(SESSION_KEY)

    def create(self) -> None:
        """Store the session under a new key.

        Raises
        ------
        SessionUnavailable
            If the store failed; it is asked once.
        """
        self._save_new(None)
        self.modified = True

    def cycle_key(self) -> None:
        """Give the session a new key, and end the old one.

        Raises
        ------
        SessionInterrupted
            If the session was ended meanwhile: Django answers 400.
        SessionUnavailable
            If the store failed, also with ``MINIMALKV_SESSION_OUTAGE``.
        """
        found = self._open()
        found.regenerate()
        self.accessed = self.modified = self._has_key = True
        # What is stored nowhere is stored once, with the response.
        if found.is_new:
            return
        if not self._write():
            raise SessionInterrupted(_ENDED)
        self.kept_key = self.session_key

    async def acycle_key(self) -> None:
        """Do the same as `cycle_key`."""
        await sync_to_async(self.cycle_key)()

    def exists(self, session_key: str | None) -> bool:
        """Tell whether the store has a session of this key.

        Raises
        ------
        SessionUnavailable
            If the store failed.
        """
        if session_key is not None and session_key == self.session_key:
            self._take_over()
        session_id = tokens().read(session_key or "")[0]
        return bool(session_id) and _exists(str(session_id))

    # Ending it.

    def delete(self, session_key: str | None = None) -> None:
        """Delete the session of a key, or this one.

        Raises
        ------
        SessionUnavailable
            If the store failed; it may have happened.
        """
        if session_key is None:
            self._take_over()
        mine = self._id()
        session_id = mine if session_key is None else tokens().read(session_key)[0]
        if session_id is not None:
            session_manager().revoke(session_id=session_id)
            self._is_ended = self._is_ended or session_id == mine

    def flush(self) -> None:
        """Delete the session, whoever changes it at the moment, and begin an empty one.

        Raises
        ------
        SessionUnavailable
            If the store failed, also with ``MINIMALKV_SESSION_OUTAGE``: the visitor is
            still signed in then.
        """
        self._open().destroy()
        self._forget(None)
        self.accessed = self.modified = True

    async def aflush(self) -> None:
        """Do the same as `flush`."""
        await sync_to_async(self.flush)()

    @classmethod
    def clear_expired(cls) -> None:
        """Delete the sessions that expired, where the store does not by itself.

        Raises
        ------
        SessionUnavailable
            If the store failed; call it again.
        """
        session_manager().purge()

    # What Django's sessions do not have.

    @property
    def ref(self) -> str:
        """The name of the session in lists; nobody gets into it with that.

        Raises
        ------
        SessionUnavailable
            If the store failed.
        """
        return ref_of(self._open().id)

    def bind(self, user: object) -> None:
        """Tell whose session it is from the next save on, or nobody's with None.

        `django.contrib.auth.login` does it with the user's primary key.

        Parameters
        ----------
        user : object
            A user, or the text or number that stands for one: `revoke_user` with the
            same ends all of the user's sessions. None, or an anonymous user, is nobody.

        Raises
        ------
        SessionUnavailable
            If the store failed.
        """
        found = self._open()
        before = found.user
        found.bind(user_id(user))
        self._bound = self.get(SESSION_KEY)
        if found.user != before:
            self.modified = True

    async def abind(self, user: object) -> None:
        """Do the same as `bind`."""
        await sync_to_async(self.bind)(user)

    def atomic(self, function: Callable[[Data], Data | None]) -> Data:
        """Change the session as one step, at once, losing nobody's change.

        Parameters
        ----------
        function : callable
            Changes data or returns other data; see `minimalkv.sessions.Session.atomic`.

        Returns
        -------
        dict
            The newest data, and what this request changed and did not save yet.

        Raises
        ------
        SessionUnavailable
            If the store failed; it may have happened.
        """
        found = self._open()
        if self._replacement is not None:
            found.data, self._replacement = self._replacement, None
        self.accessed = self.modified = True
        return found.atomic(function)

    async def aatomic(self, function: Callable[[Data], Data | None]) -> Data:
        """Do the same as `atomic`."""
        data: Data = await sync_to_async(self.atomic)(function)
        return data


def revoke_user(user: object) -> int:
    """End all sessions of a user, also those that a request is about to save.

    Parameters
    ----------
    user : object
        A user, or the primary key of one.

    Returns
    -------
    int
        How many there were.

    Raises
    ------
    InvalidArgument
        If it is nobody: None, an anonymous user, or one that is not in the database.
    SessionUnavailable
        If the store failed; call it again.
    """
    whose = user_id(user)
    if whose is None:
        raise InvalidArgument(
            f"{user!r} is nobody whose sessions could be ended. Give a user, or the "
            "primary key of one; keep it if you delete the user first."
        )
    return session_manager().revoke(user=whose)


def user_id(user: object) -> str | None:
    """Return the text that stands for a user in the store: that of the primary key."""
    if user is None or getattr(user, "is_anonymous", False):
        return None
    model = getattr(user, "_meta", None)
    if model is None:
        return str(user)
    key = model.pk.value_from_object(user)
    return None if key is None else str(model.pk.value_to_string(user))


def _exists(session_id: str) -> bool:
    return session_manager().show(ref_of(session_id)) is not None
