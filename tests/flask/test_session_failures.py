"""Sessions while the store fails, and what a second save does."""

import pytest
from flask import Flask, Response, session

from minimalkv import StoreError
from tests.flask.visitors import (
    Visitor,
    clear,
    cookies,
    key_of,
    living,
    nothing,
    saving,
)
from tests.watched import WatchedStore


def test_while_the_store_is_down_requests_fail_and_cookies_stay(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(name="Ada")
    for failing in ({"get"}, {"put"}, {"get", "put", "delete"}):
        store.failing = failing
        response = visitor.sets(name="Bob")
        assert response.status_code == 503
        assert cookies(response) == []
        assert visitor.does(nothing).status_code == 200

    store.recover()
    assert visitor.sees() == {"name": "Ada"}


def test_a_failed_sign_out_keeps_the_cookie(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(name="Ada")
    store.failing = {"delete"}

    response = visitor.does(clear)

    assert response.status_code == 503
    assert cookies(response) == []


def test_an_outage_reaches_the_application_as_store_error(
    visitor: Visitor, store: WatchedStore
) -> None:
    @visitor.app.errorhandler(StoreError)
    def unavailable(_error: StoreError) -> tuple[str, int]:
        return "come back later", 507

    visitor.sets(name="Ada")
    store.failing = {"get"}

    assert visitor.does(lambda: session["name"]).status_code == 507


def test_a_write_whose_reply_was_lost_is_not_a_loss(
    visitor: Visitor, store: WatchedStore
) -> None:
    store.lost_replies = 1
    assert visitor.sets(name="Ada").status_code == 503

    assert visitor.sets(name="Ada").status_code == 200
    store.lost_replies = 1
    assert visitor.sets(name="Bob").status_code == 503

    assert visitor.sees() == {"name": "Bob"}


def test_a_session_is_saved_once_more_by_the_error_page(visitor: Visitor) -> None:
    """Flask saves again after an error handler, with what that one changed."""

    @visitor.app.after_request
    def fail_late(response: Response) -> Response:
        if response.status_code == 200 and "late" in session:
            raise LookupError
        return response

    @visitor.app.errorhandler(500)
    def explain(_error: Exception) -> tuple[str, int]:
        session["explained"] = True
        return "it went wrong", 500

    assert visitor.sets(late=True).status_code == 500
    del visitor.app.after_request_funcs[None]

    assert visitor.sees() == {"late": True, "explained": True}


def test_saving_again_writes_only_what_is_new(app: Flask, store: WatchedStore) -> None:
    with saving(app) as (opened, save):
        opened["a"] = 1
        save()
        assert store.take_calls() == ["put"]
        save()
        assert store.take_calls() == []
        opened["b"] = 2
        cookie = save()

    assert Visitor(app, cookie).sees() == {"a": 1, "b": 2}


def test_saving_again_keeps_what_others_changed(app: Flask) -> None:
    with saving(app) as (opened, save):
        opened["a"] = 1
        visitor = Visitor(app, save())
        visitor.sets(theirs=2)
        opened["b"] = 3
        save()
        opened["c"] = 4
        save()

    assert visitor.sees() == {"a": 1, "b": 3, "c": 4, "theirs": 2}


def test_after_saving_again_under_a_new_id_the_old_one_is_gone(
    app: Flask, store: WatchedStore
) -> None:
    with saving(app) as (opened, save):
        opened["a"] = 1
        before = Visitor(app, save())
        opened.regenerate()
        visitor = Visitor(app, save())
        opened["b"] = 2
        save()

    assert before.sees() == {}
    assert visitor.sees() == {"a": 1, "b": 2}
    assert living(store) == [key_of(visitor.sid)]


def test_a_session_that_could_not_be_opened_is_not_saved(app: Flask) -> None:
    response = Response()

    app.session_interface.save_session(app, None, response)  # type: ignore[arg-type] # as Flask does

    assert dict(response.headers).keys() == {"Content-Type"}


def test_a_value_that_cannot_be_stored_leaves_the_record(visitor: Visitor) -> None:
    visitor.sets(name="Ada")
    visitor.app.testing = True

    with pytest.raises(TypeError, match=r"session\['name'\] .* cannot keep"):
        visitor.sets(name=object())

    assert visitor.sees() == {"name": "Ada"}
