"""Signing in, and signing out everywhere."""

import pytest
from django.contrib import auth
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from pytest_django import Settings

from minimalkv import InvalidArgument
from minimalkv_django.sessions import SessionStore, revoke_user, session_manager
from tests.clocks import FakeClock
from tests.django.visitors import Visitor, cookies, id_of, session_of
from tests.watched import WatchedStore

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", password="an engine")


@pytest.fixture
def browsers(ada: User, store: WatchedStore) -> list[Visitor]:
    """Three browsers of a user."""
    assert store.calls == []
    browsers = [Visitor(), Visitor(), Visitor()]
    for browser in browsers:
        browser.requests(lambda request: login(request, ada))
    return browsers


def name_of(visitor: Visitor) -> str:
    page = visitor.requests(lambda request: request.user.get_username())
    return page.content.decode()


def test_signing_in_takes_a_new_key_and_keeps_the_data(
    visitor: Visitor, ada: User
) -> None:
    visitor.sets(cart=["book"])
    planted = visitor.cookie

    response = visitor.requests(lambda request: login(request, ada))

    assert response.status_code == 200
    assert visitor.cookie != planted
    assert visitor.sees()["cart"] == ["book"]
    assert name_of(visitor) == "ada"
    assert Visitor(planted).sees() == {}


def test_signing_in_binds_the_session_to_the_user(
    browsers: list[Visitor], ada: User
) -> None:
    refs = {info.ref for info in session_manager().list(ada.pk)}

    assert len(refs) == len(browsers) == session_manager().count(ada.pk)
    assert {info.user for info in session_manager().list()} == {str(ada.pk)}


def test_a_user_is_signed_out_everywhere(browsers: list[Visitor], ada: User) -> None:
    bob = Visitor()
    bob.requests(lambda request: login(request, User.objects.create_user("bob")))

    assert revoke_user(ada) == 3

    assert [name_of(browser) for browser in browsers] == ["", "", ""]
    assert name_of(bob) == "bob"
    assert revoke_user(ada.pk) == 0


def test_a_request_under_way_does_not_undo_a_revocation(
    browsers: list[Visitor], ada: User, store: WatchedStore
) -> None:
    def change(request: HttpRequest) -> None:
        session_of(request)["late"] = True
        revoke_user(ada)

    assert browsers[0].requests(change).status_code == 400
    assert list(store) == []


def test_a_copy_of_a_session_is_the_user_s_as_well(
    browsers: list[Visitor], ada: User
) -> None:
    def copy(session: SessionStore) -> None:
        assert not session.is_empty()
        assert session[auth.SESSION_KEY] == str(ada.pk)
        session.create()

    browsers[0].does(copy)
    assert session_manager().count(ada.pk) == 4

    assert revoke_user(ada) == 4
    assert name_of(browsers[0]) == ""


def test_signing_out_ends_one_session(browsers: list[Visitor], ada: User) -> None:
    browsers[0].requests(logout)

    assert [name_of(browser) for browser in browsers] == ["", "ada", "ada"]
    assert session_manager().count(ada.pk) == 2


def test_another_user_in_the_same_browser_finds_nothing_of_the_first(
    browsers: list[Visitor], ada: User
) -> None:
    bob = User.objects.create_user("bob")
    browser = browsers[0]
    browser.sets(cart=["book"])

    browser.requests(lambda request: login(request, bob))

    assert "cart" not in browser.sees()
    assert (session_manager().count(ada.pk), session_manager().count(bob.pk)) == (2, 1)


def test_a_new_secret_key_signs_nobody_out(
    browsers: list[Visitor], settings: Settings
) -> None:
    first, late, later = browsers[0], browsers[0].twin(), browsers[0].twin()
    former, settings.SECRET_KEY = settings.SECRET_KEY, "the new key"
    settings.SECRET_KEY_FALLBACKS = [former]

    def meet(request: HttpRequest) -> str:
        assert auth.SESSION_KEY in request.session
        assert name_of(first) == "ada"
        return request.user.get_username()

    # Django takes a new session key then; who was slower must not touch the cookie.
    for response in (late.requests(meet), later.reads("name")):
        assert cookies(response) == []
    settings.SECRET_KEY_FALLBACKS = []

    assert name_of(first) == "ada"


def test_a_new_password_signs_out_the_other_browsers(
    browsers: list[Visitor], ada: User
) -> None:
    def change(request: HttpRequest) -> None:
        assert request.user == ada
        ada.set_password("another engine")
        ada.save()
        update_session_auth_hash(request, ada)

    assert browsers[0].requests(change).status_code == 200

    assert [name_of(browser) for browser in browsers] == ["ada", "", ""]
    assert session_manager().count(ada.pk) == 1


def test_a_session_may_be_bound_to_another_name(
    visitor: Visitor, ada: User, store: WatchedStore
) -> None:
    def change(request: HttpRequest) -> None:
        login(request, ada)
        session_of(request).bind("tenant-7")

    visitor.requests(change)
    visitor.sets(n=1)

    assert (revoke_user(ada), revoke_user("tenant-7")) == (0, 1)
    assert visitor.sees() == {}


def test_a_request_may_do_nothing_but_bind(visitor: Visitor) -> None:
    visitor.sets(n=1)

    response = visitor.does(lambda session: session.bind(7))

    assert response.status_code == 200
    assert session_manager().count(7) == 1


def test_to_bind_again_writes_nothing(visitor: Visitor, store: WatchedStore) -> None:
    visitor.sets(n=1)
    visitor.does(lambda session: session.bind(7))
    store.take_calls()

    visitor.does(lambda session: session.bind(7))

    assert store.take_calls() == ["get_with_meta"]


@pytest.mark.parametrize("nobody", [None, AnonymousUser(), User(username="unsaved")])
def test_nobody_is_not_the_name_of_a_user(visitor: Visitor, nobody: object) -> None:
    def use(session: SessionStore) -> None:
        session["n"] = 1
        session.bind(nobody)

    visitor.does(use)

    assert [info.user for info in session_manager().list()] == [None]
    with pytest.raises(InvalidArgument, match="nobody"):
        revoke_user(nobody)


def test_whoever_removes_the_user_from_the_session_unbinds_it(
    browsers: list[Visitor], ada: User
) -> None:
    browsers[0].does(lambda session: session.pop(auth.SESSION_KEY))

    assert session_manager().count(ada.pk) == 2
    assert revoke_user(ada) == 2
    assert auth.HASH_SESSION_KEY in browsers[0].sees()


def test_the_absolute_lifetime_begins_with_signing_in(
    visitor: Visitor, ada: User, clock: FakeClock, settings: Settings
) -> None:
    settings.MINIMALKV_SESSION_ABSOLUTE_LIFETIME = 100
    visitor.sets(n=1)
    clock.advance(90)
    visitor.requests(lambda request: login(request, ada))

    clock.advance(90)
    assert name_of(visitor) == "ada"
    clock.advance(11)

    assert name_of(visitor) == ""


def test_a_session_is_found_in_the_list_by_its_ref(
    browsers: list[Visitor], ada: User
) -> None:
    refs = [SessionStore(browser.cookie).ref for browser in browsers]

    assert len({*refs}) == 3
    assert {info.ref for info in session_manager().list(ada.pk)} == {*refs}


def test_the_client_of_the_tests_signs_in(visitor: Visitor, ada: User) -> None:
    assert visitor.client.login(username="ada", password="an engine")

    assert name_of(visitor) == "ada"
    visitor.client.logout()
    assert name_of(visitor) == ""
    assert session_manager().count() == 0


def test_the_client_of_the_tests_changes_the_session(
    visitor: Visitor, store: WatchedStore
) -> None:
    session = visitor.client.session
    session["name"] = "Ada"
    session.save()

    assert visitor.sees() == {"name": "Ada"}
    assert id_of(visitor.cookie)
    assert list(store)


def test_signing_in_costs_little(
    visitor: Visitor, ada: User, store: WatchedStore
) -> None:
    visitor.requests(lambda request: login(request, ada))

    assert store.take_calls().count("put") == 2  # the user's list, and the session
