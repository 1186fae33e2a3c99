"""Memory stays what it is, however many objects there are."""

import subprocess
import sys
from pathlib import Path

import pytest

from minimalkv import get_store_from_url

ROOT = Path(__file__).parent.parent.parent
MOST_GROWTH_BYTES = 16 * 2**20
OBJECTS = 3000
OBJECT_BYTES = 12_000


def growth(*args: object) -> int:
    """Let another process sync, and return by how much its memory grew."""
    command = [sys.executable, "-m", "tests.sync.growth", *map(str, args)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"hfs://{tmp_path_factory.mktemp('source')}?fsync=false"
    with get_store_from_url(url) as store:
        store.put_many({f"{n % 50}/{n}": b"%d" % n * 2000 for n in range(OBJECTS)})
    return url


def test_memory_grows_by_no_more_than_a_few_mebibytes(
    source: str, tmp_path: Path
) -> None:
    assert growth(source, f"hfs://{tmp_path}?fsync=false") <= MOST_GROWTH_BYTES


def test_a_run_that_keeps_what_it_copies_would_be_noticed(
    source: str, tmp_path: Path
) -> None:
    target = f"hfs://{tmp_path}?fsync=false"
    assert growth(source, target, "keep") > MOST_GROWTH_BYTES
