"""The methods that Django awaits: the same as the others."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from threading import get_ident
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import alogin, alogout
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient
from django.urls import path
from pytest_django import Settings

from minimalkv import SessionUnavailable
from minimalkv_django.sessions import SessionStore, revoke_user, session_manager
from tests.django.visitors import (
    UNKNOWN_ID,
    reopened,
    session_of,
    stored,
    token_of,
)
from tests.watched import WatchedStore

Action = Callable[[HttpRequest], Awaitable[object]]

actions: list[Action] = []


async def run(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(await actions.pop()(request)))


urlpatterns = [path("", run)]


@pytest.fixture
def client(store: WatchedStore, settings: Settings) -> AsyncClient:
    assert store.calls == []
    settings.ROOT_URLCONF = __name__
    return AsyncClient(raise_request_exception=False)


def requests(client: AsyncClient, action: Action) -> Any:
    actions.append(action)
    return async_to_sync(client.get)("/")


async def sees(request: HttpRequest) -> object:
    return dict(await session_of(request).aitems())


async def use(session: SessionStore) -> None:
    await session.aset("name", "Ada")
    await session.aupdate({"n": 1})
    assert await session.aget("name") == "Ada"
    assert await session.ahas_key("n")
    assert await session.apop("n") == 1
    assert await session.asetdefault("cart", []) == []
    await session.aset_test_cookie()
    assert await session.atest_cookie_worked()
    await session.adelete_test_cookie()
    assert sorted(await session.akeys()) == ["cart", "name"]
    assert list(await session.avalues()) == ["Ada", []]


def test_a_session_is_used_and_saved(session: SessionStore) -> None:
    async def test() -> None:
        await use(session)
        await session.asave()
        again = SessionStore(session.session_key)
        assert await again.aload() == {"name": "Ada", "cart": []}
        assert await again.aexists(session.session_key)
        (await again.asetdefault("cart", [])).append("book")
        assert again.modified
        await again.asave()
        third = SessionStore(session.session_key)
        assert dict(await third.aitems())["cart"] == ["book"]

    asyncio.run(test())


def test_a_session_is_created_cycled_flushed_and_deleted(
    session: SessionStore, store: WatchedStore
) -> None:
    async def test() -> None:
        await session.acreate()
        await session.aset("name", "Ada")
        await session.asave()
        old = session.session_key
        await session.acycle_key()
        assert not await session.aexists(old)
        again = SessionStore(session.session_key)
        assert await again.aget("name") == "Ada"
        with pytest.raises(CreateError):
            await SessionStore(session.session_key).asave(must_create=True)
        await again.adelete()
        await session.aset("name", "Bob")
        with pytest.raises(UpdateError):
            await session.asave()
        await session.aflush()
        assert session.session_key is None
        await SessionStore.aclear_expired()
        unknown = SessionStore(token_of(UNKNOWN_ID))
        assert (await unknown.aload(), unknown.session_key) == ({}, None)

    asyncio.run(test())
    assert session_manager().count() == 0
    assert store.calls


def test_an_expiry_can_be_awaited(session: SessionStore) -> None:
    async def test() -> None:
        await session.aset_expiry(timedelta(seconds=100))
        assert 98 <= await session.aget_expiry_age() <= 100
        assert await session.aget_expiry_date()
        await session.aset_expiry(0)
        assert await session.aget_expire_at_browser_close()
        await session.aset_expiry(None)
        assert not await session.aget_expire_at_browser_close()

    asyncio.run(test())


def test_a_change_can_be_atomic(session: SessionStore) -> None:
    def count(data: dict[str, int]) -> None:
        data["n"] = data.get("n", 0) + 1

    async def test() -> None:
        await session.asave()
        others = [SessionStore(session.session_key) for _ in range(10)]
        await asyncio.gather(*(other.aatomic(count) for other in others))

    asyncio.run(test())

    assert SessionStore(session.session_key)["n"] == 10


@pytest.mark.parametrize(
    "use",
    [
        lambda session: session.aget("name"),
        lambda session: session.aset("name", "Bob"),
        lambda session: session.apop("name"),
        lambda session: session.asetdefault("cart", []),
        lambda session: session.aupdate({"name": "Bob"}),
        lambda session: session.ahas_key("name"),
        lambda session: session.aitems(),
        lambda session: session.aset_expiry(60),
        lambda session: session.aget_expiry_date(),
        lambda session: session.aload(),
        lambda session: session.asave(),
        lambda session: session.acreate(),
        lambda session: session.adelete(),
        lambda session: session.aexists(session.session_key),
        lambda session: session.acycle_key(),
        lambda session: session.aflush(),
        lambda session: session.aatomic(lambda data: None),
        lambda session: session.abind(7),
    ],
)
def test_what_is_awaited_holds_nobody_up(
    store: WatchedStore,
    monkeypatch: pytest.MonkeyPatch,
    use: Callable[[SessionStore], Awaitable[object]],
) -> None:
    session = reopened(stored(name="Ada"))
    threads: list[int] = []
    monkeypatch.setattr(store, "_note", noting(threads, store._note))

    async def test() -> int:
        await use(session)
        return get_ident()

    here = asyncio.run(test())

    assert threads
    assert here not in threads


def noting(threads: list[int], hook: Callable[..., Any]) -> Callable[..., Any]:
    def note(*args: Any, **options: Any) -> Any:
        threads.append(get_ident())
        return hook(*args, **options)

    return note


def test_a_view_that_is_a_coroutine_costs_the_same(
    client: AsyncClient, store: WatchedStore
) -> None:
    async def change(request: HttpRequest) -> None:
        await session_of(request).aset("cart", [])

    async def change_inside(request: HttpRequest) -> None:
        (await session_of(request).asetdefault("cart", [])).append("book")

    costs = (change, ["put"]), (sees, ["get_with_meta"])
    for action, calls in (*costs, (change_inside, ["get_with_meta", "put"])):
        assert requests(client, action).status_code == 200
        assert store.take_calls() == calls
    assert requests(client, sees).content == b"{'cart': ['book']}"


def test_an_outage_answers_503(client: AsyncClient, store: WatchedStore) -> None:
    async def change(request: HttpRequest) -> None:
        await session_of(request).aset("name", "Ada")

    requests(client, change)
    for store.failing in ({"get"}, {"put"}, {"get", "put"}):
        response = requests(client, change_to_bob)
        assert (response.status_code, len(response.cookies)) == (503, 0)
    store.recover()

    assert requests(client, sees).content == b"{'name': 'Ada'}"


async def change_to_bob(request: HttpRequest) -> None:
    await session_of(request).aset("name", "Bob")


@pytest.mark.django_db(transaction=True)
def test_signing_in_and_out_everywhere(
    client: AsyncClient, store: WatchedStore
) -> None:
    ada = User.objects.create_user("ada")
    visitors = [client, AsyncClient()]

    async def sign_in(request: HttpRequest) -> None:
        await alogin(request, ada)

    async def name(request: HttpRequest) -> str:
        return (await request.auser()).get_username()

    for visitor in visitors:
        requests(visitor, sign_in)
    assert [requests(v, name).content for v in visitors] == [b"ada", b"ada"]
    assert session_manager().count(ada.pk) == 2
    requests(client, alogout)
    assert [requests(v, name).content for v in visitors] == [b"", b"ada"]
    assert revoke_user(ada) == 1
    assert [requests(v, name).content for v in visitors] == [b"", b""]
    assert store.calls


def test_an_outage_is_raised_by_what_is_awaited(
    session: SessionStore, store: WatchedStore
) -> None:
    store.fail()

    async def test() -> None:
        for method in (session.asave, session.acreate):
            with pytest.raises(SessionUnavailable):
                await method()

    asyncio.run(test())
