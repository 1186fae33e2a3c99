"""A session of Django that is loaded when it is used, and knows whether it changed."""

import logging
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase

from minimalkv.sessions import Session, SessionUnavailable
from minimalkv_django._manager import encode, id_of_old, open_session, tokens

Data = dict[str, Any]

ANONYMOUS: Final = "anonymous"
"""The value of ``MINIMALKV_SESSION_OUTAGE`` with which pages do without the session."""

_PERMANENT: Final = "_permanent"

_log: Final = logging.getLogger("minimalkv_django")


class LazySession(SessionBase):
    """What a session is, without what becomes of it; see `SessionStore`."""

    kept_key: str | None = None
    """The key to which this request has moved the session: its former one has ended."""

    # Which session it is.

    def _forget(self, session_key: str | None) -> None:
        self._given = session_key
        self._token: tuple[str | None, bool] | None = None
        self._found: Session | None = None
        self._replacement: Data | None = None
        self._baseline: bytes | None = None
        self._bound: object = None
        self._has_key = False
        self._is_ended = False
        self._is_outage = False
        self.kept_key = None

    def _get_session_key(self) -> str | None:
        if self._is_outage and self._given:
            return self._given  # the visitor keeps it, whatever it is worth
        found = self._found
        if found is None:
            session_id, permanent = self._read_given()
            session_id = session_id or id_of_old(self._given or "")
            return session_id and tokens().sign(session_id, permanent)
        if found.is_loaded and found.is_new and not self._has_key:
            return None
        return tokens().sign(found.id, self._is_permanent(found))

    def _set_session_key(self, session_key: str | None) -> None:
        self._forget(session_key)

    session_key = property(_get_session_key)
    _session_key = property(_get_session_key, _set_session_key)

    def _id(self) -> str | None:
        return tokens().read(self.session_key or "")[0]

    def _is_permanent(self, found: Session) -> bool:
        if found.is_loaded:
            return bool(found.look().get(_PERMANENT))
        return self._read_given()[1]

    def _read_given(self) -> tuple[str | None, bool]:
        if self._token is None:
            self._token = tokens().read(self._given or "")
        return self._token

    # What it holds.

    def _get_session(self, no_load: bool = False) -> Data:
        self.accessed = True
        if no_load and self._cached() is None:
            self._replacement = {}
        return self._loaded()

    async def _aget_session(self, no_load: bool = False) -> Data:
        if self._cached() is None:
            data: Data = await sync_to_async(self._get_session)(no_load)
            return data
        return self._get_session()

    _session = property(_get_session)

    def _cached(self) -> Data | None:
        found = self._found
        if self._replacement is None and found is not None and found.is_loaded:
            return found.data
        return self._replacement

    def _get_cache(self) -> Data:
        data = self._cached()
        if data is None:  # in Django's own sessions, the attribute is not there then
            raise AttributeError("_session_cache")
        return data

    def _set_cache(self, data: Data) -> None:
        self._replacement = data

    def _delete_cache(self) -> None:
        # What was not looked at may be the cookie of another engine.
        self._forget(self._given if self._found is None else self.session_key)

    _session_cache = property(_get_cache, _set_cache, _delete_cache)

    def _loaded(self) -> Data:
        if self._replacement is not None:
            return self._replacement
        try:
            return self._open().data
        except SessionUnavailable as error:
            self._bear(error)
            return self._get_cache()

    def _open(self) -> Session:
        """Return the session, with its record."""
        self._check_outage()
        found = self._found
        if found is None:
            session_id, _ = self._read_given()
            self._found = found = open_session(self._given or "", session_id)
        if not found.is_loaded:
            user = found.look().get(SESSION_KEY)
            self._bound = None if found.user is None else user
            if not found.is_new and self._read_given()[0] is None:
                self.modified = True  # taken over: the visitor needs the new cookie
        return found

    def _check_outage(self) -> None:
        """Refuse to change a session that this request has done without until now."""
        if self._is_outage:
            raise SessionUnavailable("The session could not be used a moment ago.")

    def _take_over(self) -> None:
        """Ask for the session of another engine's cookie: nothing else leads to it."""
        if self._found is None and self._read_given()[0] is None:
            self._open()

    def _bear(self, error: SessionUnavailable) -> None:
        """Go on without a session, if the project says so."""
        if getattr(settings, "MINIMALKV_SESSION_OUTAGE", None) != ANONYMOUS:
            raise error
        _log.error("A visitor is served without the session: %s", error)
        self._replacement = self._cached() or {}
        self._is_outage = self._has_key = True

    def load(self) -> Data:
        """Return what the store holds; what was changed and not saved is forgotten.

        Raises
        ------
        SessionUnavailable
            If the store failed.
        """
        self._delete_cache()
        return self._loaded()

    def is_empty(self) -> bool:
        """Tell whether there is no session; what was not loaded may be one."""
        if self._is_outage:
            return False
        if self._cached() is None:
            if self._given is None:
                return True
            if not settings.SESSION_SAVE_EVERY_REQUEST:
                # Nobody used it, so the response needs no cookie, not even a deleted.
                return False
            self._loaded()
        return not (
            self._is_outage or self._cached() or self.session_key or self._has_moved()
        )

    def _has_moved(self) -> bool:
        # To delete the cookie now could hit the new one, which is on its way.
        found = self._found
        moved = found is not None and found.is_loaded and found.has_moved
        return moved and not settings.SESSION_SAVE_EVERY_REQUEST

    @property
    def modified(self) -> bool:
        """Whether the session was changed, also inside of a value."""
        if self._is_outage:
            return False
        return self._is_modified or self._has_changed()

    @modified.setter
    def modified(self, modified: bool) -> None:
        self._is_modified = modified
        data = None if modified else self._cached()
        if data is not None:
            self._baseline = encode(data)

    def _has_changed(self) -> bool:
        data = self._cached()
        if data is None:
            return False
        if self._baseline is not None:
            return encode(data) != self._baseline
        found = self._found
        if found is None or self._replacement is not None or found.is_new:
            return bool(data)
        return found.has_changed()
