"""The example site as a process of its own."""

import re
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]
STOPS_IN_SECS = 30


class Site:
    """The site on one store, for a ``with`` block.

    Inside of it the server can be stopped, and started again on the same port.

    Attributes
    ----------
    url : str
        Where the site is, once it was started.
    folder : Path
        Where its log and its ``instance`` are.
    """

    def __init__(self, store_url: str, folder: Path) -> None:
        self._store_url = store_url
        self.folder = folder
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and wait until it says where it is."""
        port = self.url.rpartition(":")[2] or "0"
        options = ["--port", port, "--store", self._store_url]
        options += ["--instance", str(self.folder / "instance")]
        command = [sys.executable, "-W", "error", "-m", "example_site", *options]
        with (self.folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        match = re.fullmatch(r"Serving on (http://127\.0\.0\.1:\d+)\n", line)
        assert match, f"The site does not start: {line!r} {self.log()}"
        self.url = match[1]

    def stop(self) -> None:
        """Stop the server; it has to end by itself and without an error."""
        process, self._process = self._process, None
        if process is None:
            return
        with process:
            process.terminate()
            assert process.wait(STOPS_IN_SECS) == 0, self.log()

    def log(self) -> str:
        """Return what the server wrote to its standard error."""
        return (self.folder / "log").read_text()
