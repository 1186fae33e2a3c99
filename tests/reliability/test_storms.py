"""Random faults under random calls: no false value, no foreign error, none too late."""

import os
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from minimalkv import (
    AccessDenied,
    KeyConflict,
    KeyNotFound,
    PreconditionFailed,
    StoreError,
    StoreUnavailable,
)
from minimalkv._key_value_store import KeyValueStore
from minimalkv.decorator import StoreDecorator
from tests.net.backend import KINDS as BACKENDS
from tests.net.backend import Backend, on, one_of
from tests.proxy import Proxy
from tests.reliability import weather
from tests.reliability.visitor import Visitor
from tests.reliability.weather import Weather
from tests.waiting import wait_until

# Errors of ours that none of the faults is a reason for.
FALSE = (PreconditionFailed, AccessDenied, KeyConflict)
TIMEOUT_SECS = 0.4
# Who is kept waiting by a busy machine is not late; who waits for ever is.
LATE_SECS = TIMEOUT_SECS + 20
CALM = 0.2
MOST_CALLS = 40

backend = one_of(*BACKENDS)

Tell = Callable[[str], None]
Break = Callable[[KeyValueStore], KeyValueStore]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)


# Redis has no checksums, and fake-gcs-server does not compare those that it gets.
FLIPS = {
    "s3": ("flipped bit", "flipped bit on its way up"),
    "azure": ("flipped bit", "flipped bit on its way up"),
    "gcs": ("flipped bit",),
}


def kinds_for(backend: Backend) -> tuple[str, ...]:
    """Name the faults that a client or its server can notice."""
    noticed = FLIPS.get(backend.name, ())
    kinds = weather.KINDS
    return tuple(k for k in kinds if not k.startswith("flipped") or k in noticed)


class Storm:
    """A visitor in bad weather.

    Parameters
    ----------
    seed : int
        The same makes the same storm, as far as time does not matter.
    broken : callable
        Makes another store of the one that is to be tested.
    """

    def __init__(
        self,
        backend: Backend,
        seed: int,
        *,
        kinds: tuple[str, ...] = (),
        broken: Break = lambda store: store,
        **options: Any,
    ) -> None:
        self.seed = seed
        self.calls = self.errors = 0
        self.longest_secs = 0.0
        self._backend = backend
        self._kinds = kinds or kinds_for(backend)
        self._broken = broken
        self._options = {"timeout": TIMEOUT_SECS, **options}

    def rage(self, faults: int) -> None:
        """Go on until there were so many faults; fail at the first false answer."""
        dice = random.Random(self.seed)
        url = self._backend.url(**self._options)
        with (
            Proxy(self._backend.server.port, settle_secs=0) as proxy,
            self._backend.opened(url, proxy.port) as store,
        ):
            self.visitor = Visitor(self._broken(store), dice)
            # What a first conditional write does more than others is done now.
            self.visitor.add("storm-0")
            self.weather = Weather(proxy, self._backend, dice, self._kinds)
            while self.weather.faults < faults:
                assert self.calls < faults * MOST_CALLS, self.weather.happened
                self._one_call(dice, proxy)
            self.visitor.look_at_all()

    def _one_call(self, dice: random.Random, proxy: Proxy) -> None:
        if dice.random() > CALM:
            self.weather.worsen()
        began = time.monotonic()
        try:
            self.visitor.do_something()
        except Exception as error:
            is_fit = isinstance(error, StoreError) and not isinstance(error, FALSE)
            if not is_fit:
                raise AssertionError(f"{self._told()}: {error!r}") from error
            self.errors += 1
        took_secs = time.monotonic() - began
        self.weather.clear()
        self.calls += 1
        self.longest_secs = max(self.longest_secs, took_secs)
        # What was given up happens before the next call looks, or not at all.
        wait_until(lambda: not proxy.unanswered)
        assert took_secs < LATE_SECS, f"{took_secs:.1f} s: {self._told()}"

    def _told(self) -> str:
        return (
            f"STORM_SEED={self.seed}: call {self.calls}, {self.visitor.did}, "
            f"under {self.weather.kind!r}"
        )

    def figures(self) -> str:
        """Tell how it went."""
        return (
            f"{self._backend.name}: {self.weather.faults} faults in {self.calls} "
            f"calls, {self.errors} errors, all documented, 0 false answers, longest "
            f"{self.longest_secs:.2f} s (timeout {TIMEOUT_SECS} s); "
            f"STORM_SEED={self.seed}; {self.weather.happened}"
        )


def test_no_answer_in_a_storm_is_false_foreign_or_late(backend: Backend) -> None:
    storm = Storm(backend, int(os.environ.get("STORM_SEED", "8")))
    storm.rage(15)
    assert storm.errors


@pytest.mark.stress
def test_no_answer_under_hundreds_of_faults_is_false_foreign_or_late(
    backend: Backend, tell: Tell
) -> None:
    seed = int(os.environ.get("STORM_SEED", random.randrange(10**6)))
    storm = Storm(backend, seed)
    storm.rage(500)
    tell(storm.figures())


# Stores that a storm finds out.


class TakesAShortRead(StoreDecorator):
    """It takes what has arrived for the value."""

    def _get(self, key: str) -> bytes:
        _, file = self._dstore.stream(key)
        value = b""
        try:
            while part := file.read(1000):
                value += part
        except StoreUnavailable:
            pass
        return value


class TakesSilenceForNothing(StoreDecorator):
    """Who does not answer has no value."""

    def _get(self, key: str) -> bytes:
        try:
            return super()._get(key)
        except StoreUnavailable:
            raise KeyNotFound(key) from None


class RepeatsIncrements(StoreDecorator):
    """It tries again, and adds twice."""

    def _increment(self, key: str, delta: int) -> int:
        try:
            return super()._increment(key, delta)
        except StoreUnavailable:
            return super()._increment(key, delta)


class ShowsForeignErrors(StoreDecorator):
    """It passes on what the client raised."""

    def _get(self, key: str) -> bytes:
        try:
            return super()._get(key)
        except StoreUnavailable as error:
            raise ConnectionResetError(key) from error


@pytest.mark.parametrize(
    ("broken", "kind", "why"),
    [
        (TakesAShortRead, "half an answer", r"bytes\) at .*, which is of no"),
        (TakesSilenceForNothing, "reset", "was missing at"),
        (
            RepeatsIncrements,
            "lost reply to a condition",
            r"(is \d+, not \d+|which is of no)",
        ),
        (ShowsForeignErrors, "reset", "ConnectionResetError"),
    ],
)
@on("s3")
def test_a_storm_finds_out_a_broken_store(
    backend: Backend, broken: Break, kind: str, why: str
) -> None:
    storm = Storm(backend, 8, kinds=(kind,), broken=broken)
    with pytest.raises(AssertionError, match=f"STORM_SEED=8.*{why}"):
        storm.rage(200)


@on("azure")
def test_a_storm_finds_out_a_store_that_compares_no_checksums(backend: Backend) -> None:
    storm = Storm(backend, 8, kinds=("flipped bit",), checksum=False)
    with pytest.raises(AssertionError, match=r"STORM_SEED=8.*, which is of no"):
        storm.rage(50)
