"""Gunicorn, with an application of the tests."""

import os
import signal
import socket
import sys
from pathlib import Path
from typing import Final

from tests.backends.process import HOST, ServerProcess

_ROOT: Final = Path(__file__).parent.parent.parent


class Gunicorn(ServerProcess):
    """Serves an application until it is stopped.

    Parameters
    ----------
    application : str
        The name of a module, a colon, and a call that makes the application.
    options : str
        More arguments, such as the number of workers and threads.
    """

    def __init__(self, application: str, *options: str) -> None:
        super().__init__()
        self._application = application
        self._options = options

    def _command(self, folder: Path) -> list[str]:
        # Two of them that run at once would share one control socket.
        address = ("--bind", f"{HOST}:{self.port}", "--no-control-socket")
        where = ("--chdir", str(_ROOT), "--worker-tmp-dir", str(folder))
        arguments = (*address, *where, *self._options, self._application)
        return [sys.executable, "-m", "gunicorn", *arguments]

    def _prepare(self) -> None:
        socket.create_connection((HOST, self.port), timeout=1).close()

    def _kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            # The workers as well: they would look for their parent now and then only.
            os.killpg(self._process.pid, signal.SIGKILL)
        super()._kill()

    def log(self) -> str:
        """Return what the server and the application have told."""
        return (self.folder / "log").read_text("utf-8", "replace")
