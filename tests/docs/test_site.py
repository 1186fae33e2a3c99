"""The documentation as a site: it builds without a warning, and all links lead on."""

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest
from sphinx.util.inventory import InventoryFile

from tests.pages import ROOT, public_modules, public_names
from tools import links

PAGE: Final = """
<link rel="canonical" href="https://docs.example/"><h2 id="there">There</h2>
<a href="#there">fine</a><a href="other.html#x%20y">fine</a><img src="data:,">
<a href="http://127.0.0.1:8000/">fine</a>
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the site, made as `make docs` makes it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-E", "-W", "--keep-going"]
    built = subprocess.run(
        [*command, "-d", str(folder / "read"), "docs", str(folder / "html")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder / "html"


def test_the_site_builds_without_a_warning_and_every_link_leads_on(site: Path) -> None:
    assert (site / "api" / "core.html").is_file()
    assert list(links.problems(site)) == []


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    listed = set(in_reference(site))
    # What several modules have is listed with one of them.
    things = {id(find(name)) for name in listed if callable(find(name))}
    missing = {
        f"{module}.{name}"
        for name, module in public_names()
        if f"{module}.{name}" not in listed
        and id(getattr(import_module(module), name)) not in things
    }
    assert missing == set()


def in_reference(site: Path) -> Iterator[str]:
    """Yield the public names that the site has, with their modules."""
    found = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="").data
    named = {name for kind in found if kind.startswith("py:") for name in found[kind]}
    yield from (
        f"{module}.{name}"
        for name, module in public_names()
        if f"{module}.{name}" in named
    )


def find(name: str) -> object:
    module, _, last = name.rpartition(".")
    return getattr(import_module(module), last)


def test_every_module_with_public_names_is_in_the_list_of_the_tests() -> None:
    assert public_modules() <= {module for _, module in public_names()}


@pytest.mark.parametrize(
    ("markup", "problem"),
    [
        ('<a href="none.html">', "leads to no file"),
        ('<a href="#none">', "leads to no heading"),
        ('<a href="other.html#none">', "leads to no heading"),
        ('<a href="https://exa mple/">', "is no URL of a site"),
        ('<a href="javascript:alert(1)">', "is no URL of a site"),
        ('<img src="https://example.org/a.png">', "is fetched from elsewhere"),
        (
            '<link rel="stylesheet" href="//example.org/a.css">',
            "fetched from elsewhere",
        ),
    ],
)
def test_a_wrong_link_is_found(tmp_path: Path, markup: str, problem: str) -> None:
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "other.html").write_text('<p id="x y">')
    (tmp_path / "plain.css").write_text("p { background: url(data:image/png;base64,) }")
    assert list(links.problems(tmp_path)) == []
    (tmp_path / "index.html").write_text(PAGE + markup)
    (found,) = links.problems(tmp_path)
    assert found.startswith("index.html: ")
    assert problem in found


def test_a_style_that_fetches_from_elsewhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "other.html").write_text('<p id="x y">')
    (tmp_path / "a.css").write_text('@import "//fonts.example/a.css";')
    (found,) = links.problems(tmp_path)
    assert found.startswith("a.css: ")
