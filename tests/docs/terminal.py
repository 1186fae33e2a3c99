"""A shell in which a new user types, line by line."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_DONE: Final = "--- done:"
_AT_MOST_SECS: Final = 120
_POLL_SECS: Final = 0.05

# What the tests know of themselves, and nobody else has.
_OURS: Final = ("VIRTUAL_ENV", "PYTHON", "DJANGO_", "FLASK_", "MINIMALKV_", "COVERAGE")


def environment(wheels: Path) -> dict[str, str]:
    """Return that of somebody who has Python, and an index with our wheel on it."""
    others = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
    base = Path(sys.executable).resolve().parent
    return {
        **others,
        "PATH": f"{base}:/usr/local/bin:/usr/bin:/bin",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_COMPILE": "1",  # takes as long as the rest, and is done on import
    }


class Terminal:
    """Bash in a folder, for a ``with`` block, at whose end all of it is gone."""

    def __init__(
        self,
        folder: Path,
        environment: dict[str, str],
        within_secs: float = _AT_MOST_SECS,
    ) -> None:
        self._within_secs = within_secs
        self._shell = subprocess.Popen(
            ["/bin/bash", "--norc"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        # As at a keyboard, where Ctrl-C ends what runs and not the shell.
        self._type("trap : INT")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self._kill()
        with self._shell:
            pass

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(self._shell.pid, signal.SIGKILL)

    def _type(self, line: str) -> None:
        assert self._shell.stdin is not None
        # Without a buffer, which would be flushed once more when it is closed.
        with contextlib.suppress(
            BrokenPipeError
        ):  # what it printed tells that it ended
            os.write(self._shell.stdin.fileno(), f"{line}\n".encode())

    def run(self, line: str) -> str:
        """Type a line that has to succeed, and return what it prints."""
        self._type(line)
        printed, code = self._wait()
        assert code == 0, f"{line}\n{printed}"
        return printed

    def _wait(self) -> tuple[str, int]:
        self._type(f'echo "{_DONE} $?"')
        limit = threading.Timer(self._within_secs, self._kill)
        limit.start()
        try:
            return self._read_on()
        finally:
            limit.cancel()

    def _read_on(self) -> tuple[str, int]:
        assert self._shell.stdout is not None
        printed = ""
        for line in self._shell.stdout:
            before, done, code = line.partition(_DONE)
            printed += before
            if done:
                return printed, int(code)
        raise AssertionError(f"The shell ended, or took too long:\n{printed}")

    def serve(self, line: str, port: int) -> None:
        """Type a line that serves a port until it is interrupted."""
        self._type(line)
        deadline = time.monotonic() + self._within_secs
        while time.monotonic() < deadline and self._shell.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(_POLL_SECS)
        self._kill()
        assert self._shell.stdout is not None
        raise AssertionError(f"{line} serves nothing:\n{self._shell.stdout.read()}")

    def interrupt(self) -> str:
        """Press Ctrl-C, and return what the server said."""
        os.killpg(self._shell.pid, signal.SIGINT)
        return self._wait()[0]

    def folder(self) -> Path:
        """Return where it stands."""
        return Path(self.run("pwd").strip())
