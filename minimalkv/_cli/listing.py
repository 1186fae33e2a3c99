"""``ls`` and ``du``: what is in a store."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import click

from minimalkv._cli._command import Command
from minimalkv._cli._framed import listed
from minimalkv._cli._options import (
    human_option,
    json_option,
    prefix_argument,
    raw_option,
    store_argument,
)
from minimalkv._cli._output import Lines, facts_of, human, moment, remaining
from minimalkv._constants import RESERVED_PREFIX
from minimalkv._key_value_store import KeyValueStore
from minimalkv._keys import is_reserved
from minimalkv._meta import ObjectMeta

_SHORTEST_ETAG: Final = 34
_RESERVED_DELIMITER: Final = "-"


@click.command(cls=Command)
@store_argument
@prefix_argument
@click.option("-l", "--long", "is_long", is_flag=True, help="Print the facts, too.")
@click.option("--etag", is_flag=True, help="With -l, print the version, too.")
@human_option
@raw_option
@json_option
def ls(
    store: KeyValueStore,
    prefix: str,
    *,
    is_long: bool,
    etag: bool,
    as_human: bool,
    raw: bool,
    as_json: bool,
) -> None:
    """List the keys that begin with PREFIX, as they are found.

    With -l each line has the size in bytes, when the value was stored (UTC), how long
    it lives yet, its content type, and the key.
    """
    lines = Lines(as_json=as_json)
    if not is_long:
        for key in store.iter_keys(prefix):
            lines.write_object({"key": key}) if as_json else lines.write(lines.key(key))
        return
    for meta in listed(store, prefix, raw=raw):
        if as_json:
            lines.write_object(facts_of(meta))
        else:
            columns = _columns(meta, etag=etag, as_human=as_human)
            lines.write("  ".join([*columns, lines.key(meta.key)]))


def _columns(meta: ObjectMeta, *, etag: bool, as_human: bool) -> Iterator[str]:
    yield f"{human(meta.size) if as_human else meta.size:>12}"
    yield f"{moment(meta.modified):<20}"
    yield f"{remaining(meta.expires):<8}"
    if etag:
        yield f"{meta.etag or '-':<{_SHORTEST_ETAG}}"
    yield f"{meta.content_type:<24}"


@click.command(cls=Command)
@store_argument
@prefix_argument
@click.option("-s", "--summarize", is_flag=True, help="Print the sum only.")
@human_option
@json_option
def du(
    store: KeyValueStore, prefix: str, *, summarize: bool, as_human: bool, as_json: bool
) -> None:
    """Sum up sizes and numbers of values for each folder below PREFIX.

    A folder is what stands before the next slash, and the beginning of the keys of
    sessions, users and cached values. The last line is the sum of all.
    """
    sizes: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for meta in store.iter_meta(prefix):
        folder = "" if summarize else _folder(meta.key, prefix)
        sizes[folder] += meta.size
        counts[folder] += 1
    lines = Lines(as_json=as_json)
    rows = [(f, sizes[f], counts[f]) for f in sorted(sizes) if f]
    for folder, size, count in [*rows, ("", sizes.total(), counts.total())]:
        if as_json:
            lines.write_object(
                {"prefix": folder or prefix, "size": size, "values": count}
            )
        else:
            shown = human(size) if as_human else size
            name = lines.key(folder) if folder else "all"
            lines.write(f"{shown:>14}  {count:>9}  {name}")


def _folder(key: str, prefix: str) -> str:
    """Return what a key is summed up under, nothing for one directly below PREFIX."""
    start, delimiter = len(prefix), "/"
    if is_reserved(key):
        start, delimiter = max(start, len(RESERVED_PREFIX)), _RESERVED_DELIMITER
    end = key.find(delimiter, start)
    return key[: end + 1] if end >= 0 else ""
