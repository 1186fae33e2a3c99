"""What collectstatic tells while it works."""

import logging
import time
from typing import Any, Final

_TERMINAL_SECS: Final = 0.1
_LOG_SECS: Final = 10.0

_log: Final = logging.getLogger("minimalkv_django")


class Progress:
    """One line that follows the work, on a terminal; elsewhere one every 10 seconds.

    Parameters
    ----------
    command : Command or None
        Tells where to write and, by its ``verbosity``, whether to. Without one, what
        was done goes to the log.
    """

    def __init__(self, command: Any | None) -> None:
        verbosity = getattr(command, "verbosity", 0)
        self._out = getattr(command, "stdout", None) if verbosity >= 1 else None
        self._is_terminal = self._out is not None and bool(self._out.isatty())
        self._told_at = time.monotonic()
        self.uploaded = 0
        self.uploaded_bytes = 0
        self.unchanged = 0

    def count_unchanged(self) -> None:
        """Note a file that the store has as it is."""
        self.unchanged += 1
        self._tell_now_and_then()

    def count_upload(self, size: int) -> None:
        """Note a file of so many bytes that is uploaded, or about to be."""
        self.uploaded += 1
        self.uploaded_bytes += size
        self._tell_now_and_then()

    def _tell_now_and_then(self) -> None:
        now = time.monotonic()
        pause = _TERMINAL_SECS if self._is_terminal else _LOG_SECS
        if self._out is not None and now - self._told_at >= pause:
            self._told_at = now
            self._write(self._text(), is_last=False)

    def finish(self) -> None:
        """Tell what was done."""
        if self._out is None:
            _log.info("collectstatic: %s", self._text())
        else:
            self._write(self._text(), is_last=True)

    def _text(self) -> str:
        mib = self.uploaded_bytes / 2**20
        return f"{self.uploaded} uploaded ({mib:.1f} MiB), {self.unchanged} unchanged"

    def _write(self, text: str, *, is_last: bool) -> None:
        if self._out is None:
            return
        if self._is_terminal:
            # The line is cleared first, and the next one takes its place.
            text = f"\r\x1b[K{text}"
        self._out.write(text, ending="\n" if is_last or not self._is_terminal else "")
        self._out.flush()
