"""Flask sessions: the cookie holds a signed id, the store holds the data."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin
from werkzeug.http import dump_cookie

from minimalkv import InvalidArgument, KeyValueStore
from minimalkv.sessions import SessionManager
from minimalkv_flask._errors import SessionUnavailable
from minimalkv_flask._outage import answer_outage
from minimalkv_flask._session import KVSession
from minimalkv_flask._visit import LegacyReader, Visit

__all__ = ["KVSession", "KVSessionInterface", "LegacyReader", "SessionUnavailable"]

_log: Final = logging.getLogger("minimalkv_flask")

_OUTAGES: Final = ("error", "anonymous")
_MOST_COOKIES: Final = 64
_Options = tuple[float, float | None, float | None]


class KVSessionInterface(SessionInterface):
    """Keep the sessions of a Flask application in a store.

    All settings of Flask for the session cookie count. A session is stored for
    ``PERMANENT_SESSION_LIFETIME`` since it was last used, also when its cookie ends
    with the browser. While the store does not answer, a request that uses the session
    is answered with 503 and the visitor keeps the cookie.

    What is not given here is taken from the configuration of the application.

    Parameters
    ----------
    store : KeyValueStore or str
        A store that can write on condition, or the URL of one: an URL gets
        ``fsync=false`` for files and ``timeout=2``, in seconds, for a network, if it
        does not say otherwise. A store is taken as it is, with its own timeout. Keys
        begin with ``mkv-session-`` and ``mkv-user-``.
    absolute_lifetime : float or timedelta, optional
        How long a session lives at most, since it began or was bound to a user; a
        number is of seconds. ``SESSION_ABSOLUTE_LIFETIME``; without end by default.
    touch_interval : float or timedelta, optional
        After how long a session that nobody changed is stored anew, so that it lives
        on; a number is of seconds. ``SESSION_TOUCH_INTERVAL``; a twentieth of the
        lifetime by default.
    outage : str, optional
        ``"error"``, the default, or ``"anonymous"``: while the store does not answer,
        sessions are empty and what is put into them is forgotten, with a line in the
        log, but a sign-out that cannot be done is an error. ``SESSION_OUTAGE``.
    legacy : iterable of LegacyReader, optional
        Who is asked about cookies that are none of ours; see `minimalkv_flask.legacy`.

    Raises
    ------
    Unsupported
        If the store is read only, or cannot write on condition, so that changes would
        be lost.
    InvalidArgument
        If one of the options is unusable.
    InvalidURL, UnknownScheme, MissingExtra
        If the URL opens no store.

    Examples
    --------
    >>> from flask import Flask
    >>> app = Flask("shop")
    >>> app.secret_key = "keep it out of the source"
    >>> app.session_interface = KVSessionInterface("memory://")
    """

    def __init__(
        self,
        store: KeyValueStore | str,
        *,
        absolute_lifetime: float | timedelta | None = None,
        touch_interval: float | timedelta | None = None,
        outage: str | None = None,
        legacy: Iterable[LegacyReader] = (),
    ) -> None:
        self.legacy = tuple(legacy)
        self._absolute_secs = _secs("absolute_lifetime", absolute_lifetime)
        self._touch_secs = _secs("touch_interval", touch_interval)
        self._outage = outage and _checked_outage("outage", outage)
        manager = SessionManager(store)
        self._store = manager.store
        # With the settings that it was made of.
        self._manager: tuple[object, SessionManager] = (None, manager)

    def manager(self, app: Flask) -> SessionManager:
        """Return what lists and ends the sessions of an application.

        Parameters
        ----------
        app : Flask
            The application, for its configuration.

        Raises
        ------
        InvalidArgument
            If something in the configuration is unusable.
        """
        given = (
            app.permanent_session_lifetime,
            app.config.get("SESSION_ABSOLUTE_LIFETIME"),
            app.config.get("SESSION_TOUCH_INTERVAL"),
        )
        known, manager = self._manager
        if known != given:
            lifetime, absolute, touch = self._options(app)
            manager = SessionManager(
                self._store,
                lifetime_secs=lifetime,
                absolute_secs=absolute,
                touch_secs=touch,
            )
            self._manager = given, manager
        return manager

    def _options(self, app: Flask) -> _Options:
        absolute, touch = self._absolute_secs, self._touch_secs
        if absolute is None:
            absolute = _configured_secs(app, "SESSION_ABSOLUTE_LIFETIME")
        if touch is None:
            touch = _configured_secs(app, "SESSION_TOUCH_INTERVAL")
        lifetime = _secs("PERMANENT_SESSION_LIFETIME", app.permanent_session_lifetime)
        return lifetime or 0, absolute, touch

    def is_anonymous_in_outages(self, app: Flask) -> bool:
        """Tell whether a session is an empty one while the store does not answer.

        Raises
        ------
        InvalidArgument
            If the configuration is unusable.
        """
        outage = self._outage or app.config.get("SESSION_OUTAGE") or _OUTAGES[0]
        return _checked_outage("SESSION_OUTAGE", outage) == _OUTAGES[1]

    # What Flask calls.

    def open_session(self, app: Flask, request: Request) -> KVSession | None:
        """Return the session of a request, without asking the store; see Flask.

        None without a secret key: Flask then explains that where the session is used.
        """
        return KVSession(Visit(self, app, request)) if app.secret_key else None

    def save_session(
        self, app: Flask, session: SessionMixin, response: Response
    ) -> None:
        """Store what changed, and send or delete the cookie where needed; see Flask.

        If the store fails, the response becomes that of an error, without a cookie.
        """
        if not isinstance(session, KVSession):
            return  # where open_session failed, Flask passes None
        if session.accessed:
            _vary(response)
        if session.outage is not None:
            _log.error("A request could not use its session: %s", session.outage)
        elif session.is_loaded:
            self._save(app, session, response)
        else:
            self._refresh(app, session, response)

    def _save(self, app: Flask, session: KVSession, response: Response) -> None:
        is_ending = session.is_blank
        try:
            if is_ending:
                self._end(app, session, response)
            else:
                self._keep(app, session, response)
        except SessionUnavailable as error:
            session.outage = error  # Flask may save again, after an error page
            _log.error("A session was not saved: %s", error)
            if is_ending or not self.is_anonymous_in_outages(app):
                answer_outage(app, session, response, error)
            kept_id = session.kept_id
            if kept_id not in (None, session.visit.session_id):
                # The former id has ended: without this one it would be a sign-out.
                _send(response, self._cookie(app, session, str(kept_id)))

    def _keep(self, app: Flask, session: KVSession, response: Response) -> None:
        text = session.encode()
        # Made before the store is changed: wrong cookie settings raise here.
        cookie = None
        if self.should_set_cookie(app, session):
            cookie = self._cookie(app, session, session.sid)
        # Without a session, because somebody ended it meanwhile, there is no cookie.
        if session.store(text) and cookie is not None:
            _send(response, cookie)

    def _end(self, app: Flask, session: KVSession, response: Response) -> None:
        if not session.modified:
            return
        settings = self._cookie_settings(app)
        name = self.get_cookie_name(app)
        cookie = dump_cookie(name, max_age=0, expires=0, **settings)
        if not session.store(session.encode()):
            return
        if not session.is_blank:  # what others have put in meanwhile stays
            cookie = self._cookie(app, session, session.sid)
        if session.visit.cookie is not None:
            _send(response, cookie)

    def _refresh(self, app: Flask, session: KVSession, response: Response) -> None:
        """Send the cookie of a session again that was not loaded, where Flask does."""
        if not (session.modified or session.visit.may_be_permanent()):
            return
        session_id = session.visit.session_id
        if session_id is not None and self.should_set_cookie(app, session):
            _send(response, self._cookie(app, session, session_id))

    def _cookie(self, app: Flask, session: KVSession, session_id: str) -> str:
        name = self.get_cookie_name(app)
        token = session.visit.token(session_id, session.permanent)
        expires = self.get_expiration_time(app, session)
        if isinstance(expires, datetime):
            expires = expires.replace(microsecond=0)
        return f"{name}={token}{_rest(name, expires, **self._cookie_settings(app))}"

    def _cookie_settings(self, app: Flask) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "domain": self.get_cookie_domain(app),
            "path": self.get_cookie_path(app),
            "secure": self.get_cookie_secure(app),
            "httponly": self.get_cookie_httponly(app),
            "samesite": self.get_cookie_samesite(app),
        }
        if hasattr(self, "get_cookie_partitioned"):  # since Flask 3.1
            settings["partitioned"] = self.get_cookie_partitioned(app)
        return settings


@lru_cache(maxsize=_MOST_COOKIES)
def _rest(name: str, expires: datetime | None, **settings: Any) -> str:
    """Return what follows on the value of a cookie, which is the same for a second."""
    return dump_cookie(name, "", expires=expires, **settings).removeprefix(f"{name}=")


def _send(response: Response, cookie: str) -> None:
    response.headers.add("Set-Cookie", cookie)
    _vary(response)


def _vary(response: Response) -> None:
    vary = response.headers.get("Vary")
    if vary is None:  # as most often: to read the header takes five times as long
        response.headers.add("Vary", "Cookie")
    elif vary != "Cookie":
        response.vary.add("Cookie")


def _configured_secs(app: Flask, name: str) -> float | None:
    return _secs(name, app.config.get(name))


def _secs(name: str, value: object) -> float | None:
    secs = value.total_seconds() if isinstance(value, timedelta) else value
    if secs is None:
        return None
    if isinstance(secs, int | float) and not isinstance(secs, bool) and secs > 0:
        return secs
    raise InvalidArgument(
        f"{name} is a number of seconds above 0, or a timedelta, not {value!r}."
    )


def _checked_outage(name: str, value: object) -> str:
    if value in _OUTAGES:
        return str(value)
    raise InvalidArgument(f"{name} is 'error' or 'anonymous', not {value!r}.")
