"""``get``, ``cat`` and ``stat``: one value."""

from pathlib import Path, PurePosixPath
from typing import Final

import click

from minimalkv._cli._command import Command
from minimalkv._cli._errors import PROBLEM
from minimalkv._cli._framed import as_the_site
from minimalkv._cli._options import (
    json_option,
    key_argument,
    raw_option,
    store_argument,
)
from minimalkv._cli._output import (
    Lines,
    binary_stdout,
    facts_of,
    human,
    moment,
    remaining,
    say,
)
from minimalkv._errors import KeyNotFound
from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import ObjectMeta

STANDARD: Final = "-"
"""Instead of a file's name: the standard input or output."""


@click.command(cls=Command)
@store_argument
@key_argument
@click.argument("file", default=STANDARD)
@raw_option
def get(store: KeyValueStore, key: str, file: str, *, raw: bool) -> None:
    """Write the value of KEY to FILE, or to the standard output.

    FILE appears only when it is complete, and stays as it was if anything fails. In
    a folder it is called as the last part of the key.
    """
    reader = as_the_site(store, key, raw=raw)
    if file == STANDARD:
        with binary_stdout() as out:
            reader.get_file(key, out)
        return
    path = Path(file)
    if path.is_dir():
        path /= PurePosixPath(key).name
    if not path.parent.is_dir():  # else the error names the file beside
        raise click.ClickException(f"{path}: there is no folder {str(path.parent)!r}.")
    reader.get_file(key, path)


@click.command(cls=Command)
@store_argument
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@raw_option
def cat(store: KeyValueStore, keys: tuple[str, ...], *, raw: bool) -> None:
    """Write the values of some KEYs to the standard output.

    A missing one is told, the others are written, and the exit code is 1.
    """
    complete = True
    with binary_stdout() as out:
        for key in keys:
            try:
                as_the_site(store, key, raw=raw).get_file(key, out)
            except KeyNotFound as error:
                complete = False
                say(f"Error: {error}", err=True)
    if not complete:
        raise click.exceptions.Exit(PROBLEM)


@click.command(cls=Command)
@store_argument
@key_argument
@raw_option
@json_option
def stat(store: KeyValueStore, key: str, *, raw: bool, as_json: bool) -> None:
    """Print all that is known about the value of KEY."""
    meta = as_the_site(store, key, raw=raw).head(key)
    lines = Lines(as_json=as_json)
    if as_json:
        lines.write_object(facts_of(meta))
        return
    for name, value in _told(meta, lines.key(meta.key)).items():
        lines.write(f"{name + ':':<20} {value}")


def _told(meta: ObjectMeta, key: str) -> dict[str, str]:
    expires = "never"
    if meta.expires:
        expires = f"{moment(meta.expires)} (in {remaining(meta.expires)})"
    return {
        "key": key,
        "size": f"{meta.size} ({human(meta.size)})",
        "modified": moment(meta.modified),
        "expires": expires,
        "content type": meta.content_type,
        "etag": meta.etag or "-",
        "md5": meta.md5 or "-",
        **meta.headers,
    }
