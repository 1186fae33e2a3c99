"""Runs of the command in a process of its own, which somebody ends in the middle."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent


class Running:
    """A running ``minimalkv sync``; the URLs are in its environment, not in its name.

    Parameters
    ----------
    source, target : str
        The URLs.
    arguments : str
        More arguments.
    stderr : file or None
        Where it tells how far it is, if not to `wait`.
    """

    def __init__(
        self, source: str, target: str, *arguments: str, stderr: IO[bytes] | None = None
    ) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "minimalkv", "sync"),
                *("env:SOURCE", "env:TARGET", *arguments),
            ],
            cwd=ROOT,
            env={**os.environ, "SOURCE": source, "TARGET": target},
            stdout=subprocess.PIPE,
            stderr=stderr or subprocess.PIPE,
            text=True,
        )

    def end(self, number: int, when: Callable[[], bool]) -> tuple[int, str]:
        """Send a signal when something is so; return the exit code and stderr."""
        wait_until(lambda: when() or self.process.poll() is not None)
        assert self.process.poll() is None, self.process.communicate()
        self.process.send_signal(number)
        return self.wait()[::2]

    def wait(self) -> tuple[int, str, str]:
        """Return the exit code and what was printed."""
        out, errors = self.process.communicate(timeout=300)
        return self.process.returncode, out, errors


def resumed(source: str, target: str, *arguments: str) -> tuple[int, str, str]:
    """Run to the end."""
    return Running(source, target, *arguments).wait()
