"""What a request brings along for its session, read as late as can be."""

from functools import cached_property, partial
from typing import TYPE_CHECKING, Protocol

from flask import Flask, Request

from minimalkv._signing import SessionTokens, session_tokens
from minimalkv.sessions import Legacy, Session, SessionManager

if TYPE_CHECKING:
    from minimalkv_flask.sessions import KVSessionInterface


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

    @cached_property
    def cookie(self) -> str | None:
        """What the session cookie carries."""
        return self._request.cookies.get(self._interface.get_cookie_name(self._app))

    @cached_property
    def _token(self) -> tuple[str | None, bool]:
        return tokens_of(self._app).read(self.cookie or "")

    @property
    def session_id(self) -> str | None:
        """The id that the cookie carries, if we signed it."""
        return self._token[0]

    @property
    def permanent(self) -> bool:
        """Whether the cookie says that its session is permanent."""
        return self._token[1]

    def may_be_permanent(self) -> bool:
        """Tell whether the cookie can be a permanent one, without reading it."""
        sent: str = self._request.environ.get("HTTP_COOKIE", "")
        return f"{self._interface.get_cookie_name(self._app)}=p" in sent

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
        if self.session_id is not None or not (self.cookie and self._interface.legacy):
            return manager.open(self.session_id)
        self.is_legacy = True
        session_id = tokens_of(self._app).id_for(self.cookie)
        return manager.open(session_id, legacy=partial(self._take_over, self.cookie))

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


def tokens_of(app: Flask) -> SessionTokens:
    """Return what signs and reads the session cookies of an application."""
    if not app.secret_key:
        raise RuntimeError("The secret key was taken away during a request.")
    return session_tokens(app.secret_key, app.config.get("SECRET_KEY_FALLBACKS"))
