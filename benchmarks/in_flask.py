"""Flask: whole requests to a page that does nothing but use its session."""

from itertools import count

from flask import Flask, session
from flask.sessions import SessionInterface
from flask_session.redis import RedisSessionInterface  # type: ignore[import-untyped] # it has none
from redis import Redis

from benchmarks.content import SESSION
from benchmarks.measure import Effort, Rows, compare
from benchmarks.wsgi import asks
from minimalkv_flask import KVSessionInterface

AIM_OF_UNTOUCHED = 1.3
AIM_OF_READ = 1.2
AIM_OF_WRITE = 1.25

_USES = ("untouched", "read", "write")


def rows(url: str, client: Redis, effort: Effort) -> Rows:
    """Measure Flask's own sessions, those of Flask-Session, bare calls, and ours.

    Parameters
    ----------
    url : str
        A database of Redis.
    client : Redis
        The same, for everybody but us.
    effort : Effort
        How long to measure.
    """
    nothing = asks(_without_sessions(), "/untouched")
    bare = _bare(client)
    own = _with_sessions()
    peer = _with_sessions()
    peer.session_interface = RedisSessionInterface(peer, client)
    ours = _with_sessions(KVSessionInterface(url))
    others = {"Flask's cookie": own, "Flask-Session": peer, "ours": ours}
    for name, app in others.items():
        for use in _USES:
            aim = AIM_OF_UNTOUCHED if (name, use) == ("ours", "untouched") else None
            label = f"flask, {name}, {use} / without a session"
            yield compare(label, nothing, asks(app, f"/{use}"), effort, aim)
    for use, call, aim in (
        ("read", "GET", AIM_OF_READ),
        ("write", "GET and SET", AIM_OF_WRITE),
    ):
        theirs = asks(bare, f"/{use}")
        label = f"flask, bare {call} / without a session"
        yield compare(label, nothing, theirs, effort)
        label = f"flask, ours, {use} / bare {call}"
        yield compare(label, theirs, asks(ours, f"/{use}"), effort.more(2), aim)


def _without_sessions() -> Flask:
    app = Flask(__name__)
    app.add_url_rule("/begin", "begin", str)
    app.add_url_rule("/untouched", "untouched", str)
    return app


def _bare(client: Redis) -> Flask:
    app = _without_sessions()
    value = b"v" * 1024
    client.set("bare", value)

    @app.route("/read")
    def read() -> str:
        client.get("bare")
        return ""

    @app.route("/write")
    def write() -> str:
        client.get("bare")
        client.set("bare", value)
        return ""

    return app


def _with_sessions(interface: SessionInterface | None = None) -> Flask:
    app = Flask(__name__)
    app.secret_key = "a key of the benchmarks"  # noqa: S105 - it protects nothing
    app.session_interface = interface or app.session_interface
    numbers = count(1)
    app.add_url_rule("/untouched", "untouched", str)

    @app.route("/begin")
    def begin() -> str:
        session.update(SESSION)
        return ""

    @app.route("/read")
    def read() -> str:
        return str(session["locale"])

    @app.route("/write")
    def write() -> str:
        session["visits"] = next(numbers)
        return ""

    return app
