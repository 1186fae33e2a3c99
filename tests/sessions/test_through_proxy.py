"""What sessions ask of each network store, and what visitors get while it is away."""

import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from pytest_django import Settings

from minimalkv._contract.tools import together
from minimalkv.sessions import SessionManager
from tests.backends.process import HOST
from tests.costs import Browser
from tests.django.visitors import Visitor as DjangoVisitor
from tests.flask.visitors import Visitor as FlaskVisitor
from tests.flask.visitors import make_app
from tests.net.backend import EMULATOR, KINDS, Backend, one_of
from tests.proxy import Proxy, Refuse, Stall
from tests.sessions.tools import begin, use

_PATIENCE_SECS = 3

backend = one_of(*KINDS)


@pytest.fixture(scope="module")
def proxy(backend: Backend) -> Iterator[Proxy]:
    with Proxy(backend.server.port) as proxy:
        yield proxy


@pytest.fixture
def url(backend: Backend, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of a store behind the proxy."""
    monkeypatch.setenv(EMULATOR, f"http://{HOST}:{proxy.port}")  # where Google's is
    return backend.server.through(backend.url(), proxy.port)


@pytest.fixture
def visitors(url: str, settings: Settings) -> Iterator[list[Browser]]:
    """Return a visitor of a site of each framework, both on the store."""
    app = make_app(url)
    settings.MINIMALKV_SESSION_STORE = url
    yield [FlaskVisitor(app), DjangoVisitor()]
    app.session_interface.manager(app).store.close()  # type: ignore[attr-defined]


@pytest.fixture
def count(proxy: Proxy) -> Callable[[Callable[[], object]], list[int]]:
    def count(action: Callable[[], object]) -> list[int]:
        """Return how many round trips and how many requests or commands it takes."""
        proxy.reset_counts()
        action()
        return [proxy.round_trips, len(proxy.requests)]

    return count


Count = Callable[[Callable[[], object]], list[int]]


def test_a_session_costs_one_request_to_begin_one_to_read_and_two_to_change(
    url: str, count: Count
) -> None:
    manager = SessionManager(url)
    # What a first conditional write does more than the others is done now.
    use(manager, begin(manager), a=1)
    session_ids: list[str] = []

    assert count(lambda: session_ids.append(begin(manager, user="Ada"))) == [1, 1]
    (session_id,) = session_ids
    assert count(lambda: manager.open(session_id).data) == [1, 1]
    assert count(lambda: use(manager, session_id, user="Ada")) == [1, 1]
    assert count(lambda: use(manager, session_id, user="Bob")) == [2, 2]
    assert count(lambda: manager.open(session_id)) == [0, 0]
    manager.store.close()


def test_a_request_costs_as_much_in_both_frameworks(
    visitors: list[Browser], count: Count
) -> None:
    for visitor in visitors:
        visitor.sets(n=0)
        visitor.sets(n=1)

        assert count(visitor.ignores) == [0, 0]
        assert count(visitor.sees) == [1, 1]
        assert count(partial(visitor.sets, n=1)) == [1, 1]
        assert count(partial(visitor.sets, n=2)) == [2, 2]


@pytest.mark.parametrize("fault", [Refuse, Stall])
def test_an_outage_is_told_in_time_and_signs_nobody_out(
    visitors: list[Browser], proxy: Proxy, fault: Callable[[], Refuse | Stall]
) -> None:
    for visitor in visitors:
        assert visitor.sets(user="Ada").status_code == 200
    cookies = [visitor.cookie for visitor in visitors]

    def is_told(number: int) -> int:
        assert visitors[number].ignores().status_code == 200
        began = time.monotonic()
        status: int = visitors[number].sets(user="Bob").status_code
        assert time.monotonic() - began < _PATIENCE_SECS
        return status

    proxy.fault = fault()
    try:
        assert together(len(visitors), is_told) == [503, 503]
    finally:
        proxy.fault = None

    assert [visitor.cookie for visitor in visitors] == cookies
    for visitor in visitors:
        assert visitor.sees() == {"user": "Ada"}
