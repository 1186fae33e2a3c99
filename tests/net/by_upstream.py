"""Upstream beside the SDKs that its own environment does not have."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests import upstream


def run_upstream(script: str, *arguments: str) -> Any:
    """Run a script that puts its first argument on the path; return what it prints."""
    found = upstream.run("import minimalkv; print(minimalkv.__path__[0])")
    folder = str(Path(found.strip()).parent)
    done = subprocess.run(
        [sys.executable, "-I", "-c", script, folder, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)
