"""An application, its visitors, and a store that is watched."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from flask import Flask, Response, session
from flask.testing import FlaskClient
from itsdangerous import Signer
from werkzeug.http import dump_cookie, parse_cookie
from werkzeug.test import TestResponse

from minimalkv import KeyValueStore
from minimalkv.sessions import SessionManager
from minimalkv_flask import KVSession, KVSessionInterface

SECRET = "a key of the tests"
SALT = "minimalkv.session"
UNKNOWN_ID = "A" * 43

Action = Callable[[], object]


def make_app(store: KeyValueStore | str) -> Flask:
    app = Flask(__name__)
    app.secret_key = SECRET
    app.session_interface = KVSessionInterface(store)
    actions: list[Action] = []
    app.extensions["actions"] = actions

    @app.route("/")
    def run() -> str:
        return str(actions.pop()())

    return app


class Visitor:
    """A browser at the application; what a request does is given with it."""

    def __init__(self, app: Flask, cookie: str | None = None) -> None:
        self.app = app
        self.client: FlaskClient = app.test_client()
        if cookie is not None:
            self.client.set_cookie("session", cookie)

    def does(self, action: Action) -> TestResponse:
        self.app.extensions["actions"].append(action)
        return self.client.get("/")

    def sets(self, **values: object) -> TestResponse:
        return self.does(lambda: session.update(values))

    def reads(self, *names: str) -> TestResponse:
        return self.does(lambda: [session.get(name) for name in names])

    def told_by(self, response: TestResponse) -> tuple[int, bool]:
        """Return how many cookies came, and whether the page depends on them."""
        return len(cookies(response)), varies(response)

    def ignores(self) -> TestResponse:
        """Ask for a page that has nothing to do with the session."""
        return self.does(nothing)

    def sees(self) -> dict[str, Any]:
        """Return what the session holds; asks the store once."""
        found: dict[str, Any] = {}
        assert self.does(lambda: found.update(session)).status_code == 200
        return found

    @property
    def cookie(self) -> str:
        found = self.client.get_cookie("session")
        assert found is not None
        return found.value

    @property
    def sid(self) -> str:
        token = signer().unsign(self.cookie).decode()
        return token.removeprefix("p") if len(token) == 44 else token

    def twin(self) -> "Visitor":
        """Return the same browser, to send another request meanwhile."""
        return Visitor(self.app, self.cookie)


def signer(*keys: str, salt: str = SALT, digest: Any = sha256) -> Signer:
    return Signer([*keys] or SECRET, salt=salt, digest_method=digest)


def key_of(sid: str) -> str:
    return f"mkv-session-{sha256(sid.encode()).hexdigest()}"


def living(store: KeyValueStore) -> list[str]:
    """Return the keys of the sessions that there are."""
    return [f"mkv-session-{found.ref}" for found in SessionManager(store).list()]


def quoted(cookie: str) -> str:
    return dump_cookie("", cookie).partition("=")[2].partition(";")[0]


def nothing() -> str:
    return "did nothing"


def cookies(response: TestResponse) -> list[str]:
    return response.headers.getlist("Set-Cookie")


def varies(response: TestResponse) -> bool:
    return "Cookie" in response.vary


def clear() -> None:
    session.clear()


def regenerate() -> None:
    assert isinstance(session, KVSession)
    session.regenerate()


@contextmanager
def saving(app: Flask) -> Iterator[tuple[KVSession, Callable[[], str]]]:
    """Open a session by hand; the function saves it and returns its cookie."""
    interface = app.session_interface
    with app.test_request_context() as context:
        opened = interface.open_session(app, context.request)
        assert isinstance(opened, KVSession)

        def save() -> str:
            response = Response()
            interface.save_session(app, opened, response)
            return parse_cookie(response.headers["Set-Cookie"])["session"]

        yield opened, save
