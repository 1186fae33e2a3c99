"""``purge``: delete what has expired."""

import click

from minimalkv._cli._command import Command
from minimalkv._cli._options import json_option, prefix_argument, store_argument
from minimalkv._cli._output import Lines
from minimalkv._key_value_store import KeyValueStore
from minimalkv.ttl import TimeToLiveDecorator


@click.command(cls=Command)
@store_argument
@prefix_argument
@json_option
def purge(store: KeyValueStore, prefix: str, *, as_json: bool) -> None:
    """Delete the values below PREFIX that have expired.

    Redis and memory do that by themselves. Elsewhere the first 16 bytes of each value
    are read; values that do not expire stay as they are.
    """
    lasting: int | None = None
    if store.ttl_support:
        purged = store.purge_expired(prefix)
    else:
        purged, lasting = TimeToLiveDecorator(store)._purge_counting(prefix)
    lines = Lines(as_json=as_json)
    if as_json:
        lines.write_object({"deleted": purged, "without_expiry": lasting})
        return
    lines.write(f"Values deleted: {purged}")
    if lasting is not None:
        lines.write(f"Values without expiry: {lasting}")
