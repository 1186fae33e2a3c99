"""Moving from other packages: nobody is signed out, and nothing is executed."""

import json
import pickle
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask import Flask, session
from flask.sessions import SecureCookieSessionInterface
from flask_session.redis import RedisSessionInterface  # type: ignore[import-untyped] # it has none
from itsdangerous import Signer
from redis import Redis

from minimalkv import InvalidArgument
from minimalkv.memory import DictStore
from minimalkv_flask import KVSessionInterface
from minimalkv_flask.legacy import FlaskCookie, FlaskKVSession, FlaskSession
from minimalkv_flask.sessions import LegacyReader
from tests.flask.visitors import (
    SECRET,
    UNKNOWN_ID,
    Visitor,
    clear,
    cookies,
    key_of,
    living,
    make_app,
    nothing,
    signer,
)
from tests.watched import WatchedStore


class OldRedis(Redis):
    """A client of Redis as far as Flask-Session uses one; it connects to nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, bytes] = {}
        self.is_down = False

    def get(self, name: Any) -> Any:
        if self.is_down:
            raise ConnectionError("The old Redis is down.")
        return self.values.get(name)

    def set(self, name: Any, value: Any, ex: Any = None, **_options: Any) -> Any:  # type: ignore[override] # Redis can do more
        assert ex > 0
        self.values[name] = value

    def delete(self, *names: Any) -> Any:
        for name in names:
            self.values.pop(name, None)


@pytest.fixture
def redis() -> OldRedis:
    return OldRedis()


def signed_in_before(app: Flask, **values: object) -> str:
    """Return the cookie of a session that the former interface of a site made."""
    visitor = Visitor(app)
    visitor.sets(**values)
    return visitor.cookie


def moved(app: Flask, store: WatchedStore, *readers: LegacyReader) -> None:
    """Let the site keep its sessions in our store from now on."""
    app.session_interface = KVSessionInterface(store, legacy=readers)
    store.take_calls()


VALUES = {"name": "Ada", "cart": [1, 2], "_permanent": True}


@pytest.fixture(params=["cookie", "flask-session", "signed", "json", "kvsession"])
def old(
    request: pytest.FixtureRequest, app: Flask, store: WatchedStore, redis: OldRedis
) -> Visitor:
    """Return somebody who was signed in before the site moved, with the cookie."""
    kind = request.param
    reader: LegacyReader = FlaskCookie()
    if kind == "cookie":
        app.session_interface = SecureCookieSessionInterface()
        cookie = signed_in_before(app, **VALUES)
    elif kind == "kvsession":
        records = DictStore()
        cookie = kvsession(app, records, json.dumps(VALUES).encode())
        reader = FlaskKVSession(records, serializer="json")
    else:
        cookie = flask_session(app, redis, kind)
        reader = FlaskSession(redis, signed=kind == "signed")
    moved(app, store, reader)
    return Visitor(app, cookie)


def flask_session(app: Flask, redis: OldRedis, kind: str) -> str:
    options: dict[str, Any] = {"key_prefix": "session:"}
    if kind == "json":
        options["serialization_format"] = "json"
    app.session_interface = RedisSessionInterface(app, client=redis, **options)
    cookie = signed_in_before(app, **VALUES)
    if kind == "signed":
        former = Signer(SECRET, salt="flask-session", key_derivation="hmac")
        cookie = former.sign(cookie).decode()
    return cookie


def kvsession(app: Flask, records: DictStore, record: bytes, age: float = 60) -> str:
    """Store what Flask-KVSession stores, and return its cookie."""
    created = int((datetime.now(UTC) - timedelta(seconds=age)).timestamp())
    key = f"5f3a9c1e7b2d4086_{created:x}"
    records.put(key, record)
    return Signer(app.secret_key or "").sign(key).decode()


def test_nobody_is_signed_out_by_the_move(old: Visitor, store: WatchedStore) -> None:
    before = old.twin()

    assert old.sees() == VALUES

    assert living(store) == [key_of(old.sid)]
    assert old.sees() == VALUES
    assert before.sees() == VALUES
    assert old.sid == before.sid


def test_the_first_request_of_a_visitor_may_change_the_session(old: Visitor) -> None:
    assert len(cookies(old.sets(name="Bob"))) == 1

    assert old.sees() == VALUES | {"name": "Bob"}


def test_two_first_requests_at_once_get_one_session(
    old: Visitor, store: WatchedStore
) -> None:
    other = old.twin()

    def change() -> None:
        session["mine"] = 1
        other.sets(theirs=2)

    old.does(change)

    assert old.sees() == other.sees() == VALUES | {"mine": 1, "theirs": 2}
    assert len(living(store)) == 1


def test_after_a_sign_out_the_old_cookie_is_worth_nothing(
    old: Visitor, store: WatchedStore
) -> None:
    stolen = old.twin()
    old.sees()

    old.does(clear)

    assert stolen.sees() == {}
    assert living(store) == []


def test_a_request_that_ignores_the_session_takes_nothing_over(
    old: Visitor, store: WatchedStore
) -> None:
    assert cookies(old.does(nothing)) == []

    assert store.take_calls() == []


def test_an_outage_at_the_first_request_signs_nobody_out(
    old: Visitor, store: WatchedStore
) -> None:
    for failing in ({"get"}, {"put"}):
        store.failing = failing
        assert old.sets(name="Bob").status_code == 503
    store.recover()

    assert old.sees() == VALUES


def test_the_old_record_is_deleted(
    app: Flask, store: WatchedStore, redis: OldRedis
) -> None:
    visitor = Visitor(app, flask_session(app, redis, "msgpack"))
    moved(app, store, FlaskSession(redis))
    assert len(redis.values) == 1

    visitor.sees()

    assert redis.values == {}


def test_an_old_store_that_is_down_signs_nobody_out(
    app: Flask, store: WatchedStore, redis: OldRedis
) -> None:
    visitor = Visitor(app, flask_session(app, redis, "msgpack"))
    moved(app, store, FlaskSession(redis))
    redis.is_down = True

    assert visitor.sets(name="Bob").status_code == 503

    redis.is_down = False
    assert visitor.sees() == VALUES


def test_a_former_key_reads_the_cookies_that_it_signed(
    app: Flask, store: WatchedStore, redis: OldRedis
) -> None:
    app.session_interface = SecureCookieSessionInterface()
    flask_cookie = signed_in_before(app, **VALUES)
    signed = flask_session(app, redis, "signed")
    moved(app, store, FlaskCookie(), FlaskSession(redis, signed=True))
    app.config["SECRET_KEY_FALLBACKS"] = [SECRET]
    app.secret_key = "the new key"

    assert Visitor(app, flask_cookie).sees() == VALUES
    assert Visitor(app, signed).sees() == VALUES


@pytest.mark.parametrize(
    "cookie",
    [
        "nonsense",
        "",
        "../../etc/passwd",
        "A" * 43,
        "A" * 3000,
        signer().sign(UNKNOWN_ID).decode(),
        signer("another key").sign(UNKNOWN_ID).decode(),
        Signer("another key").sign("5f3a_1").decode(),
        Signer(SECRET).sign("../5f3a_1").decode(),
        Signer(SECRET).sign("5f3a_ffffffff").decode(),
    ],
)
def test_a_cookie_that_nobody_knows_is_a_visitor(
    app: Flask, store: WatchedStore, redis: OldRedis, cookie: str
) -> None:
    sessions = FlaskSession(redis), FlaskSession(redis, signed=True)
    kvsessions = FlaskKVSession(DictStore(), serializer="json")
    moved(app, store, FlaskCookie(), *sessions, kvsessions)
    visitor = Visitor(app, cookie)

    assert visitor.sees() == {}
    visitor.sets(name="Ada")

    assert visitor.cookie != cookie
    assert visitor.sees() == {"name": "Ada"}
    assert living(store) == [key_of(visitor.sid)]


def test_a_cookie_that_nobody_knows_costs_three_calls(
    app: Flask, store: WatchedStore
) -> None:
    moved(app, store, FlaskCookie())

    assert Visitor(app, "forged").sees() == {}
    assert store.take_calls() == ["get_with_meta"] * 3
    assert Visitor(app, "forged").does(nothing).status_code == 200
    assert Visitor(app).sees() == {}
    assert store.take_calls() == []


def test_a_cookie_without_signature_is_not_accepted_where_it_was_signed(
    app: Flask, store: WatchedStore, redis: OldRedis
) -> None:
    unsigned = flask_session(app, redis, "msgpack")
    moved(app, store, FlaskSession(redis, signed=True))

    assert Visitor(app, unsigned).sees() == {}
    assert len(redis.values) == 1


def test_an_old_cookie_that_has_expired_is_a_visitor(
    app: Flask, store: WatchedStore
) -> None:
    records = DictStore()
    days = app.permanent_session_lifetime.total_seconds()
    cookie = kvsession(app, records, b'{"name": "Ada"}', age=days + 60)
    moved(app, store, FlaskKVSession(records, serializer="json"))

    assert Visitor(app, cookie).sees() == {}


# Pickle.


class Bomb:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("protocol", range(6))
def test_no_pickle_is_read_unless_the_operator_names_it(
    app: Flask, store: WatchedStore, redis: OldRedis, tmp_path: Path, protocol: int
) -> None:
    bomb = Bomb(tmp_path / "mark")
    planted = pickle.dumps({"name": bomb}, protocol)
    records = DictStore()
    redis.set(name="session:planted", value=planted, ex=60)
    cookie = kvsession(app, records, planted)
    json_only = FlaskKVSession(records, serializer="json")
    moved(app, store, FlaskSession(redis), json_only)

    assert Visitor(app, "planted").sees() == {}
    assert Visitor(app, cookie).sees() == {}
    assert not bomb.mark.exists()


def test_pickles_are_read_where_the_operator_names_them(
    app: Flask, store: WatchedStore, redis: OldRedis
) -> None:
    records = DictStore()
    values = VALUES | {"at": datetime(2026, 1, 1, tzinfo=UTC)}
    redis.set(name="own:planted", value=pickle.dumps(values), ex=60)
    cookie = kvsession(app, records, pickle.dumps(values))
    formats = ["msgpack", "json", "pickle"]
    flask_session = FlaskSession(redis, prefix="own:", formats=formats)
    moved(app, store, flask_session, FlaskKVSession(records, serializer="pickle"))

    assert Visitor(app, "planted").sees() == values
    assert Visitor(app, cookie).sees() == values


@pytest.mark.parametrize(
    "record",
    [b"", b"\xc1", b"[1]", b"null", msgspec.msgpack.encode([1]), b"\x80\x04N."],
)
def test_a_record_that_is_no_session_is_a_visitor(
    app: Flask, store: WatchedStore, redis: OldRedis, record: bytes
) -> None:
    redis.set(name="session:id", value=record, ex=60)
    moved(app, store, FlaskSession(redis))

    assert Visitor(app, "id").sees() == {}


def test_an_unknown_format_is_named(redis: OldRedis) -> None:
    with pytest.raises(InvalidArgument, match="'pickle', not 'yaml'"):
        FlaskSession(redis, formats=["yaml"])
    with pytest.raises(InvalidArgument, match="not 'yaml'"):
        FlaskKVSession(DictStore(), serializer="yaml")


def test_readers_of_ones_own_can_be_given(store: WatchedStore) -> None:
    class Own:
        def __init__(self, records: Mapping[str, dict[str, Any]]) -> None:
            self.records = dict(records)

        def read(self, app: Flask, cookie: str) -> Any:
            from minimalkv.sessions import Legacy

            assert app.secret_key == SECRET
            data = self.records.get(cookie)
            return data and Legacy(data, lambda: self.records.pop(cookie))

    reader = Own({"old": {"name": "Ada"}})
    app = make_app(store)
    moved(app, store, reader)

    assert Visitor(app, "old").sees() == {"name": "Ada"}
    assert reader.records == {}
