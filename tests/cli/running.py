"""The command line, in this process and in one of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from click.testing import CliRunner, Result

from minimalkv.cli import main

ROOT: Final = Path(__file__).parents[2]
PROGRAM: Final = (sys.executable, "-m", "minimalkv")


def run(*arguments: str, **options: Any) -> Result:
    """Run a command here; `input` and `env` are those of click."""
    return CliRunner().invoke(main, list(arguments), prog_name="minimalkv", **options)


def printed(*arguments: str, **options: Any) -> str:
    """Return what a command prints that has to succeed."""
    result = run(*arguments, **options)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return result.stdout


def program_environment(**more: str) -> Mapping[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def start(*arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
    """Start a command in a process of its own, with pipes."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen(
        [*PROGRAM, *arguments],
        **{**pipes, "stderr": subprocess.PIPE, **options},
        env=program_environment(),
    )
