"""``manage.py minimalkv``: the command line of minimalkv in a Django project."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from threading import RLock
from typing import IO, TYPE_CHECKING, Any, Final

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)

from minimalkv._cli._secrets import remember, without_secrets

if TYPE_CHECKING:
    import click

_PROGRAM: Final = "manage.py minimalkv"
_MISSING: Final = "This command needs click: pip install 'minimalkv[django]'"


# Streams are those of the whole process: of two threads, the one that ends last would
# give back the stream of the other.
_redirecting: Final = RLock()


class _Parser(CommandParser):
    """Prints no secret, whatever is wrong with the arguments."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        remember(map(str, args or ()))
        return super().parse_args(args, namespace)

    def error(self, message: str) -> Any:
        return super().error(without_secrets(message))


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
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.__class__ = _Parser  # Django lets nobody choose
        return parser

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
        with _redirected(options.get("stdout"), options.get("stderr")):
            code = _run(arguments)
        if code and getattr(self, "_called_from_command_line", False):
            sys.exit(code)  # it has said why
        if code:
            raise CommandError(f"{arguments[0]} ended with {code}.", returncode=code)


@contextmanager
def _redirected(stdout: IO[str] | None, stderr: IO[str] | None) -> Iterator[None]:
    with ExitStack() as streams:
        if stdout is not None or stderr is not None:
            streams.enter_context(_redirecting)
        if stdout is not None:
            streams.enter_context(redirect_stdout(stdout))
        if stderr is not None:
            streams.enter_context(redirect_stderr(stderr))
        yield


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
