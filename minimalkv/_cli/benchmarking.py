"""``bench``: how fast a store is from here."""

from dataclasses import asdict

import click

from minimalkv._cli._bench import Row, measure
from minimalkv._cli._command import Command
from minimalkv._cli._options import json_option, store_argument
from minimalkv._cli._output import Lines, human
from minimalkv._key_value_store import KeyValueStore


@click.command(cls=Command)
@store_argument
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=10,
    show_default=True,
    help="How long all of it takes, about.",
)
@json_option
def bench(store: KeyValueStore, seconds: float, *, as_json: bool) -> None:
    """Measure the calls of a store, one after the other.

    Values of 1 KiB and 1 MiB are put, read, asked for, listed and deleted under keys of
    their own, which are deleted in the end.
    """
    lines = Lines(as_json=as_json)
    if not as_json:
        lines.write(_HEADER)
    for row in measure(store, seconds):
        lines.write_object(asdict(row)) if as_json else lines.write(_text(row))


_HEADER = "call    size        calls    p50 ms    p95 ms   calls/s     MiB/s"


def _text(row: Row) -> str:
    megabytes = f"{row.mib_per_second:9.1f}" if row.mib_per_second else f"{'-':>9}"
    return (
        f"{row.call:<7} {human(row.size):<8} {row.calls:>8} {row.p50_ms:9.2f} "
        f"{row.p95_ms:9.2f} {row.calls_per_second:9.1f} {megabytes}"
    )
