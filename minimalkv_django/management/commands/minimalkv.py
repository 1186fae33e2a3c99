"""``manage.py minimalkv``: the command line of minimalkv in a Django project."""

import argparse
import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any, Final

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)

if TYPE_CHECKING:
    import click

_PROGRAM: Final = "manage.py minimalkv"
_MISSING: Final = "This command needs click: pip install 'minimalkv[django]'"


class _HelpFormatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    pass


class Command(BaseCommand):
    """The command; ``manage.py help minimalkv`` describes it."""

    help = "Looks after the stores, the sessions and the uploads of this project."
    # Or what is wrong with a store would keep its `check` from telling why.
    requires_system_checks = ()

    def create_parser(
        self, prog_name: str, subcommand: str, **kwargs: Any
    ) -> CommandParser:
        """Read the options of Django, and have the commands in the help; see there."""
        kwargs.setdefault("formatter_class", _HelpFormatter)
        kwargs.setdefault("epilog", _commands())
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        """Leave to click what follows the options of Django; see there."""
        parser.add_argument(
            "arguments",
            nargs=argparse.REMAINDER,
            metavar="command ...",
            help="one of those below; 'ls --help' describes ls",
        )

    def handle(self, *_: Any, arguments: list[str], **options: Any) -> None:
        """Do what was asked for; see Django."""
        with ExitStack() as streams:
            if options.get("stdout") is not None:
                streams.enter_context(redirect_stdout(options["stdout"]))
            if options.get("stderr") is not None:
                streams.enter_context(redirect_stderr(options["stderr"]))
            code = _run(arguments)
        if code and getattr(self, "_called_from_command_line", False):
            sys.exit(code)  # it has said why
        if code:
            raise CommandError(f"{arguments[0]} ended with {code}.", returncode=code)


def _run(arguments: list[str]) -> int:
    group = _group()
    if group is None:
        raise CommandError(_MISSING)
    from click import ClickException

    try:
        code: int | None = group.main(
            arguments or ["--help"], prog_name=_PROGRAM, standalone_mode=False
        )
    except ClickException as error:
        raise CommandError(
            error.format_message(), returncode=error.exit_code
        ) from error
    return code or 0


def _group() -> "click.Group | None":
    try:
        from minimalkv_django._commands import group
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        return None
    return group


def _commands() -> str:
    """Return the part of the help that lists the commands."""
    group = _group()
    if group is None:
        return _MISSING
    from click import Context

    context = Context(group)
    formatter = context.make_formatter()
    group.format_commands(context, formatter)
    return formatter.getvalue()
