"""The documentation, run: its samples, URLs, commands and links.

Code blocks are run: those with ``>>>`` as doctests, the others as parts of a module
that a page builds up from its first block to its last, or the settings of Django; those
on the network run on the servers of the tests. The tables are compared with the code in
the other test_docs*.py and tests/net/test_documented.py. tests/docs has quickstarts,
samples in other languages, and the site; tests/cli those of the command line.
"""

import doctest
import importlib
import logging
import os
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final
from weakref import WeakValueDictionary

import pytest
from django.test.utils import isolate_apps
from pytest_django import Settings

from minimalkv import _aliases, _registry
from minimalkv._key_value_store import KeyValueStore
from minimalkv._registry import ALIASES, BACKENDS
from minimalkv._urls import parse_url, url_params
from tests.pages import (
    GUIDES,
    PAGES,
    QUICKSTARTS,
    ROOT,
    Block,
    anchors,
    blocks,
    code,
    column,
    modules,
    prose,
    read,
)
from tests.under_contract import IN_MEMORY

CODE: Final = {"python", "pycon"}
INDEX: Final = "docs/index.md"
SETTINGS: Final = "# settings.py\n"
MODELS: Final = "# models.py\n"

# Those of flask and python are read by test_docs_sessions.py and test_docs_django.py.
TOOLS: Final = {
    *("make", "pip", "rsync", "flask", "python", "aws", "az", "gcloud", "minimalkv"),
    "eval",
}

WRONG_ON_PURPOSE: Final = {
    "redis://localhost:6379/0?timeot=2",
    "s3://key:secret@localhost/bucket?colour=red",
}

# Where samples say that servers are, and who is there in truth.
ADDRESSES: Final = {
    "redis_server": r"hredis://localhost:6379/\d",
    "s3_server": r"hs3://key:secret@localhost:8333/\w+\?is_secure=false",
    "azure_server": r"hazure://account:key@\w+",
    "gcs_server": r"hgcs://\w+",
}

# Running what is in it.


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let samples leave their files and schemes behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(_registry, "_registered", {})
    # The folder of one page is not that of another, although both call it ./data.
    monkeypatch.setattr(_aliases._process, "_stores", WeakValueDictionary())


@pytest.fixture
def new_module(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    def make(page: str) -> ModuleType:
        module = ModuleType(re.sub(r"\W", "_", page))
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return module

    return make


@pytest.fixture(autouse=True)
def _levels_of_loggers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take back what a page tells loggers."""
    for name in ("minimalkv", "minimalkv_flask", "minimalkv_django"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.NOTSET)


@pytest.fixture
def on_servers(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Let the samples of a page use the servers of the tests: one URL is one store."""
    given: dict[str, str] = {}

    def change(text: str) -> str:
        for fixture, address in ADDRESSES.items():
            for url in set(re.findall(address, text)):
                if url not in given:
                    given[url] = request.getfixturevalue(fixture).url()
                text = re.sub(re.escape(url) + r"(?!\w)", given[url], text)
        return text

    return change


@pytest.fixture
def run_module(
    settings: Settings, on_servers: Callable[[str], str]
) -> Callable[[Block, str, ModuleType], None]:
    """Return what runs a part of a module, or of a project of Django."""

    def run(block: Block, page: str, module: ModuleType) -> None:
        text = on_servers(block.text)
        # So that a traceback has the line of the page.
        source = compile("\n" * (block.line - 1) + text, page, "exec")
        if text.startswith(SETTINGS):
            settings.ROOT_URLCONF = module.__name__
            set_up_django(source, settings)
        elif text.startswith(MODELS):
            make_models(source, module)
        else:
            exec(source, module.__dict__)  # noqa: S102 - our own

    return run


def set_up_django(source: CodeType, settings: Settings) -> None:
    """Let a page be a project of Django: its settings count, its views are served."""
    found: dict[str, Any] = {}
    exec(source, found)  # noqa: S102 - our own
    for name, value in found.items():
        if name == "INSTALLED_APPS":  # "and yours", as the pages say
            value = list(dict.fromkeys([*value, *settings.INSTALLED_APPS]))
        if name.isupper():
            setattr(settings, name, value)


def make_models(source: CodeType, module: ModuleType) -> None:
    """Let a page have models, as if they were of an application; without tables."""
    name, module.__name__ = module.__name__, "minimalkv_django.models"
    try:
        with isolate_apps("minimalkv_django"):
            exec(source, module.__dict__)  # noqa: S102 - our own
    finally:
        module.__name__ = name


def run_doctest(test: doctest.DocTest) -> None:
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(test, out=report.append, clear_globs=False)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)


@pytest.mark.parametrize("page", [page for page in GUIDES if page not in QUICKSTARTS])
def test_every_block_of_a_page_runs(
    page: str,
    new_module: Callable[[str], ModuleType],
    on_servers: Callable[[str], str],
    run_module: Callable[[Block, str, ModuleType], None],
) -> None:
    module = new_module(page)
    for block in blocks(page):
        if block.language in CODE and ">>> " in block.text:
            parsed = doctest.DocTestParser().get_doctest(
                on_servers(block.text), {}, page, str(ROOT / page), block.line - 1
            )
            parsed.globs = module.__dict__
            run_doctest(parsed)
        elif block.language == "python":
            run_module(block, page, module)
        elif block.language == "toml":
            tomllib.loads(block.text)
    for store in vars(module).values():
        if isinstance(store, KeyValueStore):
            store.close()


@pytest.mark.parametrize("fixture", ADDRESSES)
def test_every_server_has_a_sample_that_runs_on_it(fixture: str) -> None:
    samples = "".join(text for text in code(GUIDES) if ">>> " in text)
    assert re.search(ADDRESSES[fixture], samples)


@pytest.mark.parametrize("page", PAGES)
def test_no_sample_of_a_page_is_left_out(page: str) -> None:
    assert ">>>" not in prose(page).replace("`>>>`", "")
    if page not in GUIDES:
        assert not [block for block in blocks(page) if block.language in CODE]
    for block in blocks(page):
        assert (">>> " in block.text) == (block.language == "pycon"), block


def test_readme_begins_with_a_promise_and_ten_lines() -> None:
    title, promise, first = read("README.md").split("\n\n")[:3]
    assert title == "# minimalkv"
    assert promise.count(".") == 1
    assert first.startswith("```pycon\n>>> ")
    assert 8 <= first.count("\n") <= 16


def test_the_picture_of_readme_is_small_and_described() -> None:
    text = read("README.md")
    pictures = re.findall(r'src(?:set)?="([^"]+)"', text)
    assert pictures == ["docs/images/site-dark.png", "docs/images/site.png"]
    assert all((ROOT / path).stat().st_size < 200_000 for path in pictures)
    assert len(re.findall(r'<img .*alt="[^"]{20,}">', text)) == 1


def test_store_of_the_guide_keeps_the_contract(tmp_path: Path) -> None:
    code = [b.text for b in blocks("docs/writing-a-store.md") if b.language == "python"]
    (tmp_path / "test_guide.py").write_text("\n\n".join(code))
    options = ["-q", "-p", "no:cacheprovider", "-W", "error"]
    pytest_run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "test_guide.py"],
        # Where it takes no disk that is flushed with every value.
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": IN_MEMORY},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert pytest_run.returncode == 0, pytest_run.stdout[-4000:]
    assert re.search(r"\b1\d\d passed\b", pytest_run.stdout), "about 150, it says"


@pytest.mark.parametrize("name", modules())
def test_samples_of_docstrings_run(name: str) -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    for test in finder.find(importlib.import_module(name)):
        if test.examples:
            run_doctest(test)


# URLs, commands and links.


@pytest.mark.parametrize("page", GUIDES)
def test_every_store_url_of_a_page_is_right(page: str) -> None:
    found = re.findall(r"[a-z0-9]+(?:\+[^\s:`'\"]+)*://[^\s`'\"]*", read(page))
    schemes = {*BACKENDS, *ALIASES}
    for url in (url.rstrip(".,;:") for url in found):
        scheme, _, tail = url.partition("://")
        if scheme.partition("+")[0] not in schemes or url in WRONG_ON_PURPOSE:
            continue
        if re.search(r"[\[<…{]", tail) or not (tail or "memory" in scheme):
            continue  # a shape, or the name of a scheme
        url_params(parse_url(url))


def test_every_command_of_the_makefile_is_documented_and_no_other() -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", read("Makefile"), re.M))
    rows = column("CONTRIBUTING.md", "command")
    assert set(rows) == {f"make {target}" for target in targets - {"help"}}
    shell = [b.text for page in PAGES for b in blocks(page) if b.language == "sh"]
    mentioned = re.findall(r"`make ([a-z]+)\b", "".join(map(read, PAGES)))
    mentioned += re.findall(r"^make ([a-z]+)\b", "\n".join(shell), re.M)
    assert set(mentioned) <= targets
    assert re.search(r"^make run .*\nmake test ", read("README.md"), re.M)


def test_every_shell_line_can_be_read() -> None:
    read_here = [page for page in PAGES if page not in QUICKSTARTS]
    for block in (b for page in read_here for b in blocks(page) if b.language == "sh"):
        for line in block.text.splitlines():
            assert shlex.split(line, comments=True)[0] in TOOLS, line


@pytest.mark.parametrize("page", PAGES)
def test_every_link_between_pages_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", prose(page)):
        if re.match(r"https?://", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (ROOT / page).parent.joinpath(path).resolve() if path else ROOT / page
        assert linked.is_file(), target
        relative = linked.relative_to(ROOT).as_posix()
        assert not anchor or anchor in anchors(relative), target


def test_every_page_of_the_guide_is_in_the_index() -> None:
    pages = {*GUIDES, "docs/api/index.md"} - {"README.md", INDEX}
    linked = re.findall(r"\]\(([\w/-]+\.md)\)", read(INDEX))
    assert {f"docs/{page}" for page in linked} == pages
    trees = [b.text for b in blocks(INDEX) if b.language == "{toctree}"]
    of_trees = re.findall(r"^[\w/-]+$", "".join(trees), re.M)
    assert sorted(f"docs/{name}.md" for name in of_trees) == sorted(pages)
    assert f"]({INDEX})" in read("README.md")
