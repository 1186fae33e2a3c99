"""docs/command-line.md: every command, option and exit code, and its samples."""

import os
import re
import shlex
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path
from typing import Final

import click
import pytest

from minimalkv._cli import COMMANDS, _errors
from tests.backends.redis import RedisServer
from tests.backends.s3 import S3Server
from tests.cli.running import ROOT, run
from tests.pages import Table, blocks, column, read, spans, tables

PAGE: Final = "docs/command-line.md"

_PLAIN: Final = re.compile(r"minimalkv ([^|&<>$]+)(?: <<< '([^']*)')?")
_HEADINGS: Final = {
    "get": "get and cat",
    "cat": "get and cat",
    "cp": "cp and mv",
    "mv": "cp and mv",
}
_FLASK: Final = """
from flask import Flask
from minimalkv_flask import MinimalKV

app = Flask(__name__)
app.config.update(
    SECRET_KEY="a key", MINIMALKV_STORES={"default": "memory://", "uploads": "hfs://./archive"}
)
MinimalKV(app)
"""
_MANAGE: Final = """
import sys
from django.conf import settings
from django.core.management import execute_from_command_line

settings.configure(
    SECRET_KEY="a key",
    INSTALLED_APPS=["minimalkv_django"],
    SESSION_ENGINE="minimalkv_django.sessions",
    MINIMALKV_STORES={"default": "memory://", "uploads": "hfs://./archive"},
)
execute_from_command_line(sys.argv)
"""


@pytest.fixture
def terminal(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    redis_server: RedisServer,
    s3_server: S3Server,
) -> "Terminal":
    """Return one in a folder that has what the samples take for granted."""
    (tmp_path / "cat.png").write_bytes(os.urandom(5000))
    (tmp_path / "photos").mkdir()
    (tmp_path / "app.py").write_text(_FLASK)
    (tmp_path / "manage.py").write_text(_MANAGE)
    programs = tmp_path / "bin"
    programs.mkdir()
    python = shlex.quote(sys.executable)
    for name in ("minimalkv", "flask", "python"):
        program = programs / name
        module = "" if name == "python" else f"-m {name}"
        program.write_text(f'#!/bin/sh\nexec {python} {module} "$@"\n')
        program.chmod(0o755)
    for name, value in {
        "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "STORE": "hfs://./data",
        "BUCKET": s3_server.url(),
        "CACHE": redis_server.url(),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return Terminal(tmp_path)


class Terminal:
    """Somebody who types in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.code = 0

    def type(self, command: str) -> str:
        """Return what a command prints, to wherever; `code` is how it ended."""
        if command == "echo $?":
            printed, self.code = f"{self.code}\n", 0
            return printed
        found = _PLAIN.fullmatch(command)
        return self._here(found[1], found[2]) if found else self._in_bash(command)

    def _here(self, arguments: str, text: str | None) -> str:
        # Most of them, for an interpreter takes its time to start.
        result = run(*shlex.split(arguments), input=f"{text}\n" if text else None)
        self.code = result.exit_code
        return result.output

    def _in_bash(self, command: str) -> str:
        done = subprocess.run(
            ["/bin/bash", "-c", command],
            cwd=self._folder,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.code = done.returncode
        return done.stdout


def test_every_sample_prints_what_it_says(terminal: Terminal) -> None:
    samples = [block for block in blocks(PAGE) if block.language == "console"]
    assert len(samples) > 10
    for sample in samples:
        commands = session(sample.text)
        following = [command for command, _ in commands[1:]]
        for (command, expected), later in zip_longest(commands, following):
            printed = terminal.type(command)
            where = f"line {sample.line}: {command}\n{printed}"
            assert re.fullmatch(as_pattern(expected), printed), where
            assert terminal.code == 0 or later == "echo $?", where


def session(text: str) -> list[tuple[str, str]]:
    """Return the commands of a sample, each with what it prints."""
    parts = re.split(r"^\$ ", text, flags=re.M)
    assert not parts[0], "A sample begins with a command."
    found = (part.partition("\n") for part in parts[1:])
    return [(command, output) for command, _, output in found]


def as_pattern(text: str) -> str:
    """Return an expression in which … is anything on a line, and alone any lines."""
    lines = (
        "(?:.*\n)*" if line == "…\n" else re.escape(line).replace("…", ".*")
        for line in text.splitlines(keepends=True)
    )
    return "".join(lines)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.name))
def test_every_option_is_in_the_table_of_its_command(command: click.Command) -> None:
    heading = _HEADINGS.get(str(command.name), str(command.name))
    (table,) = (
        t for t in tables(PAGE) if (t.heading, t.header[0]) == (heading, "option")
    )
    options = [p for p in command.params if isinstance(p, click.Option)]
    names = {name for option in options for name in option.opts if name != "--help"}

    assert names <= _named(table)
    if "and" not in heading:
        assert _named(table) == names


def _named(table: Table) -> set[str]:
    found = (span.split()[0] for row in table.rows for span in spans(row[0]))
    return {name for name in found if name.startswith("-")}


def test_every_command_is_in_the_first_table() -> None:
    assert list(column(PAGE, "command")) == [command.name for command in COMMANDS]


def test_every_exit_code_is_documented() -> None:
    told = {
        int(row[0])
        for t in tables(PAGE)
        if t.header[0] == "exit code"
        for row in t.rows
    }
    known = {v for k, v in vars(_errors).items() if k.isupper() and isinstance(v, int)}

    assert told == {0, *known}
    assert "## In scripts" in read(PAGE)
