"""What all tests share: the table of contracts, the leak check, hypothesis profiles."""

import gc
import os
import signal
import threading
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

import hypothesis
import pytest

from minimalkv import _clock
from minimalkv.testing import Contract

pytest_plugins = ["tests.serving"]

_OPEN_FILES = Path("/proc/self/fd")
_CONTRACT = "contract"
VERSIONS = "other versions"
"""The property of a test that names versions, which are told at the end."""
FIGURES = "figures"
"""The property of a test with what it measured, or could not; told at the end."""

# A machine under load is no reason to fail; the same examples in every run of CI are.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile(
    "repeatable", deadline=None, derandomize=True, database=None
)
hypothesis.settings.load_profile("repeatable" if os.environ.get("CI") else "local")


def pytest_configure() -> None:
    """Let signals end what the tests start, also where a shell lets them be ignored.

    A program inherits that from the background of a shell, and from ``nohup``; what is
    handled here is as usual in the programs.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


def pytest_collection_finish() -> None:
    """Take the thousands of collected tests out of what each `gc.collect` visits."""
    gc.freeze()


@pytest.fixture(autouse=True)
def leaks_nothing(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test of a contract that leaves open files or threads behind."""
    if not is_contract(request.cls):
        yield
        return
    before = _in_use()
    yield
    if _leaks(before):
        gc.collect()
        assert not _leaks(before), (
            f"Open files or threads are left of {_names_in_use()}"
        )


def is_contract(cls: type | None) -> bool:
    """Tell whether the tests of a class are those of a contract."""
    return cls is not None and issubclass(cls, Contract)


def _leaks(before: tuple[int, int]) -> bool:
    # There may be less than before: what earlier tests left is collected at any time.
    return any(now > then for now, then in zip(_in_use(), before, strict=True))


def _in_use() -> tuple[int, int]:
    open_files = len(os.listdir(_OPEN_FILES)) if _OPEN_FILES.is_dir() else 0  # noqa: PTH208 - counted a thousand times
    return open_files, threading.active_count()


def _names_in_use() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    for path in _OPEN_FILES.glob("*"):
        with suppress(OSError):  # the folder's own is closed by now
            names.append(str(path.readlink()))
    return names


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note on which store a test of a contract ran, for the table."""
    report = yield
    if report.when == "call" and is_contract(getattr(item, "cls", None)):
        store = getattr(item, "funcargs", {}).get("store")
        report.user_properties.append((_CONTRACT, describe(store)))
    return report


def describe(store: object) -> str:
    """Tell a store and what it wraps by the names of their classes."""
    name = type(store).__name__
    inner = getattr(store, "_dstore", None)
    return name if inner is None else f"{name} of {describe(inner)}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests want to be told, and on which stores contracts ran."""
    for name in (VERSIONS, FIGURES):
        _tell_property(terminalreporter, name)
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.getreports(outcome):
            for name, store in getattr(report, "user_properties", ()):
                if name == _CONTRACT:
                    counts[store][outcome] += 1
    if not counts:
        return
    total: Counter[str] = Counter()
    width = max(map(len, counts))
    terminalreporter.section("contract tests")
    for store, outcomes in sorted(counts.items()):
        terminalreporter.write_line(f"{store:{width}} {_tell(outcomes)}")
        total += outcomes
    terminalreporter.write_line(f"{f'{len(counts)} stores':{width}} {_tell(total)}")


def _tell_property(reporter: pytest.TerminalReporter, wanted: str) -> None:
    lines = {
        line: None
        for outcome in ("passed", "failed", "error")
        for report in reporter.getreports(outcome)
        for name, line in getattr(report, "user_properties", ())
        if name == wanted
    }
    if lines:
        reporter.section(wanted)
    for line in lines:
        reporter.write_line(line)


def _tell(outcomes: Counter[str]) -> str:
    others = [f"{outcomes[o]} {o}" for o in ("failed", "skipped") if outcomes[o]]
    return ", ".join([f"{outcomes['passed']:5} passed", *others])


@pytest.fixture(autouse=True)
def time_of_day() -> Iterator[None]:
    # A jump forwards, as some tests make, is remembered as long as the process lives.
    before = _clock._offset
    yield
    _clock._offset = before
