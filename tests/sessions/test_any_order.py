"""Requests of one visitor that come in between each other, in any order."""

from itertools import count
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minimalkv.memory import DictStore
from minimalkv.sessions import Session, SessionManager
from tests.clocks import FakeClock
from tests.pausing import PausingDecorator
from tests.sessions.tools import begin

_REQUESTS: Final = 5
_STEPS: Final = 40
_DEEPEST: Final = 2
_USERS: Final = ("ada", "bob")


class Chaos(PausingDecorator):
    """At each call of the backend, something else may happen."""

    site: "Site"

    def _meanwhile(self, number: int, when: str) -> None:
        self.site.may_do_something()


class Request:
    """A request that has loaded the session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.unsaved: list[str] = []
        self.is_busy = False
        self.is_over = False


class Site:
    """One session, and what several requests do to it by chance.

    Attributes
    ----------
    ids : set of str
        What cookies the visitor was given.
    saved : set of str
        The keys of which somebody was told that they are stored.
    is_ended : bool
        Whether anybody was told that the session is over.
    """

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._is_mild = self._random.random() < 0.5
        self._depth = _DEEPEST
        self._names = count()
        store = Chaos(DictStore())
        store.site = self
        self.manager = SessionManager(store)
        self.ids = {begin(self.manager, first=True)}
        self.saved: set[str] = set()
        self.is_ended = False
        self._requests: list[Request] = []

    def run(self) -> None:
        for _ in range(_STEPS):
            self._depth = 0
            self.do_something()
        for request in self._requests:
            request.is_busy = True
            if not request.is_over:
                self.save(request)
        self._depth = _DEEPEST  # nothing happens any more

    def may_do_something(self) -> None:
        if self._depth < _DEEPEST and self._random.random() < 0.3:
            self._depth += 1
            self.do_something()
            self._depth -= 1

    def do_something(self) -> None:
        idle = [one for one in self._requests if not (one.is_busy or one.is_over)]
        if len(self._requests) < _REQUESTS and self._random.random() < 0.3:
            session = self.manager.open(self._random.choice(sorted(self.ids)))
            self._requests.append(Request(session))
        elif idle:
            request = self._random.choice(idle)
            request.is_busy = True
            self.go_on(request)
            request.is_busy = False

    def go_on(self, request: Request) -> None:
        if request.session.is_new:  # the id was not good any more
            request.is_over = True
            return
        steps = [self.change, self.change, self.save, self.save, self.atomic]
        steps += [self.regenerate, self.bind]
        if not self._is_mild:
            steps += [self.end, self.discard]
        self._random.choice(steps)(request)

    def change(self, request: Request) -> None:
        name = str(next(self._names))
        request.session.data[name] = True
        request.unsaved.append(name)

    def save(self, request: Request) -> None:
        names, request.unsaved = request.unsaved, []
        if request.session.save():
            self.saved.update(names)
            self.ids.add(request.session.id)
        else:
            request.is_over = True

    def atomic(self, request: Request) -> None:
        name = str(next(self._names))

        def add(data: dict[str, Any]) -> None:
            data[name] = True

        if self._random.random() < 0.5:
            request.session.atomic(add)
        elif self.manager.atomic(request.session.id, add) is not None:
            self.saved.add(name)

    def regenerate(self, request: Request) -> None:
        request.session.regenerate()

    def bind(self, request: Request) -> None:
        request.session.bind(self._random.choice(_USERS))

    def end(self, request: Request) -> None:
        request.session.destroy()
        self.is_ended = request.is_over = True

    def discard(self, request: Request) -> None:
        request.is_over = True
        if request.session.discard():
            self.is_ended = True


@given(seed=st.integers(0, 2**32))
@settings(max_examples=300)
def test_nothing_is_lost_and_nobody_comes_back(seed: int) -> None:
    site = Site(seed)
    site.run()

    alive = [one for one in site.ids if "first" in site.manager.open(one).data]
    assert len(alive) == site.manager.count() == (not site.is_ended)
    for one in alive:
        assert site.saved <= site.manager.open(one).data.keys()


@given(seed=st.integers(0, 2**32))
@settings(max_examples=300)
def test_who_is_bound_can_be_signed_out_everywhere(seed: int) -> None:
    clock = FakeClock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minimalkv._clock.now", clock)
        site = Site(seed)
        site.run()
        clock.advance(301)  # old ids do not lead to new ones any more

        for user in _USERS:
            site.manager.revoke(user=user)

        assert {info.user for info in site.manager.list()} <= {None}
