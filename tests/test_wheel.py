"""What users get: the built wheel, installed where nothing else is."""

import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {"minimalkv", "minimalkv_flask", "minimalkv_django"}
EXTRAS = {"redis", "s3", "azure", "gcs", "flask", "django", "cli", "all"}

# Names loaded before the import belong to the interpreter's start, not to us.
USE_THE_CORE = """
import sys
before = set(sys.modules)

from minimalkv import get_store_from_url

for url in ("memory://", "hfs://./x"):
    with get_store_from_url(url) as store:
        assert store.put("hello", b"world") == "hello"
        assert store.get("hello") == b"world"

loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(loaded - sys.stdlib_module_names))
"""


def build(target: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d"]
    subprocess.run([*command, str(folder)], cwd=ROOT, check=True, capture_output=True)
    (product,) = folder.iterdir()
    return product


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def names(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="session")
def bare_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an interpreter that has the wheel, and none of its extras."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install"]
    command = [*pip, "--quiet", "--no-index", "--no-deps", str(wheel)]
    subprocess.run(command, check=True)
    return python


def test_wheel_holds_exactly_the_three_packages(names: set[str]) -> None:
    folders = {name.partition("/")[0] for name in names}

    assert {name for name in folders if not name.endswith(".dist-info")} == PACKAGES


def test_wheel_holds_the_inner_packages_and_the_type_markers(names: set[str]) -> None:
    inner = {"minimalkv/memory/__init__.py", "minimalkv/net/__init__.py"}

    assert inner | {f"{package}/py.typed" for package in PACKAGES} <= names


def test_wheel_names_every_extra(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        (path,) = (n for n in archive.namelist() if n.endswith("/METADATA"))
        lines = archive.read(path).decode().splitlines()

    marked = {line.partition(": ")[2] for line in lines if "Provides-Extra" in line}
    assert marked == EXTRAS


def test_core_needs_nothing_but_the_standard_library(
    bare_python: Path, tmp_path: Path
) -> None:
    command = [str(bare_python), "-I", "-W", "error", "-c", USE_THE_CORE]
    result = subprocess.run(
        command, cwd=tmp_path, check=False, capture_output=True, text=True
    )

    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["minimalkv"]


def test_the_command_line_says_what_it_needs(bare_python: Path) -> None:
    script = bare_python.with_name("minimalkv")
    for command in ([str(script)], [str(bare_python), "-I", "-m", "minimalkv", "ls"]):
        result = subprocess.run(command, check=False, capture_output=True, text=True)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr == (
            "The command line needs click: pip install 'minimalkv[cli]'\n"
        )
