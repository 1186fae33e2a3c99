"""The command line of minimalkv, with the stores of a project."""

from typing import Final

import click
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from minimalkv._cli import COMMANDS
from minimalkv._cli._command import Group
from minimalkv._cli._site import serve
from minimalkv._cli._store import STORE
from minimalkv._cli.sessions import sessions
from minimalkv._direct import ATTACH_SECS, purge_pending
from minimalkv._key_value_store import KeyValueStore
from minimalkv_django.checks import ENGINE
from minimalkv_django.sessions import session_manager
from minimalkv_django.stores import stores

_HOUR_SECS: Final = 3600


@click.group(cls=Group)
def uploads() -> None:
    """Tidy up among uploads."""


@uploads.command()
@click.option(
    "--store", type=STORE, default="uploads", show_default=True, help="Its alias."
)
@click.option("--prefix", default="", help="What its keys begin with.")
@click.option(
    "--hours",
    type=click.FloatRange(min=0),
    default=2 * ATTACH_SECS / _HOUR_SECS,
    show_default=True,
    help="How old they are at least.",
)
def purge(store: KeyValueStore, prefix: str, hours: float) -> None:
    """Delete what browsers sent to the store itself and nobody attached."""
    deleted = purge_pending(store, prefix, hours * _HOUR_SECS)
    click.echo(f"Files deleted: {deleted}")


@click.group(cls=Group, load=lambda: (*COMMANDS, sessions, uploads))
@click.pass_context
def group(context: click.Context) -> None:
    """Look after the stores, the sessions and the uploads of this project.

    A store is given by an alias of MINIMALKV_STORES, by its URL, or as env:NAME by an
    environment variable that has the URL.
    """
    serve(
        context,
        lambda: stores,
        session_manager,
        has_sessions=lambda: bool(settings.SESSION_ENGINE == ENGINE),
        error=ImproperlyConfigured,
    )
