"""What a request brings along for its session, read as late as can be."""

import re
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from flask import Flask, Request

from minimalkv._signing import SessionTokens, session_tokens
from minimalkv.sessions import Legacy, Session, SessionManager

if TYPE_CHECKING:
    from minimalkv_flask.sessions import KVSessionInterface

_NO_DOUBT: Final = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)


class LegacyReader(Protocol):
    """Reads the sessions of another package; see `minimalkv_flask.legacy`."""

    def read(self, app: Flask, cookie: str) -> Legacy | None:
        """Return what that package keeps for a cookie, None if it is none of its.

        Parameters
        ----------
        app : Flask
            The application, for its keys and lifetimes.
        cookie : str
            What the session cookie carries.

        Returns
        -------
        Legacy or None
            The data, and a function that deletes it where it was.

        Raises
        ------
        Exception
            Of any kind, if that could not be found out: it counts as an outage.
        """
        ...


class Visit:
    """One request, as far as its session is concerned.

    Parameters
    ----------
    interface : KVSessionInterface
        Knows the settings.
    app : Flask
        The application.
    request : Request
        What was sent.
    """

    is_legacy = False
    """Whether the cookie is that of another package, and led to a session."""

    def __init__(
        self, interface: "KVSessionInterface", app: Flask, request: Request
    ) -> None:
        self._interface = interface
        self._app = app
        self._request = request
        self._token: tuple[str | None, bool] | None = None
        self._tokens: SessionTokens | None = None
        self._given = ""

    def _sent(self) -> str:
        sent: str = self._request.environ.get("HTTP_COOKIE", "")
        return sent

    @property
    def cookie(self) -> str | None:
        """What the session cookie carries."""
        name = self._interface.get_cookie_name(self._app)
        # In most requests there is no doubt, and to parse all cookies takes longer than
        # anything else that is done for a session here.
        return _cookie_in(self._sent(), name) or self._request.cookies.get(name)

    @property
    def tokens(self) -> SessionTokens:
        """What signs and reads the session cookies of the application."""
        if self._tokens is None:
            secret_key = self._app.secret_key
            if not secret_key:
                raise RuntimeError("The secret key was taken away during a request.")
            fallbacks = self._app.config.get("SECRET_KEY_FALLBACKS")
            self._tokens = session_tokens(secret_key, fallbacks)
        return self._tokens

    def token(self, session_id: str, permanent: bool) -> str:
        """Return what the cookie of a session has to carry after this request."""
        if self._token == (session_id, permanent):
            return self.tokens.renewed(self._given, session_id, permanent)
        return self.tokens.sign(session_id, permanent)

    def _read(self) -> tuple[str | None, bool]:
        if self._token is None:
            self._given = self.cookie or ""
            self._token = self.tokens.read(self._given)
        return self._token

    @property
    def session_id(self) -> str | None:
        """The id that the cookie carries, if we signed it."""
        return self._read()[0]

    @property
    def permanent(self) -> bool:
        """Whether the cookie says that its session is permanent."""
        return self._read()[1]

    def may_be_permanent(self) -> bool:
        """Tell whether the cookie can be a permanent one, without reading it."""
        return f"{self._interface.get_cookie_name(self._app)}=p" in self._sent()

    @property
    def lifetime_secs(self) -> float:
        """How long a session lives after this request."""
        return self._app.permanent_session_lifetime.total_seconds()

    @property
    def goes_on_anonymously(self) -> bool:
        """Whether a session that cannot be loaded is an empty one."""
        return self._interface.is_anonymous_in_outages(self._app)

    def open(self) -> Session:
        """Return the session of the request, which is not loaded yet."""
        manager = self._interface.manager(self._app)
        session_id = self.session_id
        if session_id is not None or not self._interface.legacy:
            return manager.open(session_id)
        cookie = self.cookie
        if not cookie:
            return manager.open(None)
        self.is_legacy = True
        session_id = self.tokens.id_for(cookie)
        return manager.open(session_id, legacy=partial(self._take_over, cookie))

    def _take_over(self, cookie: str) -> Legacy | None:
        manager = self._interface.manager(self._app)
        if manager.is_spent(cookie):
            return None
        readers = self._interface.legacy
        found = next(filter(None, (r.read(self._app, cookie) for r in readers)), None)
        return found and found._replace(
            forget=partial(self._forget, manager, cookie, found)
        )

    def _forget(self, manager: SessionManager, cookie: str, found: Legacy) -> None:
        # First: a cookie that holds all of its session can be deleted nowhere.
        manager.spend(cookie, self.lifetime_secs)
        found.forget()


def _cookie_in(sent: str, name: str) -> str | None:
    """Return a cookie out of all that were sent; None if there is any doubt."""
    if sent.count(name) != 1:  # there may be two of them
        return None
    before, found, after = sent.partition(f"{name}=")
    if not found or (before and not before.endswith((";", "; "))):
        return None
    value = after.partition(";")[0]
    return value if _NO_DOUBT.fullmatch(value) else None
