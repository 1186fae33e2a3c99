"""What is particular to files; what every store promises is in the contract."""

from pathlib import Path

import pytest

from minimalkv._hstores import HFilesystemStore


@pytest.fixture
def store(tmp_path: Path) -> HFilesystemStore:
    return HFilesystemStore(tmp_path / "root", fsync=False)
