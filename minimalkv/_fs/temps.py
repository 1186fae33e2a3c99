"""Temporary files: where a value is written before it is one.

Nobody sees them, since ``;`` is in no key. Each is locked as long as its writer lives,
so the ones that a killed process left behind are told from those in use without
looking at any clock.
"""

import contextlib
import os
import sys
from typing import Final

from minimalkv._fs.places import Place, make_root

if sys.platform != "win32":
    import fcntl

TEMP_PREFIX: Final = ";put-"
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_OLD: Final = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_TRIES: Final = 100


def create_temp(place: Place) -> tuple[int, str]:
    """Create the temporary file for a value, beside where the value will be.

    Returns
    -------
    tuple of int and str
        Its file descriptor, locked, and its name.

    Raises
    ------
    FileNotFoundError
        If the folder of the value has been removed; make it again.
    """
    for _ in range(_TRIES):
        name = f"{TEMP_PREFIX}{os.urandom(8).hex()}"
        try:
            temp_fd = os.open(place.base + name, _NEW, 0o666, dir_fd=place.folder_fd)
        except FileNotFoundError:
            if place.folder_fd is not None:
                raise
            make_root(place.base.rstrip("/"), fsync=True)
            continue
        if _take(temp_fd):
            return temp_fd, name
        os.close(temp_fd)
    raise FileNotFoundError(2, "the folder is deleted again and again", place.base)


def _take(temp_fd: int) -> bool:
    """Lock a new temporary file; False if a sweeper was there before the lock."""
    try:
        fcntl.flock(temp_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except BaseException:
        os.close(temp_fd)
        raise
    return os.fstat(temp_fd).st_nlink > 0


def sweep(folder_fd: int, name: str) -> None:
    """Remove a temporary file if its writer is dead; do nothing where that fails."""
    with contextlib.suppress(OSError):
        temp_fd = os.open(name, _OLD, dir_fd=folder_fd)
        try:
            fcntl.flock(temp_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(name, dir_fd=folder_fd)
        finally:
            os.close(temp_fd)
