"""A folder of one server, which the next run removes if this one is killed."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

_STARTING = "minimalkv-starting-"
_PREFIX = "minimalkv-servers-"
_OUTSIDE = "outside"


class Folder:
    """A temporary folder, locked while the process that made it lives.

    Attributes
    ----------
    path : Path
        Where it is.
    """

    def __init__(self) -> None:
        _remove_leftovers()
        path = Path(tempfile.mkdtemp(prefix=_STARTING))
        self._lock = (path / "lock").open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        # Under its final name only once it is locked: else it looks like a leftover.
        name = _PREFIX + path.name.removeprefix(_STARTING)
        self.path = path.rename(path.with_name(name))

    def owns(self, patterns: Iterable[str]) -> None:
        """Note which files elsewhere, as patterns below ``/``, are removed with it."""
        with (self.path / _OUTSIDE).open("a") as notes:
            notes.writelines(f"{pattern}\n" for pattern in patterns)

    def remove(self) -> None:
        """Remove it and what it owns."""
        _remove(self.path)
        self._lock.close()


def _remove(folder: Path) -> None:
    notes = folder / _OUTSIDE
    for pattern in notes.read_text().splitlines() if notes.exists() else ():
        for path in Path("/").glob(pattern):
            path.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _remove_leftovers() -> None:
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/lock"):
        try:
            with path.open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(path.parent)
        except OSError:  # in use, or removed by another run
            continue
