"""minimalkv 1.11 as its users have it, in a virtual environment of its own."""

import subprocess
import sys
from pathlib import Path

VERSION = "1.11.2"
_FOLDER = Path(__file__).parent.parent / ".upstream"


def python() -> str:
    """Return the interpreter that has upstream, installing it when it is missing."""
    interpreter = _FOLDER / "bin" / "python"
    stamp = _FOLDER / f"ready-{VERSION}"
    if not stamp.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", _FOLDER], check=True)
        subprocess.run(
            [interpreter, "-m", "pip", "install", "-q", f"minimalkv=={VERSION}"],
            check=True,
        )
        stamp.touch()
    return str(interpreter)


def run(script: str, *args: object) -> str:
    """Run a script with upstream and return what it printed."""
    return subprocess.run(
        [python(), "-I", "-c", script, *map(str, args)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
