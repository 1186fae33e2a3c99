"""What the packages write into the log, read from their source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tests.pages import ROOT

PACKAGES: Final = ("minimalkv", "minimalkv_flask", "minimalkv_django")
_LEVELS: Final = {"exception": "error"}


class Event(NamedTuple):
    """A line of code that logs."""

    message: str
    logger: str
    level: str


def _calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node


def events() -> Iterator[Event]:
    """Yield each event, with an ellipsis for what is put into its message."""
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for call in _calls(path):
                owner, name = call.func.value, call.func.attr  # type: ignore[attr-defined] # see _calls
                if isinstance(owner, ast.Name) and owner.id == "_log":
                    (message,) = (ast.literal_eval(part) for part in call.args[:1])
                    shown = re.sub(r"%[.\d]*[a-z]", "…", message)
                    yield Event(shown, package, _LEVELS.get(name, name))


def loggers() -> Iterator[tuple[str, str]]:
    """Yield each logger that a module writes to, with the package of the module."""
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text()
            for name in re.findall(r"^_log\b.*getLogger\((.*)\)$", text, re.M):
                yield name.strip('"'), package
