"""The documentation, run and compared with the code.

Code blocks are run: those with ``>>>`` as doctests, the others as parts of a module
that a page builds up from its first block to its last. Tables are compared with what
they list, in both directions.
"""

import doctest
import importlib
import inspect
import os
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

import minimalkv
from minimalkv import _constants, _errors, _mixins, _registry, testing
from minimalkv._hooks import Hooks
from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import ObjectMeta
from minimalkv._options import UNIVERSAL, Option, Options
from minimalkv._registry import ALIASES, BACKENDS
from minimalkv._store_decoration import WRAPPERS
from minimalkv._urls import parse_url, url_params
from minimalkv.crypt import HMACDecorator
from minimalkv.decorator import ReadOnlyDecorator
from tests.pages import (
    GUIDES,
    PAGES,
    ROOT,
    TYPES,
    anchors,
    blocks,
    builtin_bases,
    carried,
    code,
    column,
    hooks,
    modules,
    prose,
    public_names,
    read,
    spans,
    tables,
    wrapper_classes,
)

PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

CODE: Final = {"python", "pycon"}
LANGUAGES: Final = {*CODE, "text", "toml", "sh"}

WRONG_ON_PURPOSE: Final = {"redis://localhost:6379/0?timeot=2"}

# Running what is in it.


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let samples leave their files and schemes behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(_registry, "_registered", {})


@pytest.fixture
def new_module(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    def make(page: str) -> ModuleType:
        module = ModuleType(re.sub(r"\W", "_", page))
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return module

    return make


def run_doctest(test: doctest.DocTest) -> None:
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(test, out=report.append, clear_globs=False)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)


@pytest.mark.parametrize("page", GUIDES)
def test_every_block_of_a_page_runs(
    page: str, new_module: Callable[[str], ModuleType]
) -> None:
    module = new_module(page)
    for block in blocks(page):
        if block.language in CODE and ">>> " in block.text:
            parsed = doctest.DocTestParser().get_doctest(
                block.text, {}, page, str(ROOT / page), block.line - 1
            )
            parsed.globs = module.__dict__
            run_doctest(parsed)
        elif block.language == "python":
            # So that a traceback has the line of the page.
            source = "\n" * (block.line - 1) + block.text
            exec(compile(source, page, "exec"), module.__dict__)  # noqa: S102 - our own
        elif block.language == "toml":
            tomllib.loads(block.text)


@pytest.mark.parametrize("page", PAGES)
def test_no_sample_of_a_page_is_left_out(page: str) -> None:
    assert {block.language for block in blocks(page)} <= LANGUAGES
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


def test_store_of_the_guide_keeps_the_contract(tmp_path: Path) -> None:
    code = [b.text for b in blocks("docs/writing-a-store.md") if b.language == "python"]
    (tmp_path / "test_guide.py").write_text("\n\n".join(code))
    options = ["-q", "-p", "no:cacheprovider", "-W", "error"]
    pytest_run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "test_guide.py"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
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


# Schemes, options, extras.


def test_every_scheme_is_documented_and_no_other() -> None:
    rows = column("docs/stores.md", "scheme")
    assert sorted(rows) == sorted(BACKENDS)
    for scheme, row in rows.items():
        backend = BACKENDS[scheme]
        assert backend.family is not None
        url = f"{scheme}://{backend.family.example.partition('://')[2]}"
        facts = [scheme, backend.name, backend.module, backend.extra, url]
        assert row == [f"`{fact}`" if fact else "" for fact in facts]
    aliases = column("docs/stores.md", "alias")
    assert {name: spans(row[1])[0] for name, row in aliases.items()} == ALIASES


def test_readme_tells_which_schemes_work_today() -> None:
    told: dict[str, str] = {}
    for row in column("README.md", "schemes").values():
        told |= dict.fromkeys(spans(row[0]), row[-1])
    works = {s: "works" if carried(s) else "next step" for s in BACKENDS}
    assert told == works
    ours = re.search(r"\*In this version\*\* only (.*?) open", read("docs/stores.md"))
    assert ours
    assert sorted(spans(ours[1])) == sorted(s for s in works if works[s] == "works")


def families() -> dict[str, str]:
    """Return the headings of the sections about options, by each of their schemes."""
    headings = re.findall(r"^### (`.*)$", prose("docs/stores.md"), re.M)
    return {scheme: heading for heading in headings for scheme in spans(heading)}


@pytest.mark.parametrize("scheme", sorted(BACKENDS))
def test_options_of_a_scheme_are_documented_and_no_others(scheme: str) -> None:
    family = BACKENDS[scheme].family
    assert family is not None
    heading = families()[scheme]
    check_options(column("docs/stores.md", "option", heading), family.options)
    check_options(column("docs/stores.md", "parameter", heading), family.parameters)


def test_options_of_every_scheme_are_documented_and_no_others() -> None:
    check_options(column("docs/stores.md", "option", "Every scheme"), UNIVERSAL)
    assert sorted(families()) == sorted(BACKENDS)
    kinds = {table.header[0]: table for table in tables("docs/stores.md")}
    assert sorted(row[0] for row in kinds["type"].rows) == sorted(TYPES.values())


def check_options(rows: dict[str, list[str]], options: Options) -> None:
    assert sorted(rows) == sorted(options)
    for name, row in rows.items():
        assert row[1] == TYPES[options[name].expected], name
        check_default(options[name], row)
        assert len(row[-1]) > 5, f"{name} has no meaning"


def check_default(option: Option, row: list[str]) -> None:
    if len(row) < 4:
        return
    default = row[2].strip("`")
    assert default == "not set" or option.read(default) is not None, row
    says_true = "true by default" in option.meaning or "the default" in option.meaning
    assert not says_true or default == "true", row


@pytest.mark.parametrize("page", GUIDES)
def test_every_store_url_of_a_page_is_right(page: str) -> None:
    found = re.findall(r"[a-z0-9]+(?:\+[^\s:`'\"]+)*://[^\s`'\"]*", read(page))
    schemes = {*BACKENDS, *ALIASES}
    for url in (url.rstrip(".,;:") for url in found):
        scheme, _, tail = url.partition("://")
        if scheme.partition("+")[0] not in schemes or url in WRONG_ON_PURPOSE:
            continue
        if re.search(r"[\[<…]", tail) or not (tail or "memory" in scheme):
            continue  # a shape, or the name of a scheme
        url_params(parse_url(url))


def test_every_extra_is_documented_with_what_it_installs() -> None:
    rows = column("docs/stores.md", "extra")
    extras = PROJECT["optional-dependencies"]
    assert sorted(rows) == sorted(extras)
    for extra, (_, installs, purpose) in rows.items():
        names = [re.split(r"[\[><=]", needed)[0] for needed in extras[extra]]
        assert spans(installs) == names, extra
        assert purpose, extra
    mentioned = re.findall(r"minimalkv\[([\w,]+)\]", "".join(map(read, PAGES)))
    assert {extra for text in mentioned for extra in text.split(",")} <= {*extras}
    assert set(extras) <= {*spans(prose("README.md"))}


# Wrappers, capabilities, errors, names.


def test_every_wrapper_is_documented_and_no_other() -> None:
    rows = column("docs/wrappers.md", "wrapper")
    classes = {cls.__name__: cls for cls in wrapper_classes()}
    assert {usage.partition("(")[0] for usage in rows} == set(classes)
    by_name: dict[str, str] = {}
    for usage, row in rows.items():
        name = usage.partition("(")[0]
        check_signature(usage, classes[name])
        for spelling in spans(row[1]):
            short = spelling.partition("(")[0]
            by_name[short] = name
            assert ("(" in spelling) == bool(WRAPPERS[short].arguments), spelling
    assert by_name == {name: wrapper.name for name, wrapper in WRAPPERS.items()}


def check_signature(usage: str, function: Callable[..., object]) -> None:
    """Compare arguments as in ``name(a, b=1, *, c=None)``: order, and defaults."""
    inside = re.sub(r"=[^,)]*", "", usage.partition("(")[2].removesuffix(")"))
    names = [name for name in re.split(r",\s*", inside) if name not in ("", "*")]
    known = list(inspect.signature(function).parameters.values())
    assert names == [p.name for p in known if p.name != "self"], usage
    for name, default in re.findall(r"(\w+)=([^,)]+)", usage):
        value = inspect.signature(function).parameters[name].default
        shown = getattr(value, "__name__", "").removeprefix("openssl_") or value
        expected = {repr(shown), str(shown), str(shown).upper()}
        assert default.replace('"', "'") in expected, usage


def test_capabilities_are_those_of_the_classes() -> None:
    flags = {n for n, value in vars(Hooks).items() if type(value) in (bool, int)}
    attributes = {name for name in flags if not name.startswith("_")}
    table = next(t for t in tables("docs/stores.md") if t.header[0] == "attribute")
    schemes = [spans(cell)[0] for cell in table.header[1:]]
    assert schemes == [scheme for scheme in BACKENDS if carried(scheme)]
    assert {spans(row[0])[0] for row in table.rows} == attributes
    for name, *cells in table.rows:
        for scheme, cell in zip(schemes, cells, strict=True):
            value = getattr(carried(scheme), spans(name)[0])
            assert cell == {True: "yes", False: "no"}.get(value, str(value)), scheme
    text = prose("docs/stores.md")
    assert all(re.search(rf"^- .*`{name}`.*:", text, re.M) for name in attributes)
    limits = column("docs/writing-a-store.md", "attribute")
    told = {name: row[1] for name, row in limits.items()}
    names = [name for name in attributes if not name.endswith("_support")]
    assert told == {name: str(getattr(KeyValueStore, name)) for name in names}


def test_every_error_is_documented_with_its_built_in_ones() -> None:
    rows = column("docs/stores.md", "error")
    errors = {n: c for n, c in vars(_errors).items() if isinstance(c, type)}
    assert sorted(rows) == sorted(errors)
    for name, (_, also, when, cure) in rows.items():
        assert set(spans(also)) == builtin_bases(errors[name]), name
        assert when, name
        assert cure, name


def test_every_verb_is_documented_with_its_arguments() -> None:
    rows = column("docs/stores.md", "verb")
    usages = {usage.partition("(")[0]: usage for usage in rows}
    public = {name for name in dir(KeyValueStore) if not name.startswith("_")}
    verbs = {name for name in public if callable(getattr(KeyValueStore, name))}
    assert set(usages) == {*verbs, "key in store"}
    for name in verbs:
        check_signature(usages[name], getattr(KeyValueStore, name))


def test_every_hook_of_a_verb_is_documented_and_no_other() -> None:
    page = list(tables("docs/writing-a-store.md"))
    cells = [
        row[0] for t in page if t.header[0] in ("method", "hook") for row in t.rows
    ]
    mixins = [row for t in page if t.header[-1] == "hooks to add" for row in t.rows]
    named = [spans(cell) for cell in [*cells, *(row[-1] for row in mixins)]]
    found = {span.partition("(")[0] for group in named for span in group}
    assert found == hooks() | {"iter_keys"}
    flags = {f"`{n}`": f"`{m._flag}`" for n, m in vars(_mixins).items() if is_mixin(m)}
    flags["`headers_support = True`"] = "`headers_support`"
    assert {row[0]: row[1] for row in mixins} == flags


def is_mixin(thing: object) -> bool:
    return isinstance(thing, type) and "_flag" in vars(thing)


def test_hooks_that_wrappers_override_are_those_of_ours() -> None:
    rows = [row for t in tables("docs/wrappers.md") for row in t.rows]
    told = {row[0]: set(spans(row[1])) for row in rows if row[1].startswith("`_")}
    watches, *changes = told.values()
    methods = vars(ReadOnlyDecorator)
    refused = {n for n, f in methods.items() if f is methods["_refuse"]} - {"_refuse"}
    assert watches == refused
    assert set().union(*changes) == hooks() & {*vars(HMACDecorator)}


def test_every_word_for_a_lifetime_is_documented() -> None:
    told = set(column("docs/stores.md", "word"))
    words = {n for n, value in vars(_constants).items() if n == f"{value}".upper()}
    assert told == words == {"FOREVER", "NOT_SET", "KEEP"}


def test_every_fact_about_a_value_is_documented() -> None:
    assert list(column("docs/stores.md", "field")) == list(ObjectMeta._fields)


def test_every_public_name_is_documented() -> None:
    text = "".join(map(read, GUIDES))
    words = set(re.findall(r"\w+", text))
    assert [found for found in public_names() if found[0] not in words] == []
    words = {*re.findall(r"`(\w+)", text), *re.findall(r"\w+", "".join(code(GUIDES)))}
    assert [name for name in minimalkv.__all__ if name not in words] == []


def test_every_contract_is_documented_and_no_other() -> None:
    rows = column("docs/writing-a-store.md", "contract")
    assert set(rows) == {n for n in testing.__all__ if re.fullmatch(r"\w+Contract", n)}


# Commands and links.


def test_every_command_of_the_makefile_is_documented_and_no_other() -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", read("Makefile"), re.M))
    rows = column("CONTRIBUTING.md", "command")
    assert set(rows) == {f"make {target}" for target in targets - {"help"}}
    text = "\n".join(map(read, PAGES))
    mentioned = re.findall(r"(?:`|^)make ([a-z]+)\b", text, re.M)
    assert set(mentioned) <= targets
    assert re.search(r"^make run .*\nmake test ", read("README.md"), re.M)


def test_every_shell_line_can_be_read() -> None:
    for block in (b for page in PAGES for b in blocks(page) if b.language == "sh"):
        for line in block.text.splitlines():
            assert shlex.split(line, comments=True)[0] in ("make", "pip", "rsync"), line


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


def test_every_page_of_the_guide_is_linked_from_the_readme() -> None:
    linked = set(re.findall(r"\]\((docs/[\w-]+\.md)", read("README.md")))
    assert linked == set(GUIDES[1:])
