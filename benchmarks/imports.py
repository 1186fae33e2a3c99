"""Imports: a fresh interpreter each time, against an empty one and against upstream."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import minimalkv
from benchmarks.measure import Effort, Rows, summarize

AIM = 1 / 3

_EMPTY = "pass"
_OPEN = "from minimalkv import get_store_from_url as open_url; open_url({!r})"
_STATEMENTS = {
    "import minimalkv": "import minimalkv",
    "import, open memory://": _OPEN.format("memory://"),
    "import, open hfs://": _OPEN.format("hfs://./data"),
}
_AIMS = {"import minimalkv": AIM}


class Interpreter(NamedTuple):
    """A Python, and the environment to start it in."""

    python: str
    environment: dict[str, str]

    def secs(self, statement: str, folder: Path) -> float:
        """Return how long it takes to start, run a statement and end."""
        command = [self.python, "-c", statement]
        begin = time.perf_counter()
        subprocess.run(
            command,
            env=self.environment,
            cwd=folder,
            check=True,
            stderr=subprocess.DEVNULL,
        )
        return time.perf_counter() - begin


def rows(folder: Path, effort: Effort, upstream: str | None) -> Rows:
    """Measure the import, also with opening a store, net of the interpreter's start.

    Parameters
    ----------
    folder : Path
        Where the interpreters start, and where they keep compiled modules.
    effort : Effort
        How many rounds; the rest of it means nothing to processes.
    upstream : str or None
        An interpreter that has upstream; None if there is none.
    """
    environment = _environment(folder)
    root = str(Path(minimalkv.__file__).parents[1])
    ours = Interpreter(sys.executable, {**environment, "PYTHONPATH": root})
    for name, statement in _STATEMENTS.items():
        if upstream is None:
            ratios = _against_nothing(ours, statement, folder, effort)
            yield summarize(f"{name} / empty interpreter", ratios)
        else:
            theirs = Interpreter(upstream, environment)
            ratios = _against(theirs, ours, statement, folder, effort)
            yield summarize(f"{name} / upstream", ratios, _AIMS.get(name))


def _environment(folder: Path) -> dict[str, str]:
    """Return an environment in which modules are compiled once and then found."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}


def _against_nothing(
    ours: Interpreter, statement: str, folder: Path, effort: Effort
) -> list[float]:
    turns = [(ours, _EMPTY), (ours, statement)]
    return [
        secs[ours.python, statement] / secs[ours.python, _EMPTY]
        for secs in _rounds(turns, folder, effort)
    ]


def _against(
    theirs: Interpreter,
    ours: Interpreter,
    statement: str,
    folder: Path,
    effort: Effort,
) -> list[float]:
    turns = [(who, what) for who in (theirs, ours) for what in (_EMPTY, statement)]
    return [
        (secs[ours.python, statement] - secs[ours.python, _EMPTY])
        / (secs[theirs.python, statement] - secs[theirs.python, _EMPTY])
        for secs in _rounds(turns, folder, effort)
    ]


def _rounds(
    turns: list[tuple[Interpreter, str]], folder: Path, effort: Effort
) -> Iterable[dict[tuple[str, str], float]]:
    for who, what in turns:
        who.secs(what, folder)
    for number in range(effort.rounds):
        yield {
            (who.python, what): who.secs(what, folder)
            for who, what in (turns if number % 2 else reversed(turns))
        }
