"""A store that is watched, and visitors of a project that keeps sessions in it."""

from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse
from django.test import Client

from minimalkv._signing import session_tokens
from minimalkv.sessions import ref_of
from minimalkv_django.sessions import SessionStore
from tests.django.urls import actions

UNKNOWN_ID = "A" * 43

Use = Callable[[SessionStore], object]


class Visitor:
    """A browser; what a request does with the session is given with it."""

    def __init__(self, cookie: str | None = None) -> None:
        self.client = Client(raise_request_exception=False)
        if cookie is not None:
            self.client.cookies[settings.SESSION_COOKIE_NAME] = cookie

    def requests(self, action: Callable[[HttpRequest], object]) -> HttpResponse:
        actions.append(action)
        return cast("HttpResponse", self.client.get("/"))

    def does(self, use: Use) -> HttpResponse:
        return self.requests(lambda request: use(session_of(request)))

    def sets(self, **values: object) -> HttpResponse:
        return self.does(lambda session: session.update(values))

    def reads(self, *names: str) -> HttpResponse:
        return self.does(lambda session: [session.get(name) for name in names])

    def told_by(self, response: HttpResponse) -> tuple[int, bool]:
        """Return how many cookies came, and whether the page depends on them."""
        return len(cookies(response)), varies(response)

    def ignores(self) -> HttpResponse:
        """Ask for a page that has nothing to do with the session."""
        return self.requests(nothing)

    def sees(self) -> dict[str, Any]:
        """Return what the session holds; asks the store once."""
        found: dict[str, Any] = {}
        response = self.does(lambda session: found.update(session.items()))
        assert response.status_code == 200
        return found

    @property
    def cookie(self) -> str:
        return str(self.client.cookies[settings.SESSION_COOKIE_NAME].value)

    def twin(self) -> "Visitor":
        """Return the same browser, to send another request meanwhile."""
        return Visitor(self.cookie)


def session_of(request: HttpRequest) -> SessionStore:
    session: SessionBase = request.session
    assert isinstance(session, SessionStore)
    return session


def id_of(cookie: str) -> str:
    session_id, _ = session_tokens(settings.SECRET_KEY).read(cookie)
    assert session_id is not None
    return session_id


def key_of(cookie: str) -> str:
    return f"mkv-session-{ref_of(id_of(cookie))}"


def token_of(session_id: str, secret: str | None = None) -> str:
    return session_tokens(secret or settings.SECRET_KEY).sign(session_id)


def nothing(_: HttpRequest) -> str:
    return "did nothing"


def cookies(response: HttpResponse) -> list[str]:
    return [str(morsel.value) for morsel in response.cookies.values()]


def varies(response: HttpResponse) -> bool:
    return "Cookie" in response.get("Vary", "")


def stored(**values: object) -> SessionStore:
    session = SessionStore()
    session.update(values)
    session.save()
    return session


def store_has(session: SessionStore) -> bool:
    return session.exists(session.session_key)


def reopened(session: SessionStore) -> SessionStore:
    return SessionStore(session.session_key)
