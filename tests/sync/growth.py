"""``python -m tests.sync.growth SOURCE TARGET``: print by how many bytes memory grew.

That is between the first tenth of the objects and the end of the run. With ``keep`` as
a third argument it keeps what it copies, as a program would that has a leak.
"""

import re
import sys
from pathlib import Path

from minimalkv import KeyValueStore, get_store_from_url
from minimalkv.sync import SyncProgress, sync

_RESIDENT = re.compile(r"VmRSS:\s+(\d+) kB")


def main(source: str, target: str, leak: str = "") -> None:
    """Sync, and print the growth of the memory."""
    sizes: list[int] = []
    kept: list[bytes] = []

    def note(progress: SyncProgress) -> None:
        if progress.phase != "copying":
            return
        if leak:
            _keep(kept, here, progress)
        if progress.done >= progress.total / 10:
            sizes.append(_resident_bytes())

    with get_store_from_url(source) as here, get_store_from_url(target) as there:
        report = sync(here, there, progress=note)
    assert report.complete, report
    assert report.copied == report.listed
    print(max(sizes) - sizes[0])


def _keep(kept: list[bytes], store: KeyValueStore, progress: SyncProgress) -> None:
    # Twice, for some of it goes where memory was freed.
    keys = store.keys()[len(kept) : progress.done]
    kept.extend(store.get(key) * 2 for key in keys)


def _resident_bytes() -> int:
    match = _RESIDENT.search(Path("/proc/self/status").read_text())
    assert match is not None
    return int(match[1]) * 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
