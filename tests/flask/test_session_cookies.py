"""The cookie of a session."""

import pytest
from flask import session
from flask.sessions import SessionInterface

from tests.flask.visitors import Visitor, clear, cookies
from tests.watched import WatchedStore


def test_the_cookie_has_all_settings_of_flask(visitor: Visitor) -> None:
    settings = {"Domain=example.org", "Path=/shop", "Secure", "SameSite=None"}
    visitor.app.config.update(
        SESSION_COOKIE_NAME="basket",
        SESSION_COOKIE_DOMAIN="example.org",
        SESSION_COOKIE_PATH="/shop",
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=False,
        SESSION_COOKIE_SAMESITE="None",
        SESSION_COOKIE_PARTITIONED=True,
    )

    (cookie,) = cookies(visitor.sets(name="Ada"))

    name, _, rest = cookie.partition("=")
    assert name == "basket"
    if hasattr(SessionInterface, "get_cookie_partitioned"):  # since Flask 3.1
        settings.add("Partitioned")
    assert set(rest.split("; ")[1:]) == settings


def test_the_cookie_is_deleted_where_it_was_set(visitor: Visitor) -> None:
    visitor.app.config.update(
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_DOMAIN="localhost",
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_PARTITIONED=True,
    )
    visitor.app.config["PREFERRED_URL_SCHEME"] = "https"
    (sent,) = cookies(visitor.sets(name="Ada"))

    pair = sent.partition(";")[0]
    visitor.app.extensions["actions"].append(clear)
    browser = visitor.app.test_client(use_cookies=False)
    (deleted,) = cookies(browser.get("/", headers={"Cookie": pair}))

    def attributes(cookie: str) -> set[str]:
        return set(cookie.split("; ")[1:])

    gone = {"Max-Age=0", "Expires=Thu, 01 Jan 1970 00:00:00 GMT"}
    assert attributes(deleted) == attributes(sent) | gone


def test_only_a_permanent_cookie_has_an_end(visitor: Visitor) -> None:
    assert "Expires" not in cookies(visitor.sets(name="Ada"))[0]
    assert "Expires" in cookies(visitor.sets(_permanent=True))[0]
    assert "Expires" not in cookies(visitor.sets(_permanent=False))[0]


def test_wrong_cookie_settings_raise_before_anything_is_stored(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(name="Ada")
    visitor.app.config["SESSION_COOKIE_SAMESITE"] = "nonsense"
    visitor.app.testing = True
    store.take_calls()

    for change in (lambda: session.update(name="Bob"), clear):
        with pytest.raises(ValueError, match="SameSite"):
            visitor.does(change)

    assert set(store.take_calls()) == {"get_with_meta"}
