"""A system call fails, whichever: the old value or the new one, and nothing else."""

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from minimalkv import StoreError, StoreUnavailable
from minimalkv._hstores import HFilesystemStore
from tests.broken_on_disk import WritesInPlace
from tests.fs.tools import files_below
from tests.reliability.failing import (
    BEFORE,
    CODES,
    NEW,
    READS,
    TARGET,
    WRITES,
    FailingSystem,
    fill,
)

Values = dict[str, bytes]


@pytest.fixture
def store(tmp_path: Path) -> HFilesystemStore:
    return HFilesystemStore(tmp_path / "root")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "of the caller"
    made.mkdir()
    return made


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def every_call(
    system: FailingSystem, act: Callable[[], object]
) -> Iterator[tuple[int, str, OSError | None]]:
    """Do something again and again, each time with another failing call.

    Yields the number and name of the call, and what was raised.
    """
    at = 0
    while True:
        at += 1
        error = None
        with system.fail(at):
            try:
                act()
            except OSError as raised:
                error = raised
        if not system.failed:
            return
        yield at, system.failed, error


@pytest.mark.parametrize("use", WRITES)
def test_a_write_is_done_or_refused_whatever_call_fails(
    use: str, store: HFilesystemStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_write(use, store, folder, FailingSystem(monkeypatch, errno.EIO))


@pytest.mark.stress
@pytest.mark.parametrize("code", CODES, ids=errno.errorcode.get)
def test_a_write_is_done_or_refused_whatever_fails_for_any_reason(
    code: int,
    store: HFilesystemStore,
    folder: Path,
    tell: Callable[[str], None],
) -> None:
    calls = 0
    for use in WRITES:
        with pytest.MonkeyPatch.context() as patched:
            calls += check_write(use, store, folder, FailingSystem(patched, code))
    tell(f"{calls} calls failed, 0 bad")


def check_write(
    use: str, store: HFilesystemStore, folder: Path, system: FailingSystem
) -> int:
    act, changes = WRITES[use]
    after = {key: value for key, value in {**BEFORE, **changes}.items() if value}
    fill(store, folder)
    at, files = 0, open_files()
    for at, name, error in every_call(system, lambda: act(store, folder)):
        place = f"{use}, call {at}: {name}, {error!r}"
        check_error(use, error)
        found = {key: store.get(key) for key in store}  # sweeps, too
        assert found == expected(error, after), place
        assert files_below(Path(store.root)) == set(found), place
        given = folder / "given"
        assert found["folder/key"] == NEW if not given.exists() else True, place
        assert not given.exists() or given.read_bytes() == NEW, place
        assert open_files() == files, place
        fill(store, folder)
    assert at > 5
    return at


def check_error(use: str, error: OSError | None) -> None:
    """Let only that of a file of the caller be the system's own."""
    if error is not None and not use.endswith("by name"):
        assert isinstance(error, StoreError)


def expected(error: OSError | None, after: Values) -> Values:
    """Return what has to be there, for the errors say whether it happened."""
    if error is None or isinstance(error, StoreUnavailable):
        return after
    return BEFORE


@pytest.mark.parametrize("use", READS)
def test_a_read_is_right_or_refused_whatever_call_fails(
    use: str, store: HFilesystemStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    act, expected = READS[use]
    fill(store, folder)
    system = FailingSystem(monkeypatch, errno.EIO)
    files, found = open_files(), None

    def read() -> None:
        nonlocal found
        found = expected  # unless it returns something else
        found = act(store, folder)

    for at, name, error in every_call(system, read):
        place = f"{use}, call {at}: {name}, {error!r}"
        check_error(use, error)
        assert found == expected, place
        left = {path.name: path.read_bytes() for path in folder.iterdir()}
        assert left.pop("target") in (TARGET, expected), place
        assert left == {"given": NEW}, place
        assert open_files() == files, place
        fill(store, folder)


def test_a_store_that_writes_in_place_is_noticed(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = FailingSystem(monkeypatch, errno.EIO)
    with pytest.raises((AssertionError, OSError)):
        check_write("put_file", WritesInPlace(tmp_path / "root"), folder, system)
