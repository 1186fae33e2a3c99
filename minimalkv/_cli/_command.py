"""What all commands have in common: how they end."""

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

import click

from minimalkv._cli._errors import endings, masked_usage
from minimalkv._cli._secrets import remember


class Careful(click.Command):
    """Ends in one line and an exit code, and prints no secret."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Read the arguments; see click."""
        remember(args)
        with endings(), masked_usage():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; see click."""
        with endings(), masked_usage():
            return super().invoke(ctx)


class Command(Careful):
    """A command of ours."""


class Group(Careful, click.Group):
    """A group of commands of ours, listed in the order in which they were added.

    Parameters
    ----------
    load : callable
        Returns commands to add when somebody asks for the first one.
    *args, **attributes
        As for click.
    """

    command_class = Command

    def __init__(
        self,
        *args: Any,
        load: Callable[[], Iterable[click.Command]] = tuple,
        **attributes: Any,
    ) -> None:
        self._load: Callable[[], Iterable[click.Command]] = tuple
        super().__init__(*args, **attributes)
        self._load = load

    @property
    def commands(self) -> MutableMapping[str, click.Command]:
        """The commands by their names."""
        load, self._load = self._load, tuple
        for command in load():
            self.add_command(command)
        return self._loaded

    @commands.setter
    def commands(self, commands: MutableMapping[str, click.Command]) -> None:
        self._loaded = commands

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names; see click."""
        del ctx
        return list(self.commands)
