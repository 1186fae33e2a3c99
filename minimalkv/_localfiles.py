"""Files of the caller, outside any store, that a value is written to."""

import contextlib
import os
import stat
from collections.abc import Iterator
from typing import BinaryIO

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_SHOWN = 40


@contextlib.contextmanager
def replacing(filename: str) -> Iterator[BinaryIO]:
    """Write a file that appears whole, or leaves what stood there as it was.

    A device, a pipe and the like are written straight into. A new file has the
    permissions that the umask leaves, a replaced one keeps its own.
    """
    path = os.path.realpath(filename)
    mode = _mode(path)
    if mode is not None and not stat.S_ISREG(mode):
        with open(path, "wb") as straight:
            yield straight
        return
    folder, name = os.path.split(path)
    temp = os.path.join(folder, f".{name[:_SHOWN]}.{os.urandom(6).hex()}")
    try:
        with os.fdopen(os.open(temp, _NEW_FILE, 0o666), "wb") as beside:
            if mode is not None:
                os.fchmod(beside.fileno(), stat.S_IMODE(mode))
            yield beside
        os.replace(temp, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temp)
        raise


def _mode(path: str) -> int | None:
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None
