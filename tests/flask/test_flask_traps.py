"""What Flask does around a session that surprises those who keep them elsewhere."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from flask import Flask, Request, Response, session, stream_with_context
from flask.sessions import SessionMixin

from minimalkv_flask import KVSession, KVSessionInterface
from tests.flask.visitors import (
    Visitor,
    cookies,
    living,
    make_app,
    nothing,
    saving,
    varies,
)
from tests.watched import WatchedStore

# When Flask opens and saves.


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("path", ["/", "/missing", "/static/style.css"])
@pytest.mark.parametrize("cookie", [None, "good", "forged"])
def test_a_request_that_ignores_the_session_costs_nothing(
    visitor: Visitor, store: WatchedStore, method: str, path: str, cookie: str | None
) -> None:
    visitor.sets(name="Ada")
    sent = visitor.cookie if cookie == "good" else cookie
    browser = Visitor(visitor.app, sent)
    store.take_calls()
    visitor.app.extensions["actions"].append(nothing)

    response = browser.client.open(path, method=method)

    assert response.status_code in {200, 404, 405}
    assert (cookies(response), varies(response)) == ([], False)
    assert store.take_calls() == []


def test_a_thousand_visitors_who_only_look_leave_no_record(
    app: Flask, store: WatchedStore
) -> None:
    app.before_request(make_permanent)
    for number in range(1000):
        visitor = Visitor(app)
        response = visitor.does(lambda: session.get("name"))
        assert (response.status_code, cookies(response)) == (200, []), number

    assert store.take_calls() == []
    assert list(store) == []


def make_permanent() -> None:
    session.permanent = True


def test_a_lifetime_that_is_set_for_every_request_costs_nothing(
    app: Flask, store: WatchedStore
) -> None:
    app.before_request(make_permanent)
    visitor = Visitor(app)
    visitor.sets(name="Ada")
    assert store.take_calls() == ["put"]

    response = visitor.does(nothing)

    assert len(cookies(response)) == 1
    assert store.take_calls() == []
    assert visitor.sees() == {"name": "Ada", "_permanent": True}


def test_a_lifetime_that_was_set_before_the_session_was_lost_still_counts(
    app: Flask, store: WatchedStore
) -> None:
    app.before_request(make_permanent)
    visitor = Visitor(app)
    visitor.sets(name="Ada")
    for key in store:
        store.delete(key)

    response = visitor.sets(name="Bob")

    assert "Expires" in cookies(response)[0]
    assert visitor.sees() == {"name": "Bob", "_permanent": True}


def test_a_session_may_become_permanent_and_temporary_again(visitor: Visitor) -> None:
    def set_to(permanent: bool) -> None:
        session.permanent = permanent
        assert session.permanent == permanent

    visitor.sets(name="Ada")
    assert "Expires" in cookies(visitor.does(lambda: set_to(True)))[0]
    assert visitor.does(lambda: session.permanent).text == "True"
    assert "Expires" not in cookies(visitor.does(lambda: set_to(False)))[0]
    assert cookies(visitor.does(nothing)) == []


def test_a_session_that_a_failed_opening_leaves_is_ignored(visitor: Visitor) -> None:
    class Broken(KVSessionInterface):
        def open_session(self, app: Flask, request: Request) -> KVSession | None:
            raise LookupError(app, request)

    visitor.app.session_interface = Broken("memory://")

    assert visitor.client.get("/").status_code == 500


def test_a_view_that_fails_stores_what_it_changed(visitor: Visitor) -> None:
    def change_and_fail() -> None:
        session["tries"] = 1
        raise LookupError

    assert visitor.does(change_and_fail).status_code == 500
    assert visitor.sees() == {"tries": 1}


def test_a_view_that_fails_in_tests_stores_nothing(
    visitor: Visitor, store: WatchedStore
) -> None:
    """There the error propagates, and Flask does not save."""
    visitor.app.testing = True

    def change_and_fail() -> None:
        session["tries"] = 1
        raise LookupError

    with pytest.raises(LookupError):
        visitor.does(change_and_fail)
    assert list(store) == []


@pytest.mark.parametrize("saves", [False, True])
def test_a_change_after_the_response_began_counts_only_if_it_is_saved(
    visitor: Visitor, saves: bool
) -> None:
    @visitor.app.get("/stream")
    def view() -> Response:
        def parts() -> Iterator[str]:
            yield "first"
            session["streamed"] = True
            if saves:
                assert isinstance(session, KVSession)
                assert session.save()
            yield "second"

        return Response(stream_with_context(parts()))

    visitor.sets(name="Ada")

    assert visitor.client.get("/stream").text == "firstsecond"
    assert visitor.sees().get("streamed", False) == saves


def test_save_stores_at_once_and_once(visitor: Visitor, store: WatchedStore) -> None:
    def act() -> None:
        assert isinstance(session, KVSession)
        session["name"] = "Ada"
        assert session.save()
        assert store.take_calls() == ["put"]

    response = visitor.does(act)

    assert store.take_calls() == []
    assert len(cookies(response)) == 1
    assert visitor.sees() == {"name": "Ada"}


def test_save_of_nothing_stores_nothing(visitor: Visitor, store: WatchedStore) -> None:
    def act() -> None:
        assert isinstance(session, KVSession)
        session.save()

    assert cookies(visitor.does(act)) == []
    assert list(store) == []
    visitor.sets(name="Ada")

    def clear_and_save() -> None:
        session.clear()
        act()

    visitor.does(clear_and_save)
    assert list(store) == []


def test_save_tells_that_the_session_was_ended(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(name="Ada")

    def act() -> str:
        assert isinstance(session, KVSession)
        session["late"] = True
        visitor.twin().does(lambda: session.clear())
        return str(session.save())

    response = visitor.does(act)

    assert response.text == "False"
    assert cookies(response) == []
    assert living(store) == []


# What the flags say.


def test_modified_stays_true_after_a_save(app: Flask) -> None:
    with saving(app) as (opened, save):
        opened["a"] = 1
        save()
        assert opened.modified
        assert opened.accessed


def test_every_way_to_change_counts_as_a_change(app: Flask) -> None:
    def opened() -> KVSession:
        with app.test_request_context() as context:
            found = app.session_interface.open_session(app, context.request)
        assert isinstance(found, KVSession)
        return found

    ways = ["update", "setdefault", "__ior__", "regenerate", "destroy", "clear", "bind"]
    arguments: dict[str, list[object]] = {
        "update": [{"a": 1}],
        "setdefault": ["a", 1],
        "__ior__": [{"a": 1}],
        "bind": [7],
    }
    for way in ways:
        one = opened()
        getattr(one, way)(*arguments.get(way, []))
        assert (one.modified, one.accessed) == (True, True), way


def test_a_session_can_be_joined_with_a_dict(app: Flask) -> None:
    with saving(app) as (opened, _):
        opened["a"] = 1
        assert opened | {"b": 2} == {"a": 1, "b": 2}
        opened |= {"c": 3}
        assert opened == {"a": 1, "c": 3}


# The cookie.


def test_the_helpers_of_an_interface_decide_about_the_cookie(
    store: WatchedStore,
) -> None:
    class Own(KVSessionInterface):
        def get_cookie_name(self, app: Flask) -> str:
            return f"{app.name}_session".replace(".", "_")

        def get_cookie_path(self, _app: Flask) -> str:
            return "/here"

        def should_set_cookie(self, _app: Flask, session: SessionMixin) -> bool:
            return session.modified and "name" in session

    app = make_app(store)
    app.session_interface = Own(store)
    visitor = Visitor(app)

    assert cookies(visitor.sets(other=1)) == []
    (cookie,) = cookies(visitor.sets(name="Ada"))
    assert cookie.startswith("tests_flask_visitors_session=")
    assert "Path=/here" in cookie


def test_a_response_without_need_has_no_cookie_and_does_not_vary(
    visitor: Visitor,
) -> None:
    visitor.sets(name="Ada")

    assert cookies(visitor.does(lambda: session["name"])) == []
    assert varies(visitor.does(lambda: session["name"]))
    assert not varies(visitor.does(nothing))


# Around a request.


def test_a_session_works_outside_of_any_context(app: Flask) -> None:
    """`session_transaction` hands it out so."""
    with app.test_client().session_transaction() as opened:
        assert isinstance(opened, KVSession)
        opened["a"] = 1
        opened.permanent = True
        opened.bind(7)
        opened.regenerate()
        opened.atomic(lambda data: data.update(b=2))
        assert opened.sid
        assert opened.new
        assert opened.save()
        assert not opened.new


def test_moments_keep_their_zone_and_their_microseconds(visitor: Visitor) -> None:
    """Flask's own serializer makes them UTC, of whole seconds."""
    moment = datetime(2026, 11, 23, 9, 54, 1, 123456)  # noqa: DTZ001 - without a zone

    visitor.sets(moment=moment)

    assert visitor.sees() == {"moment": moment}


def test_no_key_or_value_of_the_store_is_a_cookie(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(name="Ada", _permanent=True)
    texts = [text for key in store for text in (key, store.get(key).decode("latin-1"))]
    words = {part for text in texts for part in (text, *text.split("-"))}

    for word in words:
        assert Visitor(visitor.app, word).sees() == {}
    assert len(words) >= 4
