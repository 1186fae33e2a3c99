"""The command ``minimalkv``; docs/command-line.md describes it."""

import sys
from typing import TYPE_CHECKING

__all__ = ["main"]

if TYPE_CHECKING:
    from minimalkv._cli._group import main
else:
    try:
        from minimalkv._cli._group import main
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise

        def main(**_):
            """Say what is missing."""
            sys.exit("The command line needs click: pip install 'minimalkv[cli]'")
