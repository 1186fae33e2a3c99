"""Arguments and options that several commands have."""

from typing import Final

import click

from minimalkv._cli._store import STORE

store_argument: Final = click.argument("store", type=STORE, metavar="URL")
key_argument: Final = click.argument("key")
prefix_argument: Final = click.argument("prefix", default="")

json_option: Final = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object a line."
)
human_option: Final = click.option(
    "-h", "--human", "as_human", is_flag=True, help="Print sizes as 1.2 MiB."
)
raw_option: Final = click.option(
    "--raw",
    is_flag=True,
    help="Take the bytes as they are stored: with the expiry before sessions and "
    "cached values, where the store has no time to live.",
)
