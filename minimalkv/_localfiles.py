"""Files of the caller, outside any store, that a value is written to."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@contextlib.contextmanager
def replacing(filename: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Write a file that appears whole, or leaves what stood there as it was.

    A device, a pipe and the like are written straight into. A new file has the
    permissions that the umask leaves, a replaced one keeps its own.
    """
    path = Path(os.path.realpath(filename))
    mode = _mode(path)
    if mode is not None and not stat.S_ISREG(mode):
        with path.open("wb") as straight:
            yield straight
        return
    temp = path.with_name(f".{path.name[:40]}.{os.urandom(6).hex()}")
    try:
        with os.fdopen(os.open(temp, _NEW_FILE, 0o666), "wb") as beside:
            if mode is not None:
                os.fchmod(beside.fileno(), stat.S_IMODE(mode))
            yield beside
        temp.replace(path)
    except BaseException:
        temp.unlink(missing_ok=True)
        raise


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None
