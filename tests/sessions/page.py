"""A site of Flask for many visitors at once: each page uses its session otherwise."""

from typing import Any

from flask import Flask, request, session

from minimalkv_flask import KVSession, KVSessionInterface


def make(url: str) -> Flask:
    """Return the site, whose store was used before workers are forked."""
    app = Flask(__name__)
    app.secret_key = "a key of the tests"
    interface = KVSessionInterface(url)
    app.session_interface = interface
    interface.manager(app).store.ping()
    for page in (untouched, begin, see, change, count, renew, leave):
        app.add_url_rule(f"/{page.__name__}", view_func=page)
    return app


def untouched() -> str:
    return "nothing"


def begin() -> str:
    session["n"] = 0
    return "begun"


def see() -> dict[str, Any]:
    return dict(session)


def change() -> str:
    session[request.args["key"]] = True
    return "changed"


def count() -> str:
    _session().atomic(lambda data: data.update(n=data["n"] + 1))
    return "counted"


def renew() -> str:
    _session().regenerate()
    return "renewed"


def leave() -> str:
    session.clear()
    return "left"


def _session() -> KVSession:
    assert isinstance(session, KVSession)
    return session
