"""``cp`` and ``mv``: one value, inside a store or to another."""

import contextlib
from collections.abc import Callable
from typing import Final

import click

from minimalkv._carrying import Carried, carry, fingerprint, is_framed, value_size
from minimalkv._cli._command import Command
from minimalkv._cli._options import store_argument
from minimalkv._cli._output import say
from minimalkv._cli._store import STORE
from minimalkv._errors import KeyNotFound
from minimalkv._key_value_store import KeyValueStore

_source: Final = click.argument("source")
_dest: Final = click.argument("dest")
_to: Final = click.option(
    "--to", "target", type=STORE, metavar="URL", help="The store of DEST, if another."
)
_no_clobber: Final = click.option(
    "--no-clobber", is_flag=True, help="Fail if DEST has a value already."
)


def _four(function: Callable[..., None]) -> Callable[..., None]:
    for parameter in (_no_clobber, _to, _dest, _source, store_argument):
        function = parameter(function)
    return function


@click.command(cls=Command)
@_four
def cp(
    store: KeyValueStore,
    source: str,
    dest: str,
    *,
    target: KeyValueStore | None,
    no_clobber: bool,
) -> None:
    """Copy the value of SOURCE to DEST.

    Its content type and its expiry go along.
    """
    if _can_copy_inside(store, target, source, dest) and not no_clobber:
        store.copy(source, dest)
    else:
        _carry(store, target or store, source, dest, no_clobber=no_clobber)


@click.command(cls=Command)
@_four
def mv(
    store: KeyValueStore,
    source: str,
    dest: str,
    *,
    target: KeyValueStore | None,
    no_clobber: bool,
) -> None:
    """Copy the value of SOURCE to DEST, then delete SOURCE.

    A SOURCE that is written anew meanwhile is not deleted.
    """
    if _can_copy_inside(store, target, source, dest) and not no_clobber:
        store.move(source, dest)
        return
    if target is not None:
        _refuse_same_place(store, target, source, dest)
    carried = _carry(store, target or store, source, dest, no_clobber=no_clobber)
    etag = carried.value.etag
    if store.conditional_support and etag is not None:
        store.delete(source, if_match=etag)
    else:
        store.delete(source)


def _can_copy_inside(
    store: KeyValueStore, target: KeyValueStore | None, source: str, dest: str
) -> bool:
    return target is None and is_framed(store, source) == is_framed(store, dest)


def _carry(
    store: KeyValueStore,
    target: KeyValueStore,
    source: str,
    dest: str,
    *,
    no_clobber: bool,
) -> Carried:
    carried = carry(store, target, source, dest, if_absent=no_clobber)
    if carried.lost_expiry:
        say(f"Note: {dest!r} does not expire in {target!r}.", err=True)
    return carried


def _refuse_same_place(
    store: KeyValueStore, target: KeyValueStore, source: str, dest: str
) -> None:
    """Refuse to delete what may be the only copy: two URLs can lead to one place."""
    with contextlib.suppress(KeyNotFound):
        there, here = target.head(dest), store.head(source)
        if value_size(target, there) != value_size(store, here):
            return
        if fingerprint(target, dest).is_same_value(fingerprint(store, source)):
            raise click.ClickException(
                f"{dest!r} has this very value already, and may be the same place: "
                f"nothing was moved. If it is another one, delete {source!r} with rm."
            )
