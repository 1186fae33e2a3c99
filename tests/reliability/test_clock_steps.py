"""The clock is set an hour or a day forth or back: nothing dead comes to life again."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from minimalkv import KeyValueStore, _clock
from minimalkv._hstores import HDictStore, HFilesystemStore
from minimalkv.sessions import SessionManager
from minimalkv.ttl import with_ttl
from tests.fs.tools import files_below
from tests.sessions.tools import LIFETIME, begin

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
STEPS: Final = (-DAY, -HOUR, HOUR, DAY)
LIFE: Final = 100.0
BEGIN: Final = 1_800_000_000.0


class Machine:
    """What a machine knows of time: how long it runs, and what its clock shows.

    Attributes
    ----------
    elapsed, shown : float
        Both in seconds.
    """

    def __init__(self) -> None:
        self.elapsed, self.shown = 1000.0, BEGIN

    def advance(self, secs: float) -> None:
        """Let time go by."""
        self.elapsed += secs
        self.shown += secs

    def step(self, secs: float) -> None:
        """Set the clock."""
        self.shown += secs


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(_clock, "_offset", 0.0)
    monkeypatch.setattr(_clock, "elapsed", lambda: made.elapsed)
    monkeypatch.setattr(time, "time", lambda: made.shown)
    monkeypatch.setattr(time, "time_ns", lambda: int(made.shown * 1e9))
    return made


@pytest.fixture(params=["memory", "hfs"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, machine: Machine
) -> Iterator[KeyValueStore]:
    if request.param == "memory":
        memory = HDictStore()
        memory._clock = lambda: machine.elapsed
        yield memory
    else:
        yield HFilesystemStore(tmp_path / "root", fsync=False)


@pytest.mark.parametrize("step", STEPS)
def test_a_value_ends_no_later_than_it_was_told(
    step: float, store: KeyValueStore, machine: Machine
) -> None:
    living = with_ttl(store)
    living.put("key", b"value", LIFE)
    living.put("for ever", b"value")
    machine.step(step)
    machine.advance(LIFE - 1)
    # A clock that is set forth ends what has its end in a file; one set back ends none.
    assert step > 0 or living.get("key") == b"value"
    machine.advance(2)
    for back in (0, -step, -DAY, -2 * DAY):
        machine.step(back)
        assert "key" not in living
        assert living.get("for ever") == b"value"
    assert living.put("key", b"again", LIFE) == "key"
    machine.advance(LIFE - 1)
    assert living.get("key") == b"again"
    machine.advance(2)
    assert "key" not in living


@pytest.mark.parametrize("step", STEPS)
def test_a_session_ends_no_later_than_it_was_told(
    step: float, store: KeyValueStore, machine: Machine
) -> None:
    manager = SessionManager(store, lifetime_secs=LIFETIME)
    session_id = begin(manager, user="Ada")
    machine.step(step)
    if step < 0:
        assert manager.open(session_id).data == {"user": "Ada"}
    machine.advance(LIFETIME + 1)
    for back in (0, -step, -DAY, -2 * DAY):
        machine.step(back)
        assert manager.open(session_id).data == {}
    another = begin(manager, user="Bob")
    machine.advance(LIFETIME / 2)
    assert manager.open(another).data == {"user": "Bob"}


def test_locks_and_versions_do_not_look_at_the_clock(
    tmp_path: Path, machine: Machine
) -> None:
    store = HFilesystemStore(tmp_path, fsync=False)
    store.put("count", b"0")
    etags = {store.head("count").etag}
    for step in (0, *STEPS, *reversed(STEPS), DAY, -DAY):
        machine.step(step)
        for _ in range(5):
            store.update("count", lambda old: b"%d" % (int(old or 0) + 1))
            etags.add(store.head("count").etag)
    assert store.get("count") == b"55"
    assert len(etags) == 56


@pytest.mark.parametrize("step", STEPS)
def test_what_a_living_writer_has_is_never_stale(
    step: float, tmp_path: Path, machine: Machine
) -> None:
    store = HFilesystemStore(tmp_path, fsync=False)
    writer = store.open_writer("folder/key")
    writer.write(b"begin ")
    machine.step(step)
    assert store.keys() == []
    writer.write(b"end")
    writer.close()
    assert store.get("folder/key") == b"begin end"
    assert files_below(tmp_path) == {"folder/key"}


def test_a_store_that_believes_the_clock_is_noticed(machine: Machine) -> None:
    store = HDictStore()
    store._clock = lambda: machine.shown
    with pytest.raises(AssertionError):
        test_a_value_ends_no_later_than_it_was_told(-DAY, store, machine)
