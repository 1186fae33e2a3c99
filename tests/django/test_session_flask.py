"""Flask and Django read each other's sessions."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as project
from flask import Flask, session
from flask.testing import FlaskClient
from pytest_django import Settings

from minimalkv_django import stores
from minimalkv_django.sessions import SessionStore
from minimalkv_flask import KVSessionInterface, MinimalKV
from tests.django.visitors import Visitor, id_of
from tests.watched import WatchedStore

Action = Callable[[], object]

COOKIE = "sessionid"


class FlaskVisitor:
    """A browser at an application that has the store, cookie and key of the project."""

    def __init__(self, store: WatchedStore) -> None:
        app = Flask(__name__)
        app.secret_key = project.SECRET_KEY
        app.config["SESSION_COOKIE_NAME"] = COOKIE
        app.session_interface = KVSessionInterface(store)
        self.actions: list[Action] = []
        app.add_url_rule("/", view_func=lambda: str(self.actions.pop()()))
        self.client: FlaskClient = app.test_client()

    def does(self, action: Action) -> str:
        self.actions.append(action)
        return self.client.get("/").get_data(as_text=True)

    @property
    def cookie(self) -> str:
        cookie = self.client.get_cookie(COOKIE)
        assert cookie is not None
        return cookie.value


@pytest.fixture
def flask(store: WatchedStore) -> FlaskVisitor:
    return FlaskVisitor(store)


def test_both_have_one_store_for_a_url_in_a_process(
    settings: Settings, tmp_path: Path
) -> None:
    url = f"hfs://{tmp_path}"
    settings.MINIMALKV_URL = url
    app = Flask(__name__)
    app.config.update(MINIMALKV_URL=url, MINIMALKV_STORES={"mine": "memory://"})

    kv = MinimalKV(app)

    assert kv.store("uploads") is stores["uploads"] is kv.store(url)
    settings.MINIMALKV_STORES = {"mine": "memory://"}
    assert kv.store("uploads") is stores["uploads"]
    assert kv.store("mine") is not stores["mine"]


def test_django_reads_and_changes_the_session_of_flask(flask: FlaskVisitor) -> None:
    flask.does(lambda: session.update(name="Ada", pair=(1, 2)))
    visitor = Visitor(flask.cookie)

    assert visitor.sees() == {"name": "Ada", "pair": (1, 2)}
    visitor.sets(name="Bob")

    assert visitor.cookie == flask.cookie
    assert flask.does(lambda: session["name"]) == "Bob"


def test_flask_reads_and_changes_the_session_of_django(
    flask: FlaskVisitor, visitor: Visitor
) -> None:
    visitor.sets(name="Ada")
    flask.client.set_cookie(COOKIE, visitor.cookie)

    assert flask.does(lambda: session["name"]) == "Ada"
    flask.does(lambda: session.update(name="Bob"))

    assert visitor.sees() == {"name": "Bob"}


def test_a_permanent_session_of_flask_stays_one(flask: FlaskVisitor) -> None:
    flask.does(lambda: session.update(n=1, _permanent=True))
    visitor = Visitor(flask.cookie)
    assert visitor.cookie.startswith("p")

    visitor.sets(n=2)

    assert visitor.cookie == flask.cookie
    assert visitor.sees() == {"_permanent": True, "n": 2}
    assert SessionStore(flask.cookie).session_key == flask.cookie


def test_an_expiry_of_django_is_left_alone_by_flask(
    flask: FlaskVisitor, visitor: Visitor
) -> None:
    visitor.does(lambda session: session.set_expiry(timedelta(hours=1)))
    flask.client.set_cookie(COOKIE, visitor.cookie)

    flask.does(lambda: session.update(n=1))

    assert 3500 < SessionStore(visitor.cookie).get_expiry_age() <= 3600


def test_who_signs_out_at_one_is_signed_out_at_the_other(
    flask: FlaskVisitor, visitor: Visitor
) -> None:
    visitor.sets(name="Ada")
    flask.client.set_cookie(COOKIE, visitor.cookie)
    flask.does(lambda: session.clear())
    assert visitor.sees() == {}

    flask.does(lambda: session.update(name="Bob"))
    other = Visitor(flask.cookie)
    assert id_of(other.cookie)
    other.does(lambda session: session.flush())

    assert flask.does(lambda: session.get("name")) == "None"
