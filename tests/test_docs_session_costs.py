"""What docs/sessions.md says of costs, measured."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from django.contrib.auth import login
from django.contrib.auth.models import User
from pytest_django import Settings

from minimalkv import get_store_from_url
from minimalkv._sessions.session import Session
from minimalkv.sessions import SessionManager
from tests.counting import CountingDecorator
from tests.django.visitors import Visitor
from tests.pages import prose, tables

PAGE: Final = "docs/sessions.md"


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[CountingDecorator]:
    with get_store_from_url(f"hfs://{tmp_path}?fsync=false") as store:
        yield CountingDecorator(store)


Use = Callable[[SessionManager, Session], object]


def change(manager: SessionManager, session: Session) -> None:
    session.data["n"] += 1
    session.save()


def begin(manager: SessionManager, _: Session) -> None:
    session = manager.open()
    session.data["n"] = 1
    session.save()


def look(manager: SessionManager, _: Session) -> None:
    assert manager.open(None).data == {}


def read(manager: SessionManager, session: Session) -> None:
    assert session.data == {"n": 1}
    session.save()


def renew(manager: SessionManager, session: Session) -> None:
    manager.touch_secs = 1
    session.data  # noqa: B018 - it is loaded
    session.save(lifetime_secs=1000)


def collide(manager: SessionManager, session: Session) -> None:
    other = manager.open(session.id)
    other.data["theirs"] = 1
    session.data["mine"] = 1
    other.save()
    assert session.save()
    assert manager.open(session.id).data == {"n": 1, "theirs": 1, "mine": 1}


def regenerate(manager: SessionManager, session: Session) -> None:
    session.regenerate()
    session.save()


def sign_in(manager: SessionManager, session: Session) -> None:
    session.bind(7)
    regenerate(manager, session)


def ends(manager: SessionManager, session: Session) -> None:
    session.data.clear()
    session.destroy()


def one_step(manager: SessionManager, session: Session) -> None:
    manager.atomic(session.id, lambda data: data.update(n=2))


def ignore(manager: SessionManager, session: Session) -> None:
    pass


USES: Final[dict[str, tuple[Use, int]]] = {
    # With how many of the calls are those of the measurement.
    "does not use the session": (ignore, 0),
    "reads it, and has no cookie": (look, 0),
    "reads it": (read, 0),
    "reads it, and it is due to be stored anew": (renew, 0),
    "changes it": (change, 0),
    "begins one": (begin, 0),
    "changes it while another one did": (collide, 3),
    "takes a new id": (regenerate, 0),
    "takes a new id and is bound to a user": (sign_in, 0),
    "ends it": (ends, 0),
    "calls `atomic` on what it did not load": (one_step, 0),
}


def cost(store: CountingDecorator, use: Use) -> int:
    manager = SessionManager(store)
    session = manager.open()
    session.data["n"] = 1
    session.save()
    store.calls.clear()
    use(manager, manager.open(session.id))
    return len(store.calls)


def test_requests_cost_what_is_documented(counted: CountingDecorator) -> None:
    (table,) = (t for t in tables(PAGE) if t.header == ["request", "calls"])
    told = {row[0]: int(row[1]) for row in table.rows}
    assert told.keys() == USES.keys()
    for name, (use, ours) in USES.items():
        assert cost(counted, use) - ours == told[name], name


@pytest.mark.django_db
def test_signing_in_at_django_costs_what_is_documented(
    counted: CountingDecorator, settings: Settings
) -> None:
    settings.MINIMALKV_SESSION_STORE = counted
    ada = User.objects.create_user("ada")
    guest, newcomer = Visitor(), Visitor()
    guest.sets(n=1)
    costs = []
    for visitor in (guest, newcomer):
        counted.calls.clear()
        visitor.requests(lambda request: login(request, ada))
        costs.append(len(counted.calls))
    told = re.search(r"`login` of Django takes (\d+) calls, or (\d+) if", prose(PAGE))
    assert told is not None
    assert costs == [int(number) for number in told.groups()]


def test_signing_out_everywhere_costs_what_is_documented(
    counted: CountingDecorator,
) -> None:
    manager = SessionManager(counted)
    for _ in range(4):
        session = manager.open()
        session.bind(7)
        session.save()
    counted.calls.clear()
    assert manager.revoke(user=7) == 4
    assert "revoke a user takes 3, and 2 for each session" in prose(PAGE)
    assert len(counted.calls) == 3 + 2 * 4
