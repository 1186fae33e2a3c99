"""Samples that are not Python of a page: each language has its test, and none is left.

What cannot be run where the tests are is at least read by what would read it.
"""

import ast
import json
import re
import shlex
import subprocess
from collections.abc import Callable
from configparser import ConfigParser, Error
from typing import Final

import click
import pytest

from minimalkv.cli import main
from minimalkv_django._commands import group
from minimalkv_flask.cli import kv
from tests.clicking import read_line
from tests.pages import (
    GUIDES,
    PAGES,
    QUICKSTARTS,
    REFERENCE,
    Block,
    blocks,
    prose,
    spans,
)
from tools import servers

# Who tests the blocks of these languages; the others have a check below.
ELSEWHERE: Final = {
    "python": "tests/test_docs.py, tests/docs/test_quickstarts.py",
    "pycon": "tests/test_docs.py",
    "toml": "tests/test_docs.py",
    "sh": "tests/test_docs.py, tests/docs/test_quickstarts.py",
    "console": "tests/cli/test_docs.py",
    "{toctree}": "tests/docs/test_site.py",
    "{eval-rst}": "tests/docs/test_site.py",
}
# Where a block is no sample but what is printed, the shape of a URL, a sum, or a line
# for cron.
TEXTS: Final = {*QUICKSTARTS, "docs/stores.md", "docs/operations.md"}


def read_json(text: str) -> None:
    json.loads(text)


def read_ini(text: str) -> None:
    ini = ConfigParser(strict=False, interpolation=None)
    ini.read_string(text)
    assert ini.sections()


def read_nginx(text: str) -> None:
    """Look whether directives end and blocks close, which nginx would complain of."""
    bare = re.sub(r"#.*|\"[^\"]*\"", "", text)
    assert bare.count("{") == bare.count("}") > 0
    for line in filter(None, map(str.strip, bare.splitlines())):
        assert line.endswith((";", "{", "}")), line


def read_javascript(text: str) -> None:
    node = servers.node()
    assert node, "make test installs Node.js"
    command = [node, "--input-type=module", "--check"]
    read = subprocess.run(
        command, input=text, text=True, capture_output=True, check=False
    )
    assert read.returncode == 0, read.stderr


def read_python(text: str) -> None:
    """Parse what needs packages that the tests have not: simplekv, Flask-WTF."""
    assert ast.parse(text).body


def read_text(text: str) -> None:
    assert not re.search(r"^(\$|>>>|import |from \w+ import )", text, re.M)


READERS: Final[dict[str, Callable[[str], None]]] = {
    "json": read_json,
    "ini": read_ini,
    "nginx": read_nginx,
    "js": read_javascript,
    "py": read_python,
    "text": read_text,
}

FOUND: Final = [(page, block) for page in PAGES for block in blocks(page)]


@pytest.mark.parametrize(
    ("page", "block"),
    [pytest.param(p, b, id=f"{p}:{b.line}") for p, b in FOUND if b.language in READERS],
)
def test_a_sample_can_be_read(page: str, block: Block) -> None:
    READERS[block.language](block.text)
    assert block.language != "text" or page in TEXTS


def test_every_sample_is_in_a_language_that_is_tested() -> None:
    assert {block.language for _, block in FOUND} == {*READERS, *ELSEWHERE}
    for page, block in FOUND:
        is_tree = block.language.startswith("{")
        assert is_tree == (page == "docs/index.md" or page in REFERENCE) or not is_tree
        if block.language == "console":
            assert page == "docs/command-line.md"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("json", "{'a': 1}"),
        ("nginx", "location / {\n  internal\n}\n"),
        ("nginx", "location / {\n  internal;\n"),
        ("ini", "OnCalendar=daily"),
        ("js", "const a = ;"),
        ("py", "def a(:"),
        ("text", "$ make"),
    ],
)
def test_a_sample_with_a_mistake_is_noticed(language: str, text: str) -> None:
    errors = (ValueError, SyntaxError, AssertionError, Error)
    with pytest.raises(errors):
        READERS[language](text)


GROUPS: Final = {"flask kv": kv, "manage.py minimalkv": group, "minimalkv": main}


@pytest.mark.parametrize("called", GROUPS)
def test_every_command_in_the_text_is_right(
    monkeypatch: pytest.MonkeyPatch, called: str
) -> None:
    begins = re.compile(rf"(?:python )?{re.escape(called)} (?=[a-z])")
    told = (span for page in GUIDES for span in spans(prose(page)))
    # Lines of blocks are run, or read by tests/cli/test_docs.py; help ends at once.
    lines = {t for t in told if begins.match(t) and not t.endswith(" --help")}
    assert lines
    for line in lines:
        words = shlex.split(begins.sub("", line))
        for word in (word for word in words if word.startswith("env:")):
            monkeypatch.setenv(word.removeprefix("env:"), "memory://")
        try:
            read_line(GROUPS[called], words)
        except (click.ClickException, AssertionError) as error:
            raise AssertionError(f"{line}: {error}") from error
