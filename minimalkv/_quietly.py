"""A logger for what every program loads: `logging` itself takes long to load."""

import sys
from typing import Any, Final


class _Logger:
    """Events that nobody can see in a program without `logging`."""

    def debug(self, message: str, *args: object) -> None:
        self._log("debug", message, args)

    def info(self, message: str, *args: object) -> None:
        self._log("info", message, args)

    def _log(self, level: str, message: str, args: tuple[object, ...]) -> None:
        logging: Any = sys.modules.get("logging")
        if logging is not None:
            # The caller of the caller is the one that has something to tell.
            getattr(logging.getLogger("minimalkv"), level)(message, *args, stacklevel=3)


quiet_log: Final = _Logger()
"""The logger ``minimalkv``, for what is no warning."""
