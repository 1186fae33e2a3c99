"""``sessions`` of ``flask kv`` and ``manage.py minimalkv``: list and end them."""

import re
from collections.abc import Callable
from typing import Any, Final

import click

from minimalkv._cli._command import Group
from minimalkv._cli._errors import Refused
from minimalkv._cli._output import printable, say
from minimalkv.sessions import SessionManager

SESSIONS: Final = "minimalkv.sessions"
"""What `click.Context.meta` calls the function that returns the manager."""

_REF: Final = re.compile(r"[0-9a-f]{64}")

_of_user: Final = click.option("--user", help="Only those bound to this user id.")


@click.group(cls=Group)
def sessions() -> None:
    """List and end the sessions of this site."""


def _manager() -> SessionManager:
    find: Callable[[], SessionManager] = click.get_current_context().meta[SESSIONS]
    return find()


@sessions.command("list")
@_of_user
def list_sessions(user: str | None) -> None:
    """Print ref, beginning, end and user of each session, in UTC."""
    for ref, whose, created, expires in _manager().list(user):
        say(f"{ref}  {created:%F %T}  {expires:%F %T}  {whose or '-'}")


@sessions.command()
@_of_user
def count(user: str | None) -> None:
    """Print how many sessions there are."""
    click.echo(str(_manager().count(user)))


@sessions.command()
@click.argument("ref")
def show(ref: str) -> None:
    """Print what the session of a REF holds."""
    data = _manager().show(_checked(ref))
    if data is None:
        raise click.ClickException(f"There is no session {ref}.")
    for key, value in data.items():
        say(f"{_name(key)}: {value!r}")


def _name(key: Any) -> str:
    return printable(str(key))


@sessions.command()
@click.argument("refs", nargs=-1, metavar="[REF]...")
@click.option("--user", help="End all that are bound to this user id.")
def revoke(refs: tuple[str, ...], user: str | None) -> None:
    """End the sessions of some REFs, or of a user."""
    if bool(refs) == (user is not None):
        raise click.UsageError("Name refs, as 'list' prints them, or a --user.")
    checked = [_checked(ref) for ref in refs]
    manager = _manager()
    if user is None:
        ended = sum(manager.revoke(ref=ref) for ref in checked)
    else:
        ended = manager.revoke(user=user)
    click.echo(f"Sessions ended: {ended}")


@sessions.command()
def purge() -> None:
    """Delete expired records, where the store does not by itself."""
    click.echo(f"Records deleted: {_manager().purge()}")


def _checked(ref: str) -> str:
    if _REF.fullmatch(ref):
        return ref
    raise Refused(f"{ref!r} is no ref: those are 64 digits, see 'list'.")
