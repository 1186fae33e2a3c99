"""The commands of ``minimalkv``, which ``flask kv`` and ``manage.py`` have as well.

``COMMANDS`` has them all. They are loaded when somebody asks: an application that has
``flask kv`` starts without them.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minimalkv._cli._commands import COMMANDS

__all__ = ["COMMANDS"]


def __getattr__(name: str) -> Any:
    if name != "COMMANDS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from minimalkv._cli._commands import COMMANDS

    return COMMANDS
