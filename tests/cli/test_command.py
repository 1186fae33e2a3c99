"""``minimalkv`` itself: help, version, the same as a module, in order."""

import subprocess

import click
import pytest

from minimalkv import __version__
from minimalkv._cli import COMMANDS
from tests.cli.running import PROGRAM, printed, program_environment, run


def test_the_version_is_told() -> None:
    assert printed("--version") == f"minimalkv, version {__version__}\n"


def test_help_lists_the_commands_in_their_order() -> None:
    text = printed("--help")

    listed = text.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == [c.name for c in COMMANDS]
    assert "minimalkv get env:STORE photos/cat.png cat.png" in text


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.name))
def test_every_command_and_option_has_a_help(command: click.Command) -> None:
    text = printed(str(command.name), "--help")

    assert "..." not in command.get_short_help_str(limit=65)
    assert text.startswith(f"Usage: minimalkv {command.name} [OPTIONS] ")
    options = [p for p in command.params if isinstance(p, click.Option)]
    assert all(option.help and option.help.endswith(".") for option in options)


def test_it_is_a_module_too() -> None:
    done = subprocess.run(
        [*PROGRAM, "ls", "memory://"],
        check=False,
        capture_output=True,
        env=program_environment(),
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_without_arguments_it_explains_itself() -> None:
    result = run()

    assert result.exit_code == 2
    assert "Usage: minimalkv [OPTIONS] COMMAND [ARGS]..." in result.output


def test_an_unknown_command_is_wrong_usage() -> None:
    result = run("list", "memory://")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "No such command 'list'" in result.stderr
