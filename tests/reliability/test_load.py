"""What the load of the tests notices: on a store that is well, and on broken ones."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from minimalkv import KeyNotFound, StoreUnavailable
from minimalkv._hstores import HDictStore
from tests.reliability.load import Ledger, Load
from tests.reliability.visits import makers

FIRST, LAST = 5, 10


class Values:
    """A value in a store, without a framework around it."""

    def __init__(self, store: Any, *, keeps: bool) -> None:
        self.keeps = keeps
        self._store = store

    def _key(self, number: int) -> str:
        return f"key-{number}" if self.keeps else "key"

    def write(self, number: int) -> None:
        self._store.put(self._key(number), b"%d" % number)

    def read(self, number: int) -> int | None:
        try:
            return int(self._store.get(self._key(number)))
        except KeyNotFound:
            return None


class Forgets(HDictStore):
    """It goes back to what it had at a moment, as after an asynchronous fail-over."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._after = after
        self._then: dict[str, bytes] = {}
        self._puts = 0

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        self._puts += 1
        done = super()._put(key, data, *args, **options)
        if self._puts == self._after:
            self._then = dict(self.d)
        return done

    def fail_over(self) -> None:
        self.d.clear()
        self.d.update(self._then)


class IsLate(HDictStore):
    """It says that it failed, and does it nevertheless."""

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        super()._put(key, data, *args, **options)
        raise StoreUnavailable("It may have happened.")


class ShowsAnother(HDictStore):
    """It answers with what belongs to somebody else."""

    def _get(self, key: str) -> bytes:
        super()._get(key)
        return b"99"


def after_a_fail_over(store: Any, *, keeps: bool) -> Ledger:
    """Write some numbers that are safe, then some more, and lose what is lost."""
    ledger = Ledger(Values(store, keeps=keeps), "it")
    for number in range(LAST):
        ledger.write()
        ledger.read()
        if number + 1 == FIRST:
            ledger.is_safe()
    getattr(store, "fail_over", lambda: None)()
    ledger.close()
    return ledger


def test_visitors_of_a_store_that_is_well_lose_nothing(settings: Settings) -> None:
    settings.MINIMALKV_SESSION_STORE = "hmemory://"
    with Load(makers("hmemory://")) as load:
        load.runs(0.1)
        load.is_safe(lambda: None)
        load.loses(lambda: None)
        outcome = load.recovers(20, calm_secs=0.2)
    assert (outcome.errors, outcome.lost, outcome.wrong) == (0, {}, [])
    assert outcome.calls > 8
    assert set(outcome.recovered_secs.values()) == {0.0}


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize(
    ("make", "lost", "is_wrong"),
    [
        (HDictStore, 0, False),
        (lambda: Forgets(after=LAST), 0, False),
        (lambda: Forgets(after=FIRST + 2), LAST - FIRST - 2, False),
        (lambda: Forgets(after=FIRST), LAST - FIRST, False),
        (lambda: Forgets(after=FIRST - 1), LAST - FIRST + 1, True),
        (lambda: Forgets(after=0), LAST, True),
    ],
)
def test_what_was_acknowledged_and_lost_is_counted_and_what_was_safe_is_wrong(
    make: Callable[[], Any], lost: int, is_wrong: bool, keeps: bool
) -> None:
    ledger = after_a_fail_over(make(), keeps=keeps)
    assert ledger.lost == lost
    assert bool(ledger.wrong) == is_wrong


@pytest.mark.parametrize("keeps", [True, False])
def test_value_of_somebody_else_is_wrong(keeps: bool) -> None:
    assert after_a_fail_over(ShowsAnother(), keeps=keeps).wrong


def test_value_whose_write_failed_may_be_there() -> None:
    store = HDictStore()
    ledger = Ledger(Values(store, keeps=False), "it")
    ledger.write()
    store.__class__ = IsLate
    with pytest.raises(StoreUnavailable):
        ledger.write()
    ledger.read()
    ledger.close()
    assert (ledger.acknowledged, ledger.lost, ledger.wrong) == (2, 0, [])


def test_error_that_is_not_documented_is_wrong_and_others_are_not() -> None:
    errors = iter([StoreUnavailable("away"), ZeroDivisionError("oops")])

    class Fails(HDictStore):
        def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
            for error in errors:
                raise error
            return super()._put(key, data, *args, **options)

    with Load({"it": lambda _: Values(Fails(), keeps=False)}) as load:
        load.loses(lambda: None)
        outcome = load.recovers(20, calm_secs=0.2)
    assert outcome.errors == 2
    assert outcome.wrong == ["it, write raised ZeroDivisionError('oops')"]
