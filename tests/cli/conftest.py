"""The stores that commands are tested on, by their URLs."""

from pathlib import Path
from typing import Any

import pytest

NETWORKS = ("redis_server", "s3_server")


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """Return the URL of a store in files."""
    return f"hfs://{tmp_path}/store?fsync=false"


@pytest.fixture(params=["files", *NETWORKS])
def url(request: pytest.FixtureRequest, folder: str) -> str:
    """Return the URL of an empty store of each kind."""
    if request.param == "files":
        return folder
    server: Any = request.getfixturevalue(request.param)
    found: str = server.url()
    return found
