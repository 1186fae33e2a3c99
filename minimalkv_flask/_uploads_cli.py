"""``flask kv uploads``: look after the files of upload sets."""

from collections.abc import Iterator
from typing import Final

import click
from flask import current_app
from flask.cli import with_appcontext

from minimalkv._cli._command import Group
from minimalkv._cli._output import Lines
from minimalkv._direct import ATTACH_SECS, purge_pending
from minimalkv_flask._upload_config import (
    UploadConfiguration,
    configuration_of,
    names_of_sets,
)

_HOUR_SECS: Final = 3600


@click.group(cls=Group)
def uploads() -> None:
    """List files of upload sets, and tidy up."""


_of_sets: Final = click.argument("sets", nargs=-1, metavar="[SET]...")


@uploads.command("list")
@_of_sets
@with_appcontext
def list_files(sets: tuple[str, ...]) -> None:
    """Print size, time of upload in UTC, and key of each file of some sets, or all."""
    lines = Lines()
    for config in _configured(sets):
        for meta in config.store.iter_meta(config.prefix):
            if config.is_file(meta.key):
                when = f"{meta.modified:%F %T}" if meta.modified else "-"
                lines.write(f"{meta.size:>12,}  {when:>19}  {lines.key(meta.key)}")


@uploads.command()
@_of_sets
@click.option(
    "--hours",
    type=click.FloatRange(min=0),
    default=2 * ATTACH_SECS / _HOUR_SECS,
    show_default=True,
    help="How old they are at least.",
)
@with_appcontext
def purge(sets: tuple[str, ...], hours: float) -> None:
    """Delete what browsers sent to the store itself and nobody attached."""
    deleted = sum(
        purge_pending(config.store, config.prefix, hours * _HOUR_SECS)
        for config in _configured(sets)
    )
    click.echo(f"Files deleted: {deleted}")


def _configured(sets: tuple[str, ...]) -> Iterator[UploadConfiguration]:
    names = sets or names_of_sets(current_app)
    if not names:
        raise click.UsageError(
            "Name a set: none has a setting UPLOADED_…, nor was given to "
            "configure_uploads."
        )
    for name in names:
        yield configuration_of(current_app, name)
