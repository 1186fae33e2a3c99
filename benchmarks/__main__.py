"""The command: ``python -m benchmarks``."""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

from benchmarks import files, imports, in_memory, listing, wrapping
from benchmarks.measure import Effort, Row, Rows
from tests import upstream

_FULL = Effort(rounds=40, round_secs=0.01)
_QUICK = Effort(rounds=8, round_secs=0.002)
_ON_SERVERS = ("redis", "s3", "azure", "gcs", "downloads")
_WITHOUT_SERVERS = ("files", "memory", "listing", "import", "wrappers")
_OF_SITES = {
    "sessions": "in_sessions",
    "cache": "in_cache",
    "staticfiles": "on_staticfiles",
    "uploads": "on_uploads",
}
_GROUPS = (*_WITHOUT_SERVERS, *_ON_SERVERS, *_OF_SITES)
_FILES = 100_000
_FEWER_FILES = 10_000
_MILLION = 1_000_000


def main(arguments: list[str] | None = None) -> None:
    """Measure what was asked for and print the table."""
    parser = _parser()
    options = parser.parse_args(arguments)
    for group in options.groups:
        if group not in _GROUPS:
            parser.error(f"there is no group {group!r}, only {', '.join(_GROUPS)}")
    effort = _QUICK if options.quick else _FULL
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        groups = _groups(options, effort, Path(name))
        measured = [
            _shown(row)
            for group in (options.groups or _GROUPS)
            for row in groups[group]()
        ]
    print(_table(measured))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Compare minimalkv with the bare calls, in turns, and print ratios "
        "of the times: less is better, 1 is as fast as they are. The times are those "
        "on the wall, or of CPU in this process where a row says so.",
    )
    parser.add_argument(
        "groups",
        nargs="*",
        metavar="GROUP",
        help=f"what to measure: {', '.join(_GROUPS)}; all of it when left out",
    )
    parser.add_argument(
        "--quick", action="store_true", help="few short rounds: only to see it run"
    )
    parser.add_argument(
        "--million", action="store_true", help="also list a million files"
    )
    parser.add_argument(
        "--folder",
        help="where to put the files, which are removed at the end; the temporary "
        "folder when left out",
    )
    parser.add_argument(
        "--upstream",
        metavar="PYTHON",
        help="an interpreter that has upstream minimalkv; when left out, one is made",
    )
    return parser


def _groups(
    options: argparse.Namespace, effort: Effort, folder: Path
) -> dict[str, Callable[[], Rows]]:
    counts = [_FEWER_FILES if options.quick else _FILES]
    if options.million:
        counts.append(_MILLION)

    def listings() -> Rows:
        for count in counts:
            yield from listing.rows(folder, effort, count)

    def fresh_imports() -> Rows:
        return imports.rows(folder, effort, options.upstream or _install_upstream())

    return {
        "files": lambda: files.rows(folder, effort),
        "memory": lambda: in_memory.rows(effort),
        "listing": listings,
        "import": fresh_imports,
        "wrappers": lambda: wrapping.rows(folder, effort),
        **{name: partial(_of_module, f"on_{name}", effort) for name in _ON_SERVERS},
        **{name: partial(_of_module, _OF_SITES[name], effort) for name in _OF_SITES},
    }


def _of_module(name: str, effort: Effort) -> Rows:
    # It loads an SDK, for which nobody waits who asked for other groups.
    rows: Rows = import_module(f"benchmarks.{name}").rows(effort)
    return rows


def _install_upstream() -> str | None:
    try:
        return upstream.python()
    except (OSError, subprocess.CalledProcessError):
        print(
            f"minimalkv {upstream.VERSION} could not be installed (no network?), so "
            "imports are compared with an empty interpreter.",
            file=sys.stderr,
        )
        return None


def _shown(row: Row) -> Row:
    """Tell that something goes on, where it is not part of the table."""
    print(f"measured: {row.name}", file=sys.stderr)
    return row


def _table(rows: list[Row]) -> str:
    width = max(len(row.name) for row in rows)
    head = f"{'ours / theirs':{width}}   ratio      quartiles    aim  met"
    return "\n".join([head, "-" * len(head), *(_line(row, width) for row in rows)])


def _line(row: Row, width: int) -> str:
    aim = "" if row.aim is None else f"{row.aim:.2f}"
    met = "" if row.aim is None else "yes" if row.ratio <= row.aim else "no"
    spread = f"{row.low:.2f} to {row.high:.2f}"
    return (
        f"{row.name:{width}}  {row.ratio:6.2f}  {spread:>13}  {aim:>5}  {met}".rstrip()
    )


if __name__ == "__main__":
    main()
