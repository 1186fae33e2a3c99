"""What a framework hands to the commands: its stores, by alias, and its sessions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click

from minimalkv._aliases import AliasedStores
from minimalkv._cli._store import ALIASES, RESOLVE
from minimalkv._cli.sessions import SESSIONS
from minimalkv._errors import InvalidArgument, InvalidURL
from minimalkv._key_value_store import KeyValueStore
from minimalkv.sessions import SessionManager

SESSIONS_NAME: Final = "sessions of this site"
"""What the store that the site really keeps its sessions in is called."""


def serve(
    context: click.Context,
    stores: Callable[[], AliasedStores],
    sessions: Callable[[], SessionManager],
    *,
    has_sessions: Callable[[], bool],
    error: type[Exception] = InvalidArgument,
) -> None:
    """Let the commands find stores and sessions of a site.

    Parameters
    ----------
    context : click.Context
        That of the group.
    stores, sessions : callable
        Return them; a command that needs them calls, no other one does.
    has_sessions : callable
        Tells whether the sessions of the site are in a store.
    error : type
        What the framework raises for a setting that is of no use.
    """

    @contextmanager
    def settings() -> Iterator[None]:
        try:
            yield
        except error as wrong:
            raise InvalidArgument(str(wrong)) from wrong

    def resolve(name: str) -> KeyValueStore:
        try:
            return sessions().store if name == SESSIONS_NAME else stores().get(name)
        except (error, InvalidArgument) as wrong:
            raise InvalidURL(str(wrong)) from wrong  # as any other name of a store

    def aliases() -> list[str]:
        with settings():
            return [*stores(), *([SESSIONS_NAME] if has_sessions() else [])]

    def manager() -> SessionManager:
        with settings():
            return sessions()

    context.meta.update({RESOLVE: resolve, ALIASES: aliases, SESSIONS: manager})
