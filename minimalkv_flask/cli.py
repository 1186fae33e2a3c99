"""``flask kv``: look after the stores, sessions and uploads of an application."""

import re
from collections.abc import Iterator
from typing import Final

import click
from flask import current_app
from flask.cli import AppGroup

from minimalkv import KeyValueStore, MinimalkvError
from minimalkv._aliases import AliasedStores
from minimalkv.sessions import SessionManager
from minimalkv_flask._problems import problems
from minimalkv_flask._uploads_cli import uploads
from minimalkv_flask.sessions import KVSessionInterface

_REF: Final = re.compile(r"[0-9a-f]{64}")

kv: Final = AppGroup("kv", help="Look after stores, sessions and uploads of this site.")
sessions: Final = AppGroup("sessions", help="List and end sessions.")
kv.add_command(sessions)
kv.add_command(uploads)

_of_user: Final = click.option("--user", help="Only those bound to this user id.")


@kv.command()
def check() -> None:
    """Ask each store whether it is there; exits with 1 if one is not."""
    failures = 0
    for name, store in _stores():
        try:
            store.ping()
        except MinimalkvError as error:
            failures += 1
            click.echo(f"{name}: {error}", err=True)
        else:
            click.echo(f"{name}: {store!r} answers")
    if failures:
        raise click.exceptions.Exit(1)


def _stores() -> Iterator[tuple[str, KeyValueStore]]:
    stores = current_app.extensions.get("minimalkv")
    if isinstance(stores, AliasedStores):
        for alias in stores:
            yield alias, stores.get(alias)
    if isinstance(current_app.session_interface, KVSessionInterface):
        yield "sessions of this site", _manager().store


@sessions.command("list")
@_of_user
def list_sessions(user: str | None) -> None:
    """Print ref, beginning, end and user of each session, in UTC."""
    with problems():
        for ref, whose, created, expires in _manager().list(user):
            click.echo(f"{ref}  {created:%F %T}  {expires:%F %T}  {whose or '-'}")


@sessions.command()
@_of_user
def count(user: str | None) -> None:
    """Print how many sessions there are."""
    with problems():
        click.echo(str(_manager().count(user)))


@sessions.command()
@click.argument("ref")
def show(ref: str) -> None:
    """Print what the session of a REF holds."""
    with problems():
        data = _manager().show(_checked(ref))
    if data is None:
        raise click.ClickException(f"There is no session {ref}.")
    for key, value in data.items():
        click.echo(f"{key}: {value!r}")


@sessions.command()
@click.argument("refs", nargs=-1, metavar="[REF]...")
@click.option("--user", help="End all that are bound to this user id.")
def revoke(refs: tuple[str, ...], user: str | None) -> None:
    """End the sessions of some REFs, or of a user."""
    if bool(refs) == (user is not None):
        raise click.UsageError("Name refs, as 'list' prints them, or a --user.")
    with problems():
        manager = _manager()
        if user is None:
            ended = sum(manager.revoke(ref=_checked(ref)) for ref in refs)
        else:
            ended = manager.revoke(user=user)
    click.echo(f"Sessions ended: {ended}")


@sessions.command()
def purge() -> None:
    """Delete expired records, where the store does not by itself."""
    with problems():
        click.echo(f"Records deleted: {_manager().purge()}")


def _manager() -> SessionManager:
    interface = current_app.session_interface
    if isinstance(interface, KVSessionInterface):
        return interface.manager(current_app)
    raise click.ClickException(
        "The sessions of this application are in no store of minimalkv: set its "
        "session_interface to a KVSessionInterface, or use the extension MinimalKV."
    )


def _checked(ref: str) -> str:
    if _REF.fullmatch(ref):
        return ref
    raise click.UsageError(f"{ref!r} is no ref: those are 64 digits, see 'list'.")
