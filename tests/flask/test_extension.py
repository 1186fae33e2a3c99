"""Stores and sessions from the configuration, and the names of Flask-KVSession."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from minimalkv import InvalidArgument, InvalidURL, StoreURL, UnknownScheme, Unsupported
from minimalkv.memory import DictStore
from minimalkv_flask import KVSessionExtension, KVSessionInterface, MinimalKV
from minimalkv_flask.legacy import FlaskCookie
from tests.flask.visitors import SECRET, Visitor, clear, make_app


def configured(**config: object) -> Flask:
    """Return a site that is configured, without sessions of ours yet."""
    app = make_app("memory://")
    app.session_interface = SecureCookieSessionInterface()
    app.config.update(config)
    return app


def has_our_sessions(app: Flask) -> bool:
    visitor = Visitor(app)
    visitor.sets(name="Ada")
    assert visitor.sees() == {"name": "Ada"}
    return len(visitor.cookie) == 43 + 1 + 43


def test_one_url_is_enough() -> None:
    app = configured(MINIMALKV_URL="memory://")

    kv = MinimalKV(app)

    assert has_our_sessions(app)
    assert kv.sessions.count() == 1
    assert [key[:12] for key in kv.store()] == ["mkv-session-"]
    assert kv.store("uploads") is kv.store("cache") is kv.store("default")


def test_one_extension_serves_many_applications() -> None:
    kv = MinimalKV()
    apps = [configured(MINIMALKV_URL="memory://") for _ in range(2)]
    for app in apps:
        kv.init_app(app)
        assert has_our_sessions(app)

    for app in apps:
        with app.app_context():
            assert kv.sessions.count() == 1
            assert kv.store() is kv.store()
    with pytest.raises(RuntimeError, match="application context"):
        kv.store()


def test_the_environment_names_the_default_store(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FLASK_MINIMALKV_URL", f"hfs://{tmp_path}/environment")
    app = configured()

    kv = MinimalKV(app)

    assert has_our_sessions(app)
    kv.store().put("a", b"1")
    assert (tmp_path / "environment/a").exists()
    other = MinimalKV(configured(MINIMALKV_URL=f"hfs://{tmp_path}/configuration"))
    other.store().put("a", b"2")
    assert (tmp_path / "configuration/a").exists()


def test_stores_have_names(tmp_path: Path) -> None:
    cache = DictStore()
    app = configured(
        MINIMALKV_URL=f"hfs://{tmp_path}/default",
        MINIMALKV_STORES={
            "sessions": "memory://",
            "uploads": StoreURL(f"hfs://{tmp_path}/uploads"),
            "cache": cache,
            "mine": "memory://",
        },
    )

    kv = MinimalKV(app)

    assert has_our_sessions(app)
    assert kv.store("cache") is cache
    kv.store("uploads").put("a/b", b"1")
    assert (tmp_path / "uploads/a/b").exists()
    assert kv.store("mine") is not kv.store("sessions")
    assert [key[:12] for key in kv.store("sessions")] == ["mkv-session-"]
    assert list(kv.store()) == []


def test_the_same_url_is_the_same_store_in_every_application(tmp_path: Path) -> None:
    url = f"hfs://{tmp_path}"
    one = MinimalKV(configured(MINIMALKV_URL=url))
    other = MinimalKV(configured(MINIMALKV_STORES={"default": url, "uploads": url}))

    assert one.store() is other.store() is other.store("uploads") is one.store(url)
    assert one.sessions.store is not other.sessions.store
    short_lived: list[Any] = [one.store("sessions"), other.store("sessions")]
    assert short_lived[0] is short_lived[1]
    assert not short_lived[0].fsync


def test_stores_in_memory_belong_to_their_application() -> None:
    one, other = (MinimalKV(configured(MINIMALKV_URL="memory://")) for _ in range(2))

    assert one.store() is not other.store()


@pytest.mark.parametrize("store", ["mine", "memory://", DictStore()])
def test_sessions_are_kept_where_session_store_says(store: object) -> None:
    app = configured(
        MINIMALKV_URL="memory://",
        MINIMALKV_STORES={"mine": "memory://"},
        SESSION_STORE=store,
    )

    kv = MinimalKV(app)

    assert has_our_sessions(app)
    assert kv.sessions.count() == 1
    assert list(kv.store()) == []


def test_sessions_of_flask_stay_where_that_is_wanted() -> None:
    for config in ({"SESSION_STORE": False, "MINIMALKV_URL": "memory://"}, {}):
        app = configured(MINIMALKV_STORES={"mine": "memory://"}, **config)
        kv = MinimalKV(app)
        assert not has_our_sessions(app)
        with pytest.raises(InvalidArgument, match="elsewhere"):
            kv.sessions.count()


def test_options_of_sessions_are_passed_on() -> None:
    app = configured(MINIMALKV_URL="memory://")
    visitor = Visitor(app)
    visitor.sets(name="Ada")

    kv = MinimalKV(app, absolute_lifetime=60, legacy=[FlaskCookie()], outage="error")

    assert visitor.sees() == {"name": "Ada"}
    (found,) = kv.sessions.list()
    assert (found.expires - found.created).total_seconds() == 60


@pytest.mark.parametrize(
    ("config", "error", "match"),
    [
        ({}, InvalidArgument, "No store is configured. Set MINIMALKV_URL"),
        ({"SESSION_STORE": "mine"}, InvalidArgument, "No store is configured. Set"),
        ({"MINIMALKV_STORES": "redis://h"}, InvalidArgument, "store for each alias"),
        ({"MINIMALKV_URL": "nosql://h"}, UnknownScheme, "nosql"),
        ({"SESSION_STORE": 7}, InvalidURL, "not int"),
        ({"MINIMALKV_URL": "memory://#wrap:readonly"}, Unsupported, "read only"),
    ],
)
def test_what_is_wrong_in_a_configuration_is_told_at_once(
    config: dict[str, object], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        MinimalKV(configured(**config))


def test_a_name_that_is_not_there_is_told_with_the_known_ones() -> None:
    kv = MinimalKV(
        configured(MINIMALKV_STORES={"mine": "memory://", "default": "fs:///a"})
    )

    with pytest.raises(InvalidArgument, match=r"no 'photos'.*: default, mine\."):
        kv.store("photos")


def test_no_secret_of_a_url_is_in_a_message() -> None:
    url = "hfs://me:hidden@/x?nothing=hidden"

    with pytest.raises(ValueError, match=r".") as caught:
        MinimalKV(configured(MINIMALKV_URL=url))
    assert "hidden" not in str(caught.value)


# As Flask-KVSession is called.


@pytest.mark.parametrize("wrong", ["redis:user:pw@host/0", "redis//:pw@host"])
def test_no_secret_of_what_was_meant_as_a_url_is_in_a_message(wrong: str) -> None:
    with pytest.raises(InvalidArgument, match="Its aliases are: default") as caught:
        MinimalKV(configured(MINIMALKV_URL="memory://", SESSION_STORE=wrong))

    assert "pw" not in str(caught.value)


def test_the_extension_of_flask_kvsession_works_as_it_did() -> None:
    store = DictStore()
    app = configured()

    extension = KVSessionExtension(store, app)

    assert app.kvsession_store is store  # type: ignore[attr-defined] # as it was
    assert has_our_sessions(app)
    assert len(list(store)) == 1
    with app.app_context():
        extension.cleanup_sessions()
    extension.cleanup_sessions(app)
    assert len(list(store)) == 1


def test_the_store_may_be_given_later() -> None:
    for extension in (KVSessionExtension(DictStore()), KVSessionExtension()):
        app = configured()
        extension.init_app(app, extension.default_kvstore or "memory://")
        assert has_our_sessions(app)
        visitor = Visitor(app)
        visitor.sets(name="Ada")
        visitor.does(clear)
        assert visitor.sees() == {}
    with pytest.raises(InvalidArgument, match="Give a store"):
        KVSessionExtension().init_app(configured())


def test_it_deletes_what_has_expired(tmp_path: Path) -> None:
    app = configured()
    extension = KVSessionExtension(f"hfs://{tmp_path}", app)
    Visitor(app).sets(name="Ada")
    interface = app.session_interface
    assert isinstance(interface, KVSessionInterface)
    store = interface.manager(app).store
    for key in store:
        store.touch(key, 0)

    extension.cleanup_sessions(app)

    assert not any(path.is_file() for path in tmp_path.glob("mkv-*"))


def test_the_secret_of_an_application_is_in_no_repr() -> None:
    app = configured(MINIMALKV_URL="memory://")
    kv = MinimalKV(app)

    for shown in (kv, kv.sessions, kv.sessions.open(), app.session_interface):
        assert SECRET not in repr(shown)
