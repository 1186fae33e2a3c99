"""What an import brings along: as little as can be, and never a third party."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import minimalkv

ROOT = Path(__file__).parent.parent

# What the interpreter loads to start, and what pip hooks into that, is not ours.
PRINT_LOADED = """
import sys
before = set(sys.modules)
{}
print(*sorted(set(sys.modules) - before))
"""

OPEN = """
from minimalkv import get_store_from_url
store = get_store_from_url({!r})
"""
USE = """
store.put("hello.txt", b"world")
assert store.get("hello.txt") == b"world"
assert list(store) == ["hello.txt"]
store.delete("hello.txt")
"""

URLS = ["memory://", "hmemory://", "fs://./data", "hfs://./data"]

# Each takes about as long to import as a tenth of the core, or more.
HEAVY = {
    "asyncio",
    "base64",
    "concurrent",
    "dataclasses",
    "email",
    "hashlib",
    "http",
    "importlib.metadata",
    "inspect",
    "json",
    "logging",
    "mimetypes",
    "multiprocessing",
    "pathlib",
    "pickle",
    "random",
    "shutil",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "unittest",
    "urllib.request",
    "uuid",
    "xml",
    "zipfile",
}


def loaded_by(code: str, folder: Path) -> set[str]:
    """Return the modules that a fresh interpreter loads to run the code."""
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    script += PRINT_LOADED.format(code)
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return set(done.stdout.decode().split())


def third_parties(modules: set[str]) -> set[str]:
    tops = {name.partition(".")[0] for name in modules}
    return tops - sys.stdlib_module_names - {"minimalkv"}


def test_import_loads_no_third_party(tmp_path: Path) -> None:
    assert not third_parties(loaded_by("import minimalkv", tmp_path))


@pytest.mark.parametrize("url", URLS)
def test_a_store_is_opened_without_any_third_party(url: str, tmp_path: Path) -> None:
    assert not third_parties(loaded_by(OPEN.format(url), tmp_path))


@pytest.mark.parametrize("url", URLS)
def test_a_store_is_used_without_any_third_party(url: str, tmp_path: Path) -> None:
    assert not third_parties(loaded_by(OPEN.format(url) + USE, tmp_path))


@pytest.mark.parametrize("url", [f"{url}#wrap:ttl+prefix(a-)" for url in URLS])
def test_wrappers_load_no_third_party(url: str, tmp_path: Path) -> None:
    assert not third_parties(loaded_by(OPEN.format(url) + USE, tmp_path))


def test_every_public_name_loads_no_third_party(tmp_path: Path) -> None:
    assert not third_parties(loaded_by("from minimalkv import *", tmp_path))


def test_import_waits_with_all_the_rest_until_a_name_is_used(tmp_path: Path) -> None:
    loaded = loaded_by("import minimalkv", tmp_path)

    assert {name for name in loaded if name.startswith("minimalkv")} == {"minimalkv"}
    assert not loaded & (HEAVY | {"re", "typing"})


@pytest.mark.parametrize("url", URLS)
def test_no_heavy_module_is_loaded_to_put_and_get(url: str, tmp_path: Path) -> None:
    assert not loaded_by(OPEN.format(url) + USE, tmp_path) & HEAVY


def test_memory_does_not_load_the_file_store(tmp_path: Path) -> None:
    assert "minimalkv.fs" not in loaded_by(OPEN.format("memory://"), tmp_path)


def test_public_names_are_constants_classes_and_functions_in_order() -> None:
    def place(name: str) -> tuple[bool, bool, str]:
        return not name.isupper(), not name[0].isupper(), name

    assert minimalkv.__all__ == sorted(minimalkv.__all__, key=place)


def test_every_public_name_can_be_imported() -> None:
    names: dict[str, object] = {}
    exec("from minimalkv import *", names)  # noqa: S102 - a star, as users write it
    del names["__builtins__"]

    assert sorted(names) == sorted(minimalkv.__all__)


def test_type_checkers_see_exactly_the_public_names() -> None:
    tree = ast.parse(Path(minimalkv.__file__).read_text())
    seen = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mini")
        for alias in node.names
    }

    assert seen == set(minimalkv.__all__)


def test_dir_shows_the_public_names() -> None:
    assert set(minimalkv.__all__) <= set(dir(minimalkv))
    assert "import_module" not in dir(minimalkv)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'minimalkv' has no attribute 'nothing'"):
        minimalkv.nothing  # type: ignore[attr-defined]  # noqa: B018 - that is the test


def test_a_public_name_is_looked_up_once_only() -> None:
    assert minimalkv.KeyValueStore is minimalkv.KeyValueStore
    assert "KeyValueStore" in vars(minimalkv)
