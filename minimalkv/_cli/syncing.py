"""``minimalkv sync``: copy what a store lacks from another one."""

import json
import shutil
import sys
from typing import Final

import click

from minimalkv._cli._command import Command
from minimalkv._cli._errors import Refused
from minimalkv._cli._output import human, printable, say
from minimalkv._cli._secrets import without_secrets
from minimalkv._cli._store import STORE
from minimalkv._clock import elapsed
from minimalkv._key_value_store import KeyValueStore
from minimalkv.sync import WORKERS, SyncProgress, SyncReport
from minimalkv.sync import sync as sync_stores

_LINE_EVERY_SECS: Final = 10
_BAR_CHARACTERS: Final = 20
_CLEAR_LINE: Final = "\r\x1b[K"
_HELP: Final = """\
Copy to TARGET what SOURCE has and TARGET has not.

What is there already, with the same size and MD5, is not copied again: after an
interrupt the same command goes on where it ended. Sessions and cached values keep the
time that they have to live. The exit code is 0 only if all of it is there.
"""


class Display:
    """Tells on stderr how far it is: a bar on a terminal, else a line now and then."""

    def __init__(self, *, quiet: bool, plans: bool) -> None:
        self._quiet = quiet
        self._plans = plans
        self._is_terminal = sys.stderr.isatty()
        self._told = elapsed()
        self._last: SyncProgress | None = None

    def __call__(self, progress: SyncProgress) -> None:
        self._last = progress
        if progress.news or progress.plans:
            self.clear()
        for problem in progress.news:
            self._echo(f"{problem.kind} {problem.key}: {problem.reason}", err=True)
        for action, key in progress.plans if self._plans else ():
            self._echo(f"{action} {key}")
        self._show(describe_progress(progress))

    def _show(self, line: str) -> None:
        if self._quiet:
            return
        if self._is_terminal:
            # What is wider would begin a new line each time.
            width = shutil.get_terminal_size().columns - 1
            click.echo(f"{_CLEAR_LINE}{line[:width]}", err=True, nl=False)
        elif elapsed() - self._told >= _LINE_EVERY_SECS:
            self._told = elapsed()
            click.echo(line, err=True)

    def _echo(self, line: str, *, err: bool = False) -> None:
        say(printable(without_secrets(line)), err=err)

    def clear(self) -> None:
        """Make room for what is to stay."""
        if self._is_terminal and not self._quiet:
            click.echo(_CLEAR_LINE, err=True, nl=False)

    def tell_end(self) -> None:
        """Say how far it came, when somebody ends it."""
        self.clear()
        copied = self._last.copied if self._last else 0
        click.echo(
            f"Ended early, {_objects(copied)} copied. They stay; the same command goes "
            "on from there.",
            err=True,
        )


@click.command("sync", cls=Command, help=_HELP)
@click.argument("source", type=STORE, metavar="SOURCE")
@click.argument("target", type=STORE, metavar="TARGET")
@click.option("--prefix", default="", help="Only keys that begin with it.")
@click.option(
    "--delete",
    is_flag=True,
    help="Delete from TARGET what SOURCE has not, once all is copied.",
)
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--verify", is_flag=True, help="Read all of it back and compare.")
@click.option(
    "--missing-only",
    is_flag=True,
    help="Leave alone whatever TARGET has; for the move of a live site.",
)
@click.option(
    "-j",
    "--workers",
    type=click.IntRange(1, 128),
    default=WORKERS,
    show_default=True,
    help="Objects on their way at once.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no summary.")
def sync(
    source: KeyValueStore,
    target: KeyValueStore,
    *,
    as_json: bool,
    quiet: bool,
    **options: object,
) -> None:
    """Copy what a store lacks, and print what was done."""
    if options["delete"] and options["missing_only"]:
        raise Refused("--delete and --missing-only exclude each other.")
    display = Display(quiet=quiet or as_json, plans=not (quiet or as_json))
    try:
        report = sync_stores(source, target, progress=display, **options)  # type: ignore[arg-type]  # checked by click
    except BaseException as end:
        if not isinstance(end, Exception):
            display.tell_end()
        raise
    display.clear()
    if as_json:
        click.echo(without_secrets(json.dumps(report.as_dict())))
    elif not quiet:
        click.echo(describe_report(report))
    if not report.complete:
        say(_incomplete(report), err=True)
        raise click.exceptions.Exit(1)


def describe_progress(progress: SyncProgress) -> str:
    """Return one line that tells how far it is."""
    if progress.phase == "listing":
        return f"listing: {progress.done:,} objects, {progress.per_sec:,.0f}/s"
    share = progress.done / max(progress.total, 1)
    bar = "#" * int(share * _BAR_CHARACTERS)
    parts = [
        f"{progress.done:,} of {progress.total:,}",
        f"{human(progress.done_bytes)} of {human(progress.total_bytes)}",
        f"{progress.per_sec:,.0f}/s",
    ]
    if progress.remaining_secs is not None:
        parts.append(f"{_span(progress.remaining_secs)} left")
    if progress.problems:
        parts.append(f"problems: {progress.problems:,}")
    return (
        f"{progress.phase} {share:4.0%} [{bar:<{_BAR_CHARACTERS}}] {', '.join(parts)}"
    )


def describe_report(report: SyncReport) -> str:
    """Return what was done, in a few words a line."""
    would = "would be " if report.dry_run else ""
    told = [
        f"{_objects(report.listed)} in the source",
        f"{report.copied:,} {would}copied ({human(report.copied_bytes)})",
        f"{report.same:,} there already",
    ]
    counts = {
        "verified": report.verified,
        f"{would}deleted": report.deleted,
        "gone meanwhile": report.vanished,
        "never expire there, and do here": report.expiry_lost,
    }
    told += [f"{count:,} {name}" for name, count in counts.items() if count]
    if report.description_lost and report.copied:
        told.append("content types and headers are not kept there")
    return f"{', '.join(told)}; {report.seconds:,.1f} s."


def _incomplete(report: SyncReport) -> str:
    counts = {"failed": report.failed, "refused": report.refused}
    told = [f"{count:,} {name}" for name, count in counts.items() if count]
    ended = [without_secrets(report.stopped)] if report.stopped else []
    return " ".join(
        [f"Not complete: {', '.join(told)}." if told else "", *ended]
    ).strip()


def _objects(count: int) -> str:
    return f"{count:,} object" if count == 1 else f"{count:,} objects"


def _span(secs: float) -> str:
    minutes, rest = divmod(round(secs), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
