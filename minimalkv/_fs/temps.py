"""Temporary files: where a value is written before it is one.

Nobody sees them, since ``;`` is in no key. Each is locked as long as its writer lives,
so the ones that a killed process left behind are told from those in use without
looking at any clock.
"""

import contextlib
import os
import sys
from typing import Final

from minimalkv._fs.descriptors import CLOSED, Descriptor
from minimalkv._fs.places import Place, open_inner, vanishing
from minimalkv._quietly import quiet_log as _log

if sys.platform != "win32":
    import fcntl

TEMP_PREFIX: Final = ";put-"
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_OLD: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
_TRIES: Final = 100


def temp_name() -> str:
    """Make a name that no other temporary file has."""
    return f"{TEMP_PREFIX}{os.urandom(8).hex()}"


class Temp:
    """The temporary file of a value, beside where the value will be.

    Raises
    ------
    FileNotFoundError
        If the folder of the value has been removed; make it again.
    """

    __slots__ = ("_file", "_pid", "name", "place")

    def __init__(self, place: Place) -> None:
        self.place = place
        self._pid = os.getpid()
        for _ in range(_TRIES):
            self.name = temp_name()
            path = place.base + self.name
            self._file = Descriptor(path, _NEW, 0o666, place.folder_fd)
            try:
                if is_taken(self.fd):
                    return
            except BaseException:
                self.remove()
                raise
            self._file.close()
        raise vanishing(place.key)

    @property
    def fd(self) -> int:
        """The descriptor, or `CLOSED`."""
        return self._file.number

    def close(self) -> None:
        """Close it after it was renamed."""
        self._file.close()

    def remove(self) -> None:
        """Close and remove it, if it was not closed before, or is the parent's."""
        if self.fd != CLOSED and os.getpid() == self._pid:
            remove_temp(self.place, self.name)
        self._file.close()


def is_taken(temp_fd: int) -> bool:
    """Lock a temporary file; False if a sweeper was there before the lock."""
    try:
        fcntl.flock(temp_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.fstat(temp_fd).st_nlink > 0


def remove_temp(place: Place, name: str) -> None:
    """Remove a temporary file, if it was not renamed meanwhile."""
    with contextlib.suppress(OSError):
        os.unlink(place.base + name, dir_fd=place.folder_fd)


def sweep(folder_fd: int, name: str) -> None:
    """Remove a temporary file if its writer is dead; do nothing where that fails."""
    with (
        contextlib.suppress(OSError),
        Descriptor(name, _OLD, dir_fd=folder_fd) as temp_fd,
    ):
        fcntl.flock(temp_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(name, dir_fd=folder_fd)
        _log.info("A temporary file was removed, whose writer has died: %s", name)


def remove_empty_tree(name: str, folder_fd: int | None) -> None:
    """Remove a folder that has no value in it, only folders and what the dead left.

    Raises
    ------
    OSError
        If there is anything else in it; what was empty before may be gone.
    """
    with open_inner(folder_fd, name) as inner_fd, os.scandir(inner_fd) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                remove_empty_tree(entry.name, inner_fd)
            elif entry.name.startswith(TEMP_PREFIX):
                sweep(inner_fd, entry.name)
            else:
                break
    os.rmdir(name, dir_fd=folder_fd)
