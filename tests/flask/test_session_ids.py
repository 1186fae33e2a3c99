"""Which ids, keys and records a session accepts."""

import pickle
from hashlib import sha1

import pytest
from flask import Flask, session

from minimalkv.ttl import with_ttl
from tests.flask.visitors import (
    SECRET,
    UNKNOWN_ID,
    Visitor,
    cookies,
    key_of,
    make_app,
    quoted,
    signer,
)
from tests.watched import WatchedStore

FORGED = {
    "empty": "",
    "text": "nonsense",
    "only an id": UNKNOWN_ID,
    "no signature": f"{UNKNOWN_ID}.",
    "long": "x" * 4000,
    "other key": signer("another key").sign(UNKNOWN_ID).decode(),
    "other salt": signer(salt="cookie-session").sign(UNKNOWN_ID).decode(),
    "sha1": signer(digest=sha1).sign(UNKNOWN_ID).decode(),
    "unknown id": signer().sign(UNKNOWN_ID).decode(),
    "unknown permanent id": signer().sign(f"p{UNKNOWN_ID}").decode(),
    "short id": signer().sign("A" * 42).decode(),
    "traversal": signer().sign(f"../{'A' * 40}").decode(),
    "newline": signer().sign(f"{UNKNOWN_ID}\n").decode(),
    "unicode": "ä€\U0001f4f7.ü",
}


@pytest.mark.parametrize("cookie", FORGED.values(), ids=FORGED.keys())
def test_an_id_that_we_did_not_store_is_never_adopted(
    app: Flask, store: WatchedStore, cookie: str
) -> None:
    visitor = Visitor(app, cookie)
    assert cookies(visitor.does(lambda: session.get("name"))) == []
    assert visitor.sees() == {}

    visitor.sets(name="Ada")

    assert visitor.cookie != cookie
    assert visitor.sid not in cookie
    assert list(store) == [key_of(visitor.sid)]


@pytest.mark.parametrize("change", ["{}x", "x{}", "pp{}", "{}\n", "{}."])
def test_an_id_with_something_around_it_is_another(
    visitor: Visitor, change: str
) -> None:
    visitor.sets(name="Ada")
    cookie = signer().sign(change.format(visitor.sid)).decode()

    visitor.app.extensions["actions"].append(lambda: dict(session))
    header = {"Cookie": "session=" + quoted(cookie)}
    response = visitor.app.test_client(use_cookies=False).get("/", headers=header)

    assert response.text == "{}"


@pytest.mark.parametrize("header", [b"session=\xff\xfe.\x80", b'session="\\377.\\200"'])
def test_cookies_that_are_no_text_are_no_session(app: Flask, header: bytes) -> None:
    app.extensions["actions"].append(lambda: dict(session))

    response = app.test_client(use_cookies=False).get(
        "/", headers={"Cookie": header.decode("latin-1")}
    )

    assert (response.status_code, response.text) == (200, "{}")


def test_an_expired_session_begins_anew(visitor: Visitor, store: WatchedStore) -> None:
    visitor.sets(name="Ada")
    old = visitor.sid
    with_ttl(store).touch(key_of(old), 0)

    assert visitor.sees() == {}
    visitor.sets(name="Bob")

    assert visitor.sid != old
    assert visitor.sees() == {"name": "Bob"}


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\xff\xfe",
        b"no json",
        b"[]",
        b'"text"',
        b"null",
        b'{" u":5}',
        b'{"a":{" t":5}}',
        b'{"a":{" b":"a"}}',
        pickle.dumps({"name": "Mallory"}),
    ],
)
def test_an_unreadable_record_is_no_session(
    visitor: Visitor, store: WatchedStore, record: bytes
) -> None:
    visitor.sets(name="Ada")
    old = visitor.sid
    with_ttl(store).put(key_of(old), record)

    assert visitor.sees() == {}
    visitor.sets(name="Bob")

    assert visitor.sid != old
    assert visitor.sees() == {"name": "Bob"}


def test_without_a_secret_key_flask_explains(store: WatchedStore) -> None:
    app = make_app(store)
    app.secret_key = None
    app.testing = True
    visitor = Visitor(app)

    assert visitor.sees() == {}
    with pytest.raises(RuntimeError, match="secret key"):
        visitor.sets(name="Ada")


def test_a_former_key_is_accepted_and_the_new_one_signs(visitor: Visitor) -> None:
    visitor.sets(name="Ada")
    visitor.app.config["SECRET_KEY_FALLBACKS"] = [SECRET]
    visitor.app.secret_key = "the new key"

    assert visitor.sees() == {"name": "Ada"}
    visitor.sets(name="Bob")

    assert signer("the new key").validate(visitor.cookie)
    visitor.app.config["SECRET_KEY_FALLBACKS"] = []
    assert visitor.sees() == {"name": "Bob"}


def test_a_former_key_given_as_plain_text_is_one_key(visitor: Visitor) -> None:
    visitor.sets(name="Ada")
    sid = visitor.sid
    visitor.app.config["SECRET_KEY_FALLBACKS"] = SECRET
    visitor.app.secret_key = "the new key"

    assert visitor.sees() == {"name": "Ada"}
    forged = signer(SECRET[0]).sign(sid).decode()
    assert Visitor(visitor.app, forged).sees() == {}
