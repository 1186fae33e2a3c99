"""What all tests share: the table of contracts, the leak check, hypothesis profiles."""

import gc
import os
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from minimalkv.testing import Contract

_OPEN_FILES = Path("/proc/self/fd")
_CONTRACT = "contract"

# A machine under load is no reason to fail; the same examples in every run of CI are.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile(
    "repeatable", deadline=None, derandomize=True, database=None
)
hypothesis.settings.load_profile("repeatable" if os.environ.get("CI") else "local")


def pytest_collection_finish() -> None:
    """Take the thousands of collected tests out of what each `gc.collect` visits."""
    gc.freeze()


@pytest.fixture(autouse=True)
def contract(request: pytest.FixtureRequest) -> Iterator[None]:
    """Count a test of a contract for its table, and fail it if it leaks."""
    if request.cls is None or not issubclass(request.cls, Contract):
        yield
        return
    before = _in_use()
    yield
    store = request.node.funcargs.get("store")
    if store is not None:
        request.node.user_properties.append((_CONTRACT, describe(store)))
    if _in_use() != before:
        gc.collect()
        assert _in_use() == before, "The test leaks open files or threads."


def _in_use() -> tuple[int, int]:
    open_files = len(os.listdir(_OPEN_FILES)) if _OPEN_FILES.is_dir() else 0  # noqa: PTH208 - counted a thousand times
    return open_files, threading.active_count()


def describe(store: object) -> str:
    """Tell a store and what it wraps by the names of their classes."""
    name = type(store).__name__
    inner = getattr(store, "_dstore", None)
    return name if inner is None else f"{name} of {describe(inner)}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many tests of the contracts ran on which store."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.getreports(outcome):
            for name, store in getattr(report, "user_properties", ()):
                if name == _CONTRACT and report.when == "call":
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


def _tell(outcomes: Counter[str]) -> str:
    others = [f"{outcomes[o]} {o}" for o in ("failed", "skipped") if outcomes[o]]
    return ", ".join([f"{outcomes['passed']:5} passed", *others])
