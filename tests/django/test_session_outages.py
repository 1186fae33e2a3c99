"""While the store does not answer, nobody is signed out."""

from functools import partial

import pytest
from django.http import HttpRequest, HttpResponse
from pytest_django import Settings

from minimalkv import SessionUnavailable
from minimalkv_django.sessions import SessionStore, revoke_user, session_manager
from tests.django.visitors import (
    Use,
    Visitor,
    cookies,
    nothing,
    session_of,
)
from tests.watched import WatchedStore


def replace(session: SessionStore) -> None:
    session.clear()
    session["name"] = "Bob"


USES: list[Use] = [
    lambda session: session.get("name"),
    lambda session: session.update({"name": "Bob"}),
    replace,
    lambda session: session.flush(),
    lambda session: session.cycle_key(),
    lambda session: session.atomic(lambda data: None),
    lambda session: session.bind(7),
    lambda session: session.create(),
    lambda session: session.delete(),
    lambda session: session.exists(session.session_key),
]


@pytest.fixture
def signed_in(visitor: Visitor, store: WatchedStore) -> Visitor:
    visitor.sets(name="Ada")
    store.fail()
    return visitor


def test_a_page_without_the_session_is_served(signed_in: Visitor) -> None:
    response = signed_in.requests(nothing)

    assert (response.status_code, cookies(response)) == (200, [])


@pytest.mark.parametrize("use", USES)
def test_a_page_with_the_session_answers_503_and_leaves_the_cookie(
    signed_in: Visitor, store: WatchedStore, use: Use
) -> None:
    response = signed_in.does(use)

    assert (response.status_code, cookies(response)) == (503, [])
    assert (response["Cache-Control"], response["Retry-After"]) == ("no-store", "5")
    store.recover()
    assert signed_in.sees() == {"name": "Ada"}


def test_a_store_that_fails_at_the_end_answers_503(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(name="Ada")
    store.failing = {"put"}

    response = visitor.sets(name="Bob")

    assert (response.status_code, cookies(response)) == (503, [])
    assert b"unavailable" in response.content
    store.recover()
    assert visitor.sees() == {"name": "Ada"}


def test_a_visitor_who_is_new_gets_503_and_no_cookie(
    visitor: Visitor, store: WatchedStore
) -> None:
    store.fail()

    response = visitor.sets(name="Ada")

    assert (response.status_code, cookies(response)) == (503, [])


def test_every_page_needs_the_store_if_every_request_saves(
    signed_in: Visitor, store: WatchedStore, settings: Settings
) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = True

    response = signed_in.requests(nothing)

    assert (response.status_code, cookies(response)) == (503, [])
    store.recover()
    assert signed_in.sees() == {"name": "Ada"}


def test_another_error_stays_a_500(visitor: Visitor, store: WatchedStore) -> None:
    visitor.sets(name="Ada")

    def fail(request: HttpRequest) -> None:
        store.fail()
        with pytest.raises(SessionUnavailable):
            session_of(request)["name"]
        raise ZeroDivisionError

    assert visitor.requests(fail).status_code == 500


def test_the_project_may_have_a_page_for_it(
    signed_in: Visitor, settings: Settings
) -> None:
    page_for_outages(settings, "<h1>Back soon</h1>")

    response = signed_in.does(lambda session: session["name"])

    assert response.status_code == 503
    assert response.content == b"<h1>Back soon</h1>"
    assert response["Content-Type"].startswith("text/html")


def page_for_outages(settings: Settings, text: str) -> None:
    page = ("django.template.loaders.locmem.Loader", {"503.html": text})
    backend = "django.template.backends.django.DjangoTemplates"
    settings.TEMPLATES = [{"BACKEND": backend, "OPTIONS": {"loaders": [page]}}]


def test_the_page_of_the_project_may_tell_the_cause(
    signed_in: Visitor, store: WatchedStore, settings: Settings
) -> None:
    page_for_outages(settings, "{{ request.path }} <q>{{ exception }}</q>")

    for store.failing in ({"get"}, {"put"}):
        response = signed_in.sets(name="Bob")
        assert response.status_code == 503
        assert b"/ <q>No session can be used: The store does not" in response.content


def test_the_page_of_the_project_may_greet_who_is_signed_in(
    signed_in: Visitor, settings: Settings
) -> None:
    page_for_outages(settings, "Hello {{ request.session.name }}")

    response = signed_in.does(lambda session: session["name"])

    assert response.status_code == 503
    assert b"unavailable" in response.content


@pytest.mark.parametrize("failing", ["get", "put"])
def test_the_log_tells_the_cause_in_one_line(
    signed_in: Visitor,
    store: WatchedStore,
    caplog: pytest.LogCaptureFixture,
    failing: str,
) -> None:
    store.failing = {failing}

    signed_in.sets(name="Bob")

    (record,) = caplog.records
    assert (record.name, record.levelname) == ("django.request", "ERROR")
    assert f"/: No session can be used: The store does not answer a {failing}" in (
        record.getMessage()
    )
    assert (record.exc_info, record.exc_text) == (None, None)
    assert "\n" not in caplog.handler.format(record)
    assert signed_in.cookie not in caplog.text


def test_the_log_tells_all_of_another_error(
    visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: HttpRequest) -> None:
        raise ZeroDivisionError

    visitor.requests(fail)

    assert "Traceback" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_without_the_middleware_an_outage_is_a_500(
    signed_in: Visitor, store: WatchedStore, settings: Settings
) -> None:
    settings.MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]

    response = signed_in.twin().does(lambda session: session["name"])

    assert (response.status_code, cookies(response)) == (500, [])
    store.recover()
    assert signed_in.sees() == {"name": "Ada"}


# Doing without it, if the project says so.


@pytest.fixture
def anonymous(signed_in: Visitor, settings: Settings) -> Visitor:
    settings.MINIMALKV_SESSION_OUTAGE = "anonymous"
    return signed_in


def test_a_visitor_may_be_anonymous_for_the_time(
    anonymous: Visitor, store: WatchedStore
) -> None:
    def use(session: SessionStore) -> str:
        session["seen"] = True
        return f"{session.get('name')} {session['seen']} {session.is_empty()}"

    response = anonymous.does(use)

    assert (response.status_code, cookies(response)) == (200, [])
    assert response.content == b"None True False"
    store.recover()
    assert anonymous.sees() == {"name": "Ada"}


def test_an_anonymous_visitor_keeps_the_cookie_if_every_request_saves(
    anonymous: Visitor, store: WatchedStore, settings: Settings
) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = True
    cookie = anonymous.cookie

    response = anonymous.requests(nothing)

    assert (response.status_code, cookies(response)) == (200, [cookie])
    store.recover()
    assert anonymous.sees() == {"name": "Ada"}


def test_what_cannot_be_saved_is_lost_if_the_project_says_so(
    anonymous: Visitor, store: WatchedStore
) -> None:
    store.failing = {"put"}

    assert anonymous.sets(name="Bob").status_code == 200
    assert anonymous.sees() == {"name": "Ada"}
    newcomer = Visitor()
    assert newcomer.sets(name="Bob").status_code == 200
    store.recover()

    assert newcomer.sees() == {}
    assert anonymous.sees() == {"name": "Ada"}


@pytest.mark.parametrize(
    "use",
    [
        lambda session: session.flush(),
        lambda session: session.cycle_key(),
        lambda session: session.delete(),
        lambda session: session.create(),
    ],
)
def test_nobody_is_told_to_have_signed_in_or_out_who_has_not(
    anonymous: Visitor, store: WatchedStore, use: Use
) -> None:
    assert anonymous.does(use).status_code == 503
    store.recover()
    assert anonymous.sees() == {"name": "Ada"}


@pytest.mark.parametrize(
    "use",
    [
        lambda session: session.flush(),
        lambda session: session.cycle_key(),
        lambda session: session.create(),
        lambda session: session.bind(7),
        lambda session: session.atomic(lambda data: None),
        lambda session: session.save(must_create=True),
    ],
)
def test_who_was_taken_for_a_stranger_is_not_signed_in_or_out_by_the_same_request(
    anonymous: Visitor, store: WatchedStore, use: Use
) -> None:
    def try_to(session: SessionStore) -> None:
        assert session.get("name") is None
        store.recover()
        use(session)

    assert anonymous.does(try_to).status_code == 503
    assert anonymous.sees() == {"name": "Ada"}
    assert session_manager().count() == 1


def test_a_session_that_is_loaded_again_is_as_before_the_outage(
    anonymous: Visitor, store: WatchedStore
) -> None:
    session = SessionStore(anonymous.cookie)
    assert session.get("name") is None
    store.recover()

    assert session.load() == {"name": "Ada"}
    session["n"] = 1
    session.save()

    assert anonymous.sees() == {"name": "Ada", "n": 1}


def test_an_operator_is_told_of_an_outage(signed_in: Visitor) -> None:
    manager = session_manager()

    assert signed_in.requests(nothing).status_code == 200
    for ask in (manager.count, lambda: revoke_user(1), lambda: list(manager.list(1))):
        with pytest.raises(SessionUnavailable):
            ask()


def give(answer: HttpResponse, _: HttpRequest) -> HttpResponse:
    return answer


def test_another_answer_is_left_alone(signed_in: Visitor) -> None:
    for status in (200, 418, 500):
        answer = HttpResponse("ours", status=status)
        assert signed_in.requests(partial(give, answer)).status_code == status


def test_visitor_whose_key_has_changed_keeps_the_session_in_an_outage(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(name="Ada")
    former = visitor.cookie

    def change_key_and_fail(session: SessionStore) -> None:
        session.cycle_key()
        session["late"] = True
        store.fail()

    response = visitor.does(change_key_and_fail)

    assert response.status_code == 503
    store.recover()
    assert visitor.cookie != former
    assert visitor.sees() == {"name": "Ada"}
