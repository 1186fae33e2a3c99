"""``manage.py minimalkv``: look after the stores and the sessions of a project."""

import re
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from minimalkv import KeyValueStore, MinimalkvError
from minimalkv._direct import ATTACH_SECS, purge_pending
from minimalkv_django.checks import ENGINE
from minimalkv_django.sessions import session_manager
from minimalkv_django.stores import stores

_ABILITIES: Final = {
    "ttl": "ttl_support",
    "conditional": "conditional_support",
    "copy": "copy_support",
    "url": "url_support",
    "headers": "headers_support",
}
_HOUR_SECS: Final = 3600
_REF: Final = re.compile(r"[0-9a-f]{64}")


class Command(BaseCommand):
    """The command; ``manage.py help minimalkv`` describes it."""

    help = "Looks after the stores, the sessions and the uploads of this project."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the commands; see Django."""
        commands = parser.add_subparsers(dest="command", required=True)
        commands.add_parser("check", help="ask each store whether it is there")
        sessions = commands.add_parser("sessions", help="list and end sessions")
        actions = sessions.add_subparsers(dest="action", required=True)
        for name, text in (
            ("list", "print ref, beginning, end and user of each session, in UTC"),
            ("count", "print how many sessions there are"),
        ):
            action = actions.add_parser(name, help=text)
            action.add_argument("--user", help="only those of this primary key")
        show = actions.add_parser("show", help="print what a session holds")
        show.add_argument("ref", help="its name in the list")
        revoke = actions.add_parser("revoke", help="end sessions at once")
        revoke.add_argument("refs", nargs="*", metavar="ref", help="names in the list")
        revoke.add_argument("--user", help="all those of this primary key")
        actions.add_parser("purge", help="delete expired records")
        uploads = commands.add_parser("uploads", help="tidy up among uploads")
        actions = uploads.add_subparsers(dest="action", required=True)
        purge = actions.add_parser(
            "purge", help="delete what browsers sent to a store and nobody attached"
        )
        purge.add_argument("--store", default="uploads", help="its alias")
        purge.add_argument("--prefix", default="", help="what its keys begin with")
        purge.add_argument(
            "--hours",
            type=float,
            default=2 * ATTACH_SECS / _HOUR_SECS,
            help="how old it is at least (default: %(default)g)",
        )

    def handle(self, *_: Any, command: str, **options: Any) -> None:
        """Do what was asked for; see Django."""
        try:
            if command == "check":
                self._check()
            elif command == "uploads":
                self._purge_uploads(options)
            else:
                getattr(self, f"_{options['action']}")(options)
        except (MinimalkvError, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from error

    def _check(self) -> None:
        failed = [name for name, find in _stores() if not self._answers(name, find)]
        if failed:
            raise CommandError(f"Not usable: {', '.join(failed)}.")

    def _answers(self, name: str, find: Callable[[], KeyValueStore]) -> bool:
        try:
            store = find()
            store.ping()
        except (MinimalkvError, ImproperlyConfigured) as error:
            self.stderr.write(f"{name}: {error}")
            return False
        can = [what for what, flag in _ABILITIES.items() if getattr(store, flag)]
        self.stdout.write(f"{name}: {store!r} answers ({', '.join(can) or 'plain'})")
        return True

    def _list(self, options: dict[str, Any]) -> None:
        for ref, whose, created, expires in session_manager().list(options["user"]):
            self.stdout.write(
                f"{ref}  {created:%F %T}  {expires:%F %T}  {whose or '-'}"
            )

    def _count(self, options: dict[str, Any]) -> None:
        self.stdout.write(str(session_manager().count(options["user"])))

    def _show(self, options: dict[str, Any]) -> None:
        data = session_manager().show(_checked(options["ref"]))
        if data is None:
            raise CommandError(f"There is no session {options['ref']}.")
        for key, value in data.items():
            self.stdout.write(f"{key}: {value!r}")

    def _revoke(self, options: dict[str, Any]) -> None:
        refs, user = options["refs"], options["user"]
        if bool(refs) == (user is not None):
            raise CommandError("Name refs, as 'list' prints them, or a --user.")
        manager = session_manager()
        if user is not None:
            ended = manager.revoke(user=user)
        else:
            ended = sum(manager.revoke(ref=ref) for ref in map(_checked, refs))
        self.stdout.write(f"Sessions ended: {ended}")

    def _purge(self, _: dict[str, Any]) -> None:
        self.stdout.write(f"Records deleted: {session_manager().purge()}")

    def _purge_uploads(self, options: dict[str, Any]) -> None:
        store, prefix = stores[options["store"]], options["prefix"]
        deleted = purge_pending(store, prefix, options["hours"] * _HOUR_SECS)
        self.stdout.write(f"Files deleted: {deleted}")


def _stores() -> Iterator[tuple[str, Callable[[], KeyValueStore]]]:
    for alias in stores:
        yield alias, partial(stores.__getitem__, alias)
    if settings.SESSION_ENGINE == ENGINE:
        yield "sessions of this site", lambda: session_manager().store


def _checked(ref: str) -> str:
    if _REF.fullmatch(ref):
        return ref
    raise CommandError(f"{ref!r} is no ref: those are 64 digits, see 'list'.")
