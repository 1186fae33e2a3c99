"""``check``: whether a store can be used, and if not, what is wrong and what helps."""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import Final

import click

from minimalkv._checking.course import not_opened
from minimalkv._checking.findings import FAILED, NAMES, OK, SKIPPED, WARNING, Finding
from minimalkv._cli._command import Command
from minimalkv._cli._errors import PROBLEM
from minimalkv._cli._options import json_option
from minimalkv._cli._output import printable, say
from minimalkv._cli._secrets import without_secrets
from minimalkv._cli._store import ALIASES, RESOLVE, read_url
from minimalkv._errors import MinimalkvError
from minimalkv.checking import TIMEOUT_SECS
from minimalkv.checking import Report as Found
from minimalkv.checking import check as look_at

_MARKS: Final = {OK: "✓", WARNING: "!", FAILED: "✗", SKIPPED: "·"}
_PLAIN: Final = {OK: "+", WARNING: "!", FAILED: "x", SKIPPED: "-"}
_ARROW: Final = "→ "
_PLAIN_ARROW: Final = "> "
_ORDER: Final = (FAILED, WARNING, OK, SKIPPED)

_NAME_WIDTH: Final = max(map(len, NAMES)) + 1
_INDENT: Final = " " * (len("  ✓ ") + _NAME_WIDTH)
_LEAST_WIDTH: Final = 60


@click.command(cls=Command)
@click.argument("urls", nargs=-1, metavar="[URL]...")
@json_option
@click.option("--read-only", is_flag=True, help="Write nothing at all.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=TIMEOUT_SECS,
    show_default=True,
    help="How long each check takes at most, in seconds.",
)
def check(
    urls: tuple[str, ...], *, as_json: bool, read_only: bool, timeout: float
) -> None:
    """Tell what is wrong with stores, and what helps.

    It writes only under keys that begin with mkv-check-, and removes what it wrote.
    The exit code is 1 if anything failed. Below flask kv and manage.py minimalkv, all
    configured stores are looked at if none is named.
    """
    works = True
    for text in urls or _aliases():
        report = _look(text, read_only=read_only, timeout=timeout)
        show_report(report, as_json=as_json)
        works = works and report.ok
    if not works:
        raise click.exceptions.Exit(PROBLEM)


def _aliases() -> list[str]:
    context = click.get_current_context()
    if ALIASES not in context.meta:
        raise click.UsageError("Name at least one store: a URL, or env:NAME.")
    found: list[str] = context.meta[ALIASES]()
    if not found:
        click.echo("No store is configured.", err=True)
    return found


def _look(text: str, *, read_only: bool, timeout: float) -> Found:
    resolve = click.get_current_context().meta.get(RESOLVE)
    url = read_url(text)
    if resolve is None or "://" in url.reveal():
        return look_at(url, read_only=read_only, timeout=timeout)
    try:
        store = resolve(url.reveal())
    except MinimalkvError as error:
        return Found(text, tuple(not_opened(error)), 0.0)
    report = look_at(store, read_only=read_only, timeout=timeout)
    return report._replace(store=f"{text}: {report.store}")


def show_report(report: Found, *, as_json: bool = False) -> None:
    """Print what was found out about a store: a line for each finding, or JSON.

    Parameters
    ----------
    report : Report
        What was found out.
    as_json : bool
        Whether to print one JSON object on one line instead.
    """
    if as_json:
        # Masked before it is escaped: a secret, too, may be no ASCII.
        click.echo(json.dumps(json.loads(without_secrets(report.to_json()))))
        return
    for line in _lines(report):
        say(without_secrets(line))


def _lines(report: Found) -> Iterator[str]:
    marks, arrow = (_MARKS, _ARROW) if _can_print() else (_PLAIN, _PLAIN_ARROW)
    yield printable(report.store)
    for finding in _shortened(report.findings):
        yield from _lines_of(finding, marks[finding.status], arrow)
    counts = ", ".join(
        f"{report.count(status)} {status}" for status in _ORDER if report.count(status)
    )
    yield f"{counts}, {report.secs:.1f} s"


def _shortened(findings: tuple[Finding, ...]) -> Iterator[Finding]:
    """Put on one line what was not looked at for one and the same reason."""
    for (status, text), group in groupby(findings, lambda one: (one.status, one.text)):
        found = list(group)
        if status == SKIPPED and len(found) > 1:
            names = ", ".join(finding.name for finding in found)
            yield Finding(f"{len(found)} others", SKIPPED, f"{text} ({names})")
        else:
            yield from found


def _lines_of(finding: Finding, mark: str, arrow: str) -> Iterator[str]:
    first = f"  {mark} {finding.name:{_NAME_WIDTH}}"
    for number, line in enumerate(_wrapped(printable(finding.text))):
        yield f"{_INDENT if number else first}{line}"
    for number, line in enumerate(_wrapped(printable(finding.cure))):
        yield f"{_INDENT}{' ' * len(arrow) if number else arrow}{line}"


def _wrapped(text: str) -> list[str]:
    """Break a text for a terminal; for others every sentence stays on its line."""
    if not sys.stdout.isatty():
        return [text] if text else []
    width = max(shutil.get_terminal_size().columns - len(_INDENT) - 2, _LEAST_WIDTH)
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _can_print() -> bool:
    """Tell whether the marks can be printed, and whoever reads them sees them."""
    try:
        "".join([*_MARKS.values(), _ARROW]).encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
