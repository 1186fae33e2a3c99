"""What visitors get while the store of the sessions does not answer."""

import logging
from collections.abc import Iterator

import pytest
from flask import Flask, Response, render_template_string, session
from werkzeug.exceptions import ServiceUnavailable

from minimalkv import SessionUnavailable as CoreSessionUnavailable
from minimalkv import StoreUnavailable
from minimalkv_flask import KVSession, SessionUnavailable
from tests.flask.visitors import (
    Visitor,
    clear,
    cookies,
    nothing,
    regenerate,
    varies,
)
from tests.watched import EVERY_CALL, WatchedStore


def sign_in(visitor: Visitor, store: WatchedStore) -> None:
    visitor.sets(name="Ada", _permanent=True)
    store.take_calls()


@pytest.fixture
def signed_in(visitor: Visitor, store: WatchedStore) -> Visitor:
    sign_in(visitor, store)
    return visitor


def test_the_error_is_one_of_the_store_and_one_of_http() -> None:
    error = SessionUnavailable("redis at 10.0.0.1 is gone")

    assert isinstance(error, CoreSessionUnavailable | StoreUnavailable)
    assert isinstance(error, ServiceUnavailable)
    assert str(error) == "redis at 10.0.0.1 is gone"
    assert "10.0.0.1" not in error.get_response().get_data(as_text=True)


@pytest.mark.parametrize("failing", [{"get"}, {"put"}, EVERY_CALL])
def test_a_view_that_uses_the_session_is_answered_with_503_without_a_cookie(
    signed_in: Visitor, store: WatchedStore, failing: set[str]
) -> None:
    store.failing = failing

    response = signed_in.sets(name="Bob")

    assert response.status_code == 503
    assert "temporarily unable" in response.text
    assert cookies(response) == []
    assert varies(response)
    store.recover()
    assert signed_in.sees()["name"] == "Ada"


def test_pages_that_do_not_use_the_session_are_served(
    signed_in: Visitor, store: WatchedStore
) -> None:
    store.fail()

    assert signed_in.does(nothing).status_code == 200
    assert signed_in.client.head("/static/missing").status_code == 404
    assert signed_in.client.options("/").status_code == 200
    assert store.take_calls() == []


def test_the_store_is_asked_once_in_a_request(
    visitor: Visitor, store: WatchedStore
) -> None:
    """Each try takes until its timeout, and nobody waits for more than one."""

    @visitor.app.errorhandler(503)
    def explain(_error: ServiceUnavailable) -> tuple[str, int]:
        return f"Sorry, {session.get('name', 'stranger')}", 503

    sign_in(visitor, store)
    store.fail()
    response = visitor.sets(name="Bob")

    assert (response.status_code, response.text) == (503, "Sorry, stranger")
    assert store.take_calls() == ["get_with_meta"]


def test_an_error_page_of_the_site_may_use_the_session(
    visitor: Visitor, store: WatchedStore
) -> None:
    page = "{{ get_flashed_messages() }} {{ session.get('name') }}"

    @visitor.app.errorhandler(503)
    def explain(_error: ServiceUnavailable) -> tuple[str, int]:
        return render_template_string(page), 503

    sign_in(visitor, store)
    store.failing = {"get"}
    assert visitor.sets(name="Bob").text == "[] None"
    store.failing = {"put"}
    assert visitor.sets(name="Bob").text == "[] Bob"


def test_a_save_that_fails_is_answered_by_the_handler_of_the_application(
    visitor: Visitor, store: WatchedStore
) -> None:
    @visitor.app.errorhandler(StoreUnavailable)
    def explain(error: StoreUnavailable) -> tuple[str, int, dict[str, str]]:
        assert isinstance(error, SessionUnavailable)
        return "not saved", 503, {"Retry-After": "30"}

    sign_in(visitor, store)
    store.failing = {"put"}
    response = visitor.sets(name="Bob")

    assert (response.status_code, response.text) == (503, "not saved")
    assert response.headers["Retry-After"] == "30"
    assert response.content_length == len("not saved")


def test_a_handler_that_fails_after_a_failed_save_is_an_error_of_the_site(
    visitor: Visitor, store: WatchedStore
) -> None:
    @visitor.app.errorhandler(503)
    def explain(_error: ServiceUnavailable) -> str:
        raise LookupError

    sign_in(visitor, store)
    store.failing = {"put"}
    response = visitor.sets(name="Bob")

    assert response.status_code == 500
    assert cookies(response) == []
    assert store.take_calls() == ["get_with_meta", "put"]


def test_a_response_that_could_not_be_saved_keeps_only_what_is_true_of_both(
    visitor: Visitor, store: WatchedStore
) -> None:
    @visitor.app.after_request
    def add(response: Response) -> Response:
        response.headers["X-Frame-Options"] = "DENY"
        response.set_cookie("theme", "dark")
        response.vary.add("Accept-Language")
        response.cache_control.max_age = 3600
        response.location = "/elsewhere"
        response.add_etag()
        return response

    sign_in(visitor, store)
    store.failing = {"put"}
    response = visitor.sets(name="Bob")

    assert response.headers["X-Frame-Options"] == "DENY"
    assert {*response.vary} == {"Accept-Language", "Cookie"}
    for name in ("Set-Cookie", "Cache-Control", "Location", "ETag"):
        assert name not in response.headers
    assert response.content_type == "text/html; charset=utf-8"


def test_a_streamed_response_that_could_not_be_saved_is_closed(
    visitor: Visitor, store: WatchedStore
) -> None:
    closed: list[str] = []

    def stream() -> Iterator[str]:
        try:
            yield "first"
            yield "second"
        finally:
            closed.append("generator")

    @visitor.app.get("/stream")
    def view() -> Response:
        session["name"] = "Ada"
        parts = stream()
        response = Response(parts)
        next(parts)  # as a server does that looks whether there is any
        response.call_on_close(lambda: closed.append("response"))
        return response

    store.failing = {"put"}
    response = visitor.client.get("/stream")
    response.close()

    assert response.status_code == 503
    assert "second" not in response.text
    assert closed == ["generator", "response"]


def test_a_failed_save_is_told_to_the_log(
    signed_in: Visitor, store: WatchedStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.failing = {"put"}
    signed_in.sets(name="Bob")
    store.failing = {"get"}
    signed_in.sets(name="Bob")

    lines = [r.getMessage() for r in caplog.records if r.name == "minimalkv_flask"]
    assert [line.partition(":")[0] for line in lines] == [
        "A session was not saved",
        "A request could not use its session",
    ]
    assert all("does not answer" in line for line in lines)


def test_session_transaction_raises_when_the_store_fails(
    signed_in: Visitor, store: WatchedStore
) -> None:
    store.failing = {"put"}
    client = signed_in.client

    with (
        pytest.raises(SessionUnavailable, match="does not answer"),
        client.session_transaction() as opened,
    ):
        opened["name"] = "Bob"


@pytest.mark.parametrize("use", ["regenerate", "destroy", "save", "atomic", "bind"])
def test_what_has_to_reach_the_store_raises_when_it_is_down(
    signed_in: Visitor, store: WatchedStore, use: str
) -> None:
    arguments: dict[str, list[object]] = {"atomic": [dict], "bind": [7]}

    def act() -> None:
        assert isinstance(session, KVSession)
        for _ in range(2):
            with pytest.raises(SessionUnavailable):
                getattr(session, use)(*arguments.get(use, []))

    store.fail()

    assert signed_in.does(act).status_code == 200
    store.recover()
    assert signed_in.sees()["name"] == "Ada"


def test_what_fails_after_the_session_was_loaded_is_an_outage_as_well(
    signed_in: Visitor, store: WatchedStore
) -> None:
    def fail(use: str) -> None:
        assert isinstance(session, KVSession)
        session["name"] = "Bob"
        store.fail()
        with pytest.raises(SessionUnavailable):
            {"destroy": session.destroy, "save": session.save}[use]()
        store.recover()

    assert signed_in.does(lambda: fail("save")).status_code == 200
    assert signed_in.sees()["name"] == "Bob"
    assert signed_in.does(lambda: fail("destroy")).status_code == 200
    assert signed_in.sees()["name"] == "Bob"


@pytest.mark.parametrize("outage", ["error", "anonymous"])
@pytest.mark.parametrize("ends", [False, True])
def test_an_outage_after_a_new_id_was_stored_signs_nobody_out(
    signed_in: Visitor, store: WatchedStore, outage: str, ends: bool
) -> None:
    signed_in.app.config["SESSION_OUTAGE"] = outage
    before = signed_in.twin()

    def act() -> None:
        assert isinstance(session, KVSession)
        session.regenerate()
        assert session.save()
        store.fail()
        if ends:
            session.clear()
        else:
            session["late"] = True

    response = signed_in.does(act)

    store.recover()
    assert response.status_code == (503 if ends or outage == "error" else 200)
    assert signed_in.sees()["name"] == "Ada"
    assert before.sees() == {}


# Anonymous, if the operator wants that.


@pytest.fixture
def anonymous(signed_in: Visitor) -> Visitor:
    signed_in.app.config["SESSION_OUTAGE"] = "anonymous"
    return signed_in


def test_visitors_are_anonymous_where_that_is_wanted(
    anonymous: Visitor, store: WatchedStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.fail()

    def look() -> str:
        assert isinstance(session, KVSession)
        assert session.outage is not None
        assert (session.new, session.permanent) == (True, False)
        session["lost"] = session.get("name", "stranger")
        return str(session["lost"])

    response = anonymous.does(lambda: (len(session), look())[1])

    assert (response.status_code, response.text) == (200, "stranger")
    assert cookies(response) == []
    assert store.take_calls() == ["get_with_meta"]
    assert "does not answer" in caplog.text
    store.recover()
    assert anonymous.sees() == {"name": "Ada", "_permanent": True}


def test_an_anonymous_save_that_fails_changes_no_response(
    anonymous: Visitor, store: WatchedStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.failing = {"put"}

    response = anonymous.sets(name="Bob")

    assert response.status_code == 200
    assert cookies(response) == []
    assert "A session was not saved" in caplog.text
    store.recover()
    assert anonymous.sees()["name"] == "Ada"


@pytest.mark.parametrize("failing", [{"get"}, {"delete"}, EVERY_CALL])
@pytest.mark.parametrize("way", ["clear", "pop", "destroy"])
def test_a_sign_out_that_cannot_be_done_is_an_error_for_the_anonymous_too(
    anonymous: Visitor, store: WatchedStore, failing: set[str], way: str
) -> None:
    def sign_out() -> None:
        assert isinstance(session, KVSession)
        if way == "pop" and len(session):
            session.pop("name")
            session.pop("_permanent")
        elif way == "destroy":
            session.destroy()
        else:
            clear()

    store.failing = failing
    response = anonymous.does(sign_out)

    assert response.status_code == 503
    assert "Max-Age=0" not in "".join(cookies(response))
    store.recover()
    assert anonymous.sees()["name"] == "Ada"


def test_a_sign_in_that_cannot_be_stored_sends_no_cookie(
    app: Flask, store: WatchedStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    app.config["SESSION_OUTAGE"] = "anonymous"
    store.fail()
    visitor = Visitor(app)

    assert cookies(visitor.sets(name="Ada")) == []
    assert visitor.does(regenerate).status_code == 200
    store.recover()
    assert list(store) == []
