"""The n-th system call of a write fails, for every n, and not only in Python."""

from collections.abc import Callable
from pathlib import Path

import pytest

from minimalkv._hstores import HFilesystemStore
from tests.broken_on_disk import WritesInPlace
from tests.fs.tools import files_below
from tests.reliability.failing import BEFORE, NEW, WRITES, fill
from tests.reliability.system_calls import VAIN, Attempts, attempts, lacking

CASES = [
    *((call, "EIO") for call in VAIN),
    *((call, "ENOSPC") for call in ("openat", "write", "mkdirat")),
]
REPLACED = ("linkat", "copy_file_range")
"""Where these fail, the bytes are copied."""


@pytest.mark.stress
@pytest.mark.parametrize(("call", "code"), CASES)
def test_a_write_is_done_or_refused_whatever_system_call_fails(
    call: str, code: str, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    if reason := lacking():
        tell(reason)
        return
    given = tmp_path / "of the caller"
    given.mkdir()
    store = HFilesystemStore(tmp_path / "root")
    with attempts(call, code, store, given) as attempt:
        most = VAIN[call][2]
        refused = sum(check(use, attempt, most, store, given) for use in WRITES)
    tell(f"{most * len(WRITES)} writes, {refused} refused, 0 bad")
    assert refused or call in REPLACED, "Nothing failed."


@pytest.mark.stress
def test_a_store_that_writes_in_place_is_found_out(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    if reason := lacking():
        tell(reason)
        return
    store = WritesInPlace(tmp_path / "root")
    with (
        attempts("write", "EIO", store, tmp_path) as attempt,
        pytest.raises(AssertionError, match="put_file, 1: "),
    ):
        check("put_file", attempt, VAIN["write"][2], store, tmp_path)


def check(
    use: str, attempt: Attempts, most: int, store: HFilesystemStore, given: Path
) -> int:
    """Let a write fail at each call, and return how often it was refused."""
    changed = {**BEFORE, **WRITES[use][1]}
    after = {key: value for key, value in changed.items() if value is not None}
    refused = 0
    for number in range(1, most + 1):
        fill(store, given)
        told = attempt.make(use, number)
        place = f"{use}, {number}: {told}"
        found = {key: store.get(key) for key in store}  # sweeps, too
        was_made = told["error"] in (None, "StoreUnavailable")
        assert found == (after if was_made else BEFORE), place
        assert files_below(Path(store.root)) == set(found), place
        assert told["ours"] or use.endswith("by name"), place
        left = given / "given"
        assert left.read_bytes() == NEW if left.exists() else was_made, place
        refused += told["error"] is not None
    return refused
