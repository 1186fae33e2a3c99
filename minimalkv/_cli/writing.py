"""``put`` and ``rm``."""

import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import click

from minimalkv._cli._command import Command
from minimalkv._cli._errors import PROBLEM, Refused
from minimalkv._cli._framed import as_the_site
from minimalkv._cli._options import key_argument, raw_option, store_argument
from minimalkv._cli._output import Lines, say
from minimalkv._cli.reading import STANDARD
from minimalkv._errors import KeyNotFound
from minimalkv._key_value_store import KeyValueStore


@click.command(cls=Command)
@store_argument
@key_argument
@click.argument("file", default=STANDARD)
@click.option(
    "--ttl",
    "ttl_secs",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="How long it lives.",
)
@click.option("--content-type", metavar="TYPE", help="Such as image/png.")
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME:VALUE",
    help="Cache-Control, Content-Disposition or Content-Encoding; may be repeated.",
)
@click.option(
    "--if-absent",
    "--no-clobber",
    "if_absent",
    is_flag=True,
    help="Fail if there is a value already.",
)
@raw_option
def put(
    store: KeyValueStore, key: str, file: str, *, raw: bool, **options: Any
) -> None:
    """Store FILE, or the standard input, as the value of KEY.

    The old value stays until the new one is complete, and if anything fails.
    """
    writer = as_the_site(store, key, raw=raw)
    if options["ttl_secs"] is not None and not writer.ttl_support:
        raise Refused(
            "Values do not expire in this store. The wrapper ttl lets them, behind 16 "
            "bytes before each value: add #wrap:ttl to the URL, here and wherever the "
            "value is read."
        )
    options["headers"] = _headers(options["headers"])
    with _opened(file) as source:
        writer.put_file(key, source, **options)
    if not store.headers_support and (options["headers"] or options["content_type"]):
        click.echo("Note: this store keeps no content type and no headers.", err=True)


def _opened(file: str) -> AbstractContextManager[BinaryIO]:
    if file != STANDARD:
        # Not by its name: a filesystem store moves a file that is named.
        return Path(file).open("rb")
    if sys.stdin is None:
        raise Refused("There is no standard input: name a FILE.")
    return nullcontext(sys.stdin.buffer)


def _headers(given: Iterable[str]) -> dict[str, str] | None:
    found = {}
    for text in given:
        name, colon, value = text.partition(":")
        if not colon:
            raise Refused("A header is a name, a colon and a value.")
        found[name.strip()] = value.strip()
    return found or None


@click.command(cls=Command)
@store_argument
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--prefix", help="Delete all keys that begin with it instead.")
@click.option(
    "--all", "may_be_all", is_flag=True, help="An empty --prefix means all keys."
)
@click.option("-f", "--force", is_flag=True, help="A missing key is no error.")
@click.option("--yes", is_flag=True, help="With --prefix, do not ask.")
@click.option("--dry-run", is_flag=True, help="Only list what would be deleted.")
def rm(
    store: KeyValueStore,
    keys: tuple[str, ...],
    *,
    prefix: str | None,
    may_be_all: bool,
    force: bool,
    yes: bool,
    dry_run: bool,
) -> None:
    """Delete values."""
    if bool(keys) == (prefix is not None) or (may_be_all and prefix is None):
        raise click.UsageError("Name keys, or a --prefix.")
    if not (prefix or keys or may_be_all):
        raise Refused(
            "The --prefix is empty, as that of an unset variable of the shell: say "
            "--all as well if all keys are meant."
        )
    if prefix is not None:
        _remove_prefix(store, prefix, yes=yes, dry_run=dry_run)
    elif not _remove(store, keys, dry_run=dry_run) and not force:
        raise click.exceptions.Exit(PROBLEM)


def _remove(store: KeyValueStore, keys: Iterable[str], *, dry_run: bool) -> bool:
    """Delete, and tell whether all were there."""
    lines = Lines()
    complete = True
    for key in keys:
        if key not in store:
            complete = False
            say(f"Error: {KeyNotFound(key)}", err=True)
        elif dry_run:
            lines.write(lines.key(key))
        else:
            store.delete(key)
    return complete


def _remove_prefix(
    store: KeyValueStore, prefix: str, *, yes: bool, dry_run: bool
) -> None:
    lines = Lines()
    if dry_run:
        for key in store.iter_keys(prefix):
            lines.write(lines.key(key))
        return
    if not yes:
        if not _is_terminal():
            raise Refused("Nobody can be asked here: say --yes, or --dry-run first.")
        what = f"all keys that begin with {prefix!r}" if prefix else "ALL keys"
        if not click.confirm(f"Delete {what} of {store!r}?", err=True):
            raise click.exceptions.Exit(PROBLEM)
    lines.write(f"Keys deleted: {store.delete_prefix(prefix)}")


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
