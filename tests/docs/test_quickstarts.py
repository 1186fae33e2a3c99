"""The quickstarts, typed line by line where nothing else is, and read in a browser."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page

from tests.backends.process import free_ports
from tests.backends.redis import RedisServer
from tests.docs.reader import follow
from tests.docs.terminal import Terminal, environment
from tests.docs.typed import Change, Command, Sample, Step, Stop, Visit, Write, steps
from tests.pages import QUICKSTARTS, blocks, read

PORT: Final = "8000"
REDIS: Final = "hredis://localhost:6379/0"
SERVERS: Final = (f"flask run --port {PORT}", f"python manage.py runserver {PORT}")


class User:
    """Somebody with two terminals, an editor and a browser."""

    def __init__(
        self, open_terminal: Callable[[], Terminal], page: Page, port: int
    ) -> None:
        self._open_terminal = open_terminal
        self._terminals = [open_terminal()]
        self._page = page
        self._port = port
        self._folder = Path()
        self._serves = False

    def do(self, step: Step) -> None:
        match step:
            case Command(lines, prints, in_another):
                self._type(lines, prints, in_another)
            case Stop():
                assert self._serves, "Nothing is there to be stopped."
                self._terminals[0].interrupt()
                self._serves = False
            case Visit(told):
                follow(self._page, told)
            case Write() | Change():
                self._edit(step)
            case Sample(text):
                exec(compile(text, "page", "exec"), {})  # noqa: S102 - our own

    def run(self, name: str, code: str) -> None:
        """Run a module elsewhere, and the samples of its docstring."""
        self._terminals[0].interrupt()
        self._terminals[0].run("cd ..")  # where there is no data
        (self._terminals[0].folder() / name).write_text(code)
        self._terminals[0].run(f"python -W error -m doctest {name}")

    def _type(self, lines: list[str], prints: str, in_another: bool) -> None:
        if in_another and len(self._terminals) == 1:
            self._terminals.append(self._open_terminal())
            self._terminals[1].run(f"cd '{self._folder}'")
        terminal = self._terminals[-1 if in_another else 0]
        printed = ""
        for line in lines:
            assert not self._serves or in_another, f"Who serves does not read: {line}"
            if line.endswith(f" {self._port}"):
                self._folder = terminal.folder()
                terminal.serve(line, self._port)
                self._serves = True
            else:
                printed += terminal.run(line)
        if prints:
            assert re.fullmatch(as_pattern(prints), squeezed(printed)), printed

    def _edit(self, step: Write | Change) -> None:
        path = self._terminals[0].folder() / step.name
        match step:
            case Write(_, text, adds):
                path.write_text(path.read_text() + text if adds else text)
            case Change(_, new, old):
                assert path.read_text().count(old) == 1
                path.write_text(path.read_text().replace(old, new))


def squeezed(printed: str) -> str:
    return "\n".join(line for line in printed.splitlines() if line.strip())


def as_pattern(prints: str) -> str:
    """Return an expression for a text in which … stands for anything on a line."""
    return re.escape(squeezed(prints)).replace("…", ".+")


@pytest.fixture
def user(browser: Browser, wheels: Path, tmp_path: Path) -> Iterator[User]:
    (port,) = free_ports(1)
    with ExitStack() as stack:

        def open_terminal() -> Terminal:
            return stack.enter_context(Terminal(tmp_path, environment(wheels)))

        context = stack.enter_context(browser.new_context())
        yield User(open_terminal, context.new_page(), port)


@pytest.mark.parametrize("page", QUICKSTARTS)
def test_a_quickstart_typed_line_by_line_works(
    user: User, redis_server: RedisServer, page: str
) -> None:
    text = read(page)
    for told, here in ((PORT, str(user._port)), (REDIS, redis_server.url())):
        assert told in text
        text = text.replace(told, here)
    for step in steps(text):
        user.do(step)
    if page == QUICKSTARTS[0]:  # what it needs is installed now
        user.run("readme.py", code_of_readme())


def code_of_readme() -> str:
    """Return README's code as a module, whose docstring has what is printed.

    Without the settings of Django, which tests/test_docs.py runs.
    """
    found = blocks("README.md")
    printed = "\n".join(b.text for b in found if b.language == "pycon")
    code = [b.text for b in found if b.language == "python"]
    assert printed.startswith(">>> from minimalkv ")
    assert len(code) == 2
    return f'r"""\n{printed}"""\n\n{code[0]}'
