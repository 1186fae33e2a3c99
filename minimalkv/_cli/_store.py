"""A store as an argument of a command: a URL, ``env:NAME``, or an alias."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import click

from minimalkv._cli._errors import Refused, problems
from minimalkv._cli._secrets import hide
from minimalkv._get_store import get_store_from_url
from minimalkv._key_value_store import KeyValueStore
from minimalkv._masking import StoreURL

if TYPE_CHECKING:
    _Param = click.ParamType[KeyValueStore]
else:
    _Param = click.ParamType  # not generic before click 8.5

RESOLVE: Final = "minimalkv.resolve"
"""What `click.Context.meta` calls the function that finds the store of an alias."""

ALIASES: Final = "minimalkv.aliases"
"""What it calls the function that lists the names which that takes."""

Resolve = Callable[[str], KeyValueStore]

_ENVIRONMENT: Final = "env:"


class StoreParam(_Param):
    """Opens a store, and closes it when the command has ended."""

    name = "store"

    def convert(
        self,
        value: object,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> KeyValueStore:
        """Open what was typed; a store stays what it is."""
        return value if isinstance(value, KeyValueStore) else open_store(str(value))


STORE: Final = StoreParam()


def open_store(text: str) -> KeyValueStore:
    """Open the store that somebody typed, until the current command has ended.

    Parameters
    ----------
    text : str
        A URL, ``env:NAME``, or, below ``flask kv`` and ``manage.py minimalkv``, also an
        alias of the configuration.

    Raises
    ------
    click.ClickException
        If that is no store, in one line and without secrets.
    """
    context = click.get_current_context()
    url = read_url(text)
    resolve: Resolve | None = context.meta.get(RESOLVE)
    with problems():
        if resolve is not None:
            return resolve(url.reveal())  # it is the application's, and stays open
        store = get_store_from_url(url)
    # The root is closed also where the arguments after this one are wrong.
    context.find_root().call_on_close(store.close)
    return store


def read_url(text: str) -> StoreURL:
    """Return what was typed, or what the environment has for ``env:NAME``, unopened."""
    if not text.startswith(_ENVIRONMENT):
        return StoreURL(text)
    name = text.removeprefix(_ENVIRONMENT)
    if not name.isidentifier():
        raise Refused("Behind env: stands the name of a variable, as in env:STORE.")
    url = os.environ.get(name)
    if not url:
        raise Refused(
            f"No {name} is in the environment: export it, the URL of a store."
        )
    hide(url)
    return StoreURL(url)
