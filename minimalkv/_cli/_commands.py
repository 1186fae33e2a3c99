"""All commands."""

from typing import Final

import click

from minimalkv._cli.benchmarking import bench
from minimalkv._cli.checking import check
from minimalkv._cli.copying import cp, mv
from minimalkv._cli.listing import du, ls
from minimalkv._cli.purging import purge
from minimalkv._cli.reading import cat, get, stat
from minimalkv._cli.syncing import sync
from minimalkv._cli.writing import put, rm

COMMANDS: Final[tuple[click.Command, ...]] = (
    ls,
    get,
    put,
    rm,
    cp,
    mv,
    cat,
    stat,
    du,
    sync,
    purge,
    check,
    bench,
)
"""In the order of the help."""
