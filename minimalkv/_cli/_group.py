"""The group ``minimalkv``."""

from typing import Final

import click

from minimalkv import __version__
from minimalkv._cli import COMMANDS
from minimalkv._cli._command import Group

_HELP: Final = """\
Look into key-value stores, and move what is in them.

A store is given by its URL, or as env:NAME by an environment variable that has the
URL: so no password gets into the shell's history and the list of processes.

\b
  minimalkv ls -l hfs:///var/lib/site photos/
  minimalkv put redis://localhost/0 greeting hello.txt
  minimalkv get env:STORE photos/cat.png cat.png
  minimalkv sync hfs:///var/lib/site env:BUCKET
  minimalkv check env:STORE

Exit codes: 0 is done, 1 a problem, 2 wrong usage, 130 interrupted.
"""


@click.group(cls=Group, help=_HELP, load=lambda: COMMANDS)
@click.version_option(__version__, prog_name="minimalkv")
def main() -> None:
    """Collect the commands."""
