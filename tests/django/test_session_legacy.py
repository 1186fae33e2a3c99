"""A project that comes from another engine signs nobody out."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.file import SessionStore as FileStore
from django.core.cache import InvalidCacheKey
from django.core.cache.backends.locmem import LocMemCache
from pytest_django import Settings

from minimalkv_django.sessions import SessionStore, revoke_user, session_manager
from tests.clocks import FakeClock
from tests.django.visitors import Visitor, cookies, nothing
from tests.watched import WatchedStore

pytestmark = pytest.mark.django_db

ENGINES = ("db", "cache", "cached_db", "file", "signed_cookies")

Begin = Callable[..., str]


@pytest.fixture(params=ENGINES)
def engine(
    request: pytest.FixtureRequest,
    settings: Settings,
    store: WatchedStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """The name of the engine that the project comes from."""
    assert store.calls == []
    settings.SESSION_FILE_PATH = str(tmp_path)
    monkeypatch.delattr(FileStore, "_storage_path", raising=False)
    settings.MINIMALKV_SESSION_LEGACY = old(request.param)
    yield old(request.param)
    monkeypatch.delattr(FileStore, "_storage_path", raising=False)


def old(name: str) -> str:
    return f"django.contrib.sessions.backends.{name}"


def begin(engine: str, **values: object) -> str:
    """Begin a session with another engine, and return its cookie."""
    session = import_module(engine).SessionStore()
    session.update(values)
    session.save()
    return str(session.session_key)


def find(engine: str, cookie: str) -> dict[str, Any]:
    return dict(import_module(engine).SessionStore(cookie).load())


def test_an_old_session_is_taken_over(engine: str, store: WatchedStore) -> None:
    cookie = begin(engine, name="Ada", n=1)
    visitor = Visitor(cookie)

    assert visitor.sees() == {"name": "Ada", "n": 1}

    assert visitor.cookie != cookie
    assert session_manager().count() == 1
    store.take_calls()
    assert visitor.sees() == {"name": "Ada", "n": 1}
    assert store.take_calls() == ["get_with_meta"]


def test_a_session_can_be_loaded_by_its_old_key(engine: str) -> None:
    session = SessionStore(begin(engine, name="Ada"))

    assert session.load() == {"name": "Ada"}
    assert SessionStore(session.session_key).load() == {"name": "Ada"}


def test_the_old_record_is_deleted(engine: str) -> None:
    cookie = begin(engine, name="Ada")
    Visitor(cookie).sees()

    if engine != old("signed_cookies"):  # there it is the visitor who has it
        assert find(engine, cookie) == {}


def test_two_requests_with_the_old_cookie_get_one_session(engine: str) -> None:
    visitor = Visitor(begin(engine, name="Ada"))
    twin = visitor.twin()

    visitor.sets(mine=1)
    twin.sets(theirs=2)

    assert visitor.cookie == twin.cookie
    assert visitor.sees() == {"name": "Ada", "mine": 1, "theirs": 2}


def test_a_faster_request_signs_no_slower_one_out(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = begin(engine, name="Ada")
    session_type = import_module(engine).SessionStore
    load = session_type.load
    faster = Visitor(cookie)

    def load_late(self: Any) -> Any:
        monkeypatch.setattr(session_type, "load", load)
        assert faster.sees() == {"name": "Ada"}
        return load(self)

    monkeypatch.setattr(session_type, "load", load_late)
    visitor = Visitor(cookie)

    assert visitor.sees() == {"name": "Ada"}
    assert visitor.cookie == faster.cookie


def test_an_old_session_that_was_left_does_not_come_back(engine: str) -> None:
    cookie = begin(engine, name="Ada")
    visitor = Visitor(cookie)
    visitor.sees()

    visitor.does(lambda session: session.flush())

    assert Visitor(cookie).sees() == {}
    assert session_manager().count() == 0


def test_the_first_request_may_sign_out(engine: str) -> None:
    cookie = begin(engine, name="Ada")

    response = Visitor(cookie).does(lambda session: session.flush())

    assert cookies(response) == [""]
    assert Visitor(cookie).sees() == {}


def test_the_first_request_may_take_a_new_key(engine: str) -> None:
    cookie = begin(engine, name="Ada")
    visitor = Visitor(cookie)

    visitor.does(lambda session: session.cycle_key())

    assert visitor.sees() == {"name": "Ada"}
    assert Visitor(cookie).sees() == {}


@pytest.mark.parametrize(
    "ask",
    [
        lambda session: session.session_key,
        lambda session: session.exists(session.session_key),
    ],
)
def test_who_asks_before_creating_a_session_finds_the_old_one(
    engine: str, ask: Callable[[SessionStore], object]
) -> None:
    visitor = Visitor(begin(engine, name="Ada"))

    def use(session: SessionStore) -> None:
        if not ask(session):
            session.create()
        session["n"] = 1

    visitor.does(use)

    assert visitor.sees() == {"name": "Ada", "n": 1}


def test_the_first_request_may_delete_the_session(engine: str) -> None:
    cookie = begin(engine, name="Ada")

    Visitor(cookie).does(lambda session: session.delete())

    assert Visitor(cookie).sees() == {}


def test_an_outage_of_the_old_cache_signs_nobody_out(
    store: WatchedStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MINIMALKV_SESSION_LEGACY = old("cache")
    cookie = begin(old("cache"), name="Ada")
    visitor = Visitor(cookie)

    def fail(*_: object, **__: object) -> None:
        raise ConnectionError("no answer")

    with monkeypatch.context() as outage:
        outage.setattr(LocMemCache, "get", fail)
        response = visitor.sets(n=1)

    assert (response.status_code, cookies(response)) == (503, [])
    assert list(store) == []
    assert visitor.sees() == {"name": "Ada"}


def test_a_cookie_that_the_old_cache_cannot_have_is_no_outage(
    store: WatchedStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MINIMALKV_SESSION_LEGACY = old("cache")

    def refuse(*_: object) -> None:  # as those for memcached do
        raise InvalidCacheKey

    monkeypatch.setattr(LocMemCache, "validate_key", refuse)

    assert Visitor("x" * 300).sees() == {}
    assert list(store) == []


def test_a_request_that_ignores_the_session_takes_nothing_over(
    engine: str, store: WatchedStore
) -> None:
    visitor = Visitor(begin(engine, name="Ada"))

    assert cookies(visitor.requests(nothing)) == []
    assert store.take_calls() == []
    assert visitor.sees() == {"name": "Ada"}


def test_an_unknown_old_cookie_gives_an_empty_session(
    engine: str, store: WatchedStore
) -> None:
    for cookie in ("a" * 32, "short", "x" * 5000, "a:b:c", "../../etc/passwd"):
        assert Visitor(cookie).sees() == {}
    assert list(store) == []


def test_the_expiry_of_an_old_session_counts_on(engine: str, clock: FakeClock) -> None:
    visitor = Visitor(begin(engine, _session_expiry=60))
    visitor.sees()

    clock.advance(61)

    assert visitor.sees() == {}


def test_an_outage_takes_nothing_from_the_old_engine(
    engine: str, store: WatchedStore
) -> None:
    visitor = Visitor(begin(engine, name="Ada"))
    for store.failing in ({"get"}, {"put"}, {"get", "put"}):
        response = visitor.does(lambda session: session["name"])
        assert (response.status_code, cookies(response)) == (503, [])

    store.recover()

    assert visitor.sees() == {"name": "Ada"}


def test_an_outage_leaves_the_old_cookie(
    engine: str, store: WatchedStore, settings: Settings
) -> None:
    settings.MINIMALKV_SESSION_OUTAGE = "anonymous"
    settings.SESSION_SAVE_EVERY_REQUEST = True
    cookie = begin(engine, name="Ada")
    visitor = Visitor(cookie)
    store.fail()

    assert cookies(visitor.requests(nothing)) == [cookie]
    store.recover()

    assert visitor.sees() == {"name": "Ada"}


def test_an_old_session_that_has_expired_is_not_begun_anew(
    store: WatchedStore,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.MINIMALKV_SESSION_LEGACY = old("file")
    monkeypatch.setattr(FileStore, "_storage_path", str(tmp_path), raising=False)
    cookie = begin(old("file"), _session_expiry="2020-01-01T00:00:00+00:00")

    assert Visitor(cookie).sees() == {}
    assert list(tmp_path.glob("sessionid*")) == []
    assert list(store) == []


def test_a_user_who_signed_in_before_stays_signed_in(engine: str) -> None:
    ada = User.objects.create_user("ada")
    cookie = begin(
        engine,
        **{
            SESSION_KEY: str(ada.pk),
            BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend",
            HASH_SESSION_KEY: ada.get_session_auth_hash(),
        },
    )
    visitor = Visitor(cookie)

    response = visitor.requests(lambda request: request.user.get_username())

    assert response.content == b"ada"
    assert session_manager().count(ada.pk) == 1
    assert revoke_user(ada) == 1
    assert Visitor(cookie).sees() == visitor.sees() == {}


def test_old_sessions_count_only_if_the_project_says_so(
    engine: str, settings: Settings, store: WatchedStore
) -> None:
    cookie = begin(engine, name="Ada")
    settings.MINIMALKV_SESSION_LEGACY = None

    assert Visitor(cookie).sees() == {}
    assert store.take_calls() == []
    assert find(engine, cookie) == {"name": "Ada"}
