"""Commands of click as the pages tell of them."""

from collections.abc import Iterator

import click

from minimalkv._cli._store import RESOLVE
from minimalkv.memory import DictStore


def usages(command: click.Command, path: str = "") -> Iterator[str]:
    """Yield how each command below one is called, as the tables of the pages say it."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from usages(inner, f"{path} {name}".strip())
        return
    words = [path]
    for parameter in sorted(command.params, key=lambda p: p.param_type_name):
        if isinstance(parameter, click.Option):
            unit = "ID" if parameter.name == "user" else parameter.name
            words.append(f"[{parameter.opts[0]} {(unit or '').upper()}]")
        else:
            words.append(parameter.metavar or (parameter.name or "").upper())
    yield " ".join(words)


def read_line(command: click.Command, words: list[str]) -> None:
    """Read a line as a command does, without doing it; any name is that of a store."""
    context = click.Context(command)
    context.meta[RESOLVE] = lambda _: DictStore()
    with context:
        while isinstance(command, click.Group):
            name = words.pop(0)
            assert name in command.commands, name
            command = command.commands[name]
        command.make_context(command.name, words, parent=context).close()
