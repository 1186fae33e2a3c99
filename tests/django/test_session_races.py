"""Whoever signs out while another request is under way stays signed out."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from django.contrib.auth import SESSION_KEY, login, update_session_auth_hash
from django.contrib.auth.models import User
from django.http import HttpRequest
from pytest_django import Settings

from minimalkv import KeyValueStore
from minimalkv_django.sessions import SessionStore, revoke_user, session_manager
from tests.django.visitors import Visitor, cookies
from tests.pausing import PausingDecorator

pytestmark = pytest.mark.django_db

Action = Callable[[HttpRequest, User], object]

MOMENTS = [(number, when) for number in range(1, 11) for when in ("before", "after")]


@pytest.fixture
def store(inner: KeyValueStore, settings: Settings) -> PausingDecorator:
    settings.MINIMALKV_SESSION_STORE = pausing = PausingDecorator(inner)
    return pausing


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


ACTIONS: dict[str, Action] = {
    "change": lambda request, _: request.session.update({"n": 1}),
    "cycle": lambda request, _: request.session.cycle_key(),
    "sign in again": update_session_auth_hash,
    "replace": lambda request, _: request.session.clear(),
}


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
@pytest.mark.parametrize("everywhere", [False, True], ids=["here", "everywhere"])
def test_a_slow_request_brings_no_session_back(
    store: PausingDecorator, ada: User, action: Action, everywhere: bool
) -> None:
    paused = 0
    for number, when in MOMENTS:
        visitor = Visitor()
        visitor.requests(lambda request: login(request, ada))
        old, twin = visitor.cookie, visitor.twin()

        def sign_out(twin: Visitor = twin) -> None:
            if everywhere:
                revoke_user(ada)
            else:
                twin.does(lambda session: session.flush())

        store.pause(number, when, sign_out)
        response = visitor.requests(lambda request: action(request, ada))
        if not store.has_paused:
            store.stop()
            break
        paused += 1
        # Whoever was first read a session that was ended, and may begin an empty one.
        assert [info.user for info in session_manager().list() if info.user] == []
        assert Visitor(old).sees() == {}
        for cookie in cookies(response):
            assert SESSION_KEY not in Visitor(cookie).sees()

    assert paused >= 4


def test_a_sign_in_during_a_revocation_can_be_revoked_later(
    store: PausingDecorator, ada: User
) -> None:
    for number, when in MOMENTS:
        visitor = Visitor()
        visitor.sets(n=1)
        store.pause(number, when, lambda: revoke_user(ada))
        visitor.requests(lambda request: login(request, ada))
        if not store.has_paused:
            store.stop()
        left = {info.ref for info in session_manager().list() if info.user}
        assert left == {info.ref for info in session_manager().list(ada.pk)}
        assert revoke_user(ada) == len(left)
        with suppress(KeyError):
            SessionStore(visitor.cookie).delete()
