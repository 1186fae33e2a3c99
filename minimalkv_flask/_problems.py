"""Errors on the command line."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from minimalkv import MinimalkvError


@contextmanager
def problems() -> Iterator[None]:
    """Print an error of ours as one line."""
    try:
        yield
    except MinimalkvError as error:
        raise click.ClickException(str(error)) from error
