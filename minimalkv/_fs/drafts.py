"""From a temporary file to the value, in one step that others can rely on."""

import contextlib
import os
import time
from typing import NamedTuple

from minimalkv._conditions import check_condition
from minimalkv._fs.errors import OsErrors, conflict, writing_error
from minimalkv._fs.locks import KeyLock
from minimalkv._fs.places import Place, find, make, remove_empty_folders
from minimalkv._fs.reading import open_value, stat_value, version
from minimalkv._fs.temps import create_temp
from minimalkv._streams import write_all

_TRIES = 100


class Disk(NamedTuple):
    """Where values are written, and how.

    Parameters
    ----------
    root : str
        The folder.
    perm : int or None
        Permissions of a value's file; None for what the umask leaves.
    fsync : bool
        Whether what was acknowledged survives a power cut.
    """

    root: str
    perm: int | None
    fsync: bool


class Draft:
    """A value that is being written; `publish` makes it the value, in one step."""

    __slots__ = ("_disk", "_fd", "_if_absent", "_if_match", "_name", "_place")

    def __init__(
        self,
        disk: Disk,
        key: str,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> None:
        self._disk = disk
        self._if_absent = if_absent
        self._if_match = if_match
        with OsErrors(writing_error, key):
            self._place, self._fd, self._name = _begin(disk, key)

    def write(self, data: bytes) -> None:
        """Write all of *data*."""
        with OsErrors(writing_error, self._place.key):
            write_all(self._write, data)

    def _write(self, data: bytes | memoryview) -> int:
        return os.write(self._fd, data)

    def publish(self) -> None:
        """Make it the value; on any error the old value is unchanged."""
        with OsErrors(writing_error, self._place.key):
            if self._disk.perm is not None:
                os.fchmod(self._fd, self._disk.perm)
            self._publish(self._fd, self._temp, self._place.folder_fd)
        self._close()

    def adopt(self, fd: int, path: str) -> None:
        """Make the file *path*, open as *fd*, the value instead of what was written.

        Raises
        ------
        OSError
            If it cannot be renamed to here, by nobody's fault: it is on another disk,
            or somebody else's. It is unchanged then.
        """
        old_mode = os.fstat(fd).st_mode
        perm = self._disk.perm
        os.fchmod(fd, os.fstat(self._fd).st_mode & 0o777 if perm is None else perm)
        try:
            self._publish(fd, path, None)
        except BaseException:
            with contextlib.suppress(OSError):
                os.fchmod(fd, old_mode & 0o7777)
            raise

    def _publish(self, fd: int, path: str, folder_fd: int | None) -> None:
        place = self._place
        if self._disk.fsync:
            os.fsync(fd)
        with KeyLock(self._disk.root, place.key):
            old = stat_value(place)
            check_condition(
                place.key,
                old and version(old),
                if_absent=self._if_absent,
                if_match=self._if_match,
            )
            stamp(fd, old)
            replace(path, folder_fd, place)
        if self._disk.fsync:
            place.sync()

    @property
    def _temp(self) -> str:
        return self._place.base + self._name

    def discard(self) -> None:
        """Forget what was written; after `publish` that is nothing."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.unlink(self._temp, dir_fd=self._place.folder_fd)
            self._close()

    def _close(self) -> None:
        os.close(self._fd)
        self._fd = -1
        self._place.close()


def _begin(disk: Disk, key: str) -> tuple[Place, int, str]:
    for _ in range(_TRIES):
        place = make(disk.root, key, fsync=disk.fsync)
        try:
            return place, *create_temp(place)
        except FileNotFoundError:
            # The folder was removed after it was opened; make it again.
            place.close()
        except BaseException:
            place.close()
            raise
    raise FileNotFoundError(2, "the folder is deleted again and again", key)


def stamp(value_fd: int, old: os.stat_result | None) -> None:
    """Give a file a time of change that the value it replaces has not had.

    The kernel's own stamps tick every few milliseconds only, and inode numbers are used
    again at once, so that two versions could look the same.
    """
    now = time.time_ns()
    if old is not None:
        now = max(now, old.st_mtime_ns + 1)
    os.utime(value_fd, ns=(now, now))


def replace(source: str, source_fd: int | None, place: Place) -> None:
    """Rename a file to be the value of a place."""
    try:
        os.replace(source, place.path, src_dir_fd=source_fd, dst_dir_fd=place.folder_fd)
    except IsADirectoryError:
        # Perhaps an empty folder, left by a delete that was killed.
        try:
            os.rmdir(place.path, dir_fd=place.folder_fd)
        except OSError:
            raise conflict(place.key) from None
        os.replace(source, place.path, src_dir_fd=source_fd, dst_dir_fd=place.folder_fd)


def move(disk: Disk, source: str, dest: str) -> None:
    """Rename a value, whatever its size; FileNotFoundError if there is none."""
    with find(disk.root, source) as origin:
        with make(disk.root, dest, fsync=disk.fsync) as place:
            with KeyLock(disk.root, source, dest):
                value_fd, _ = open_value(origin)
                try:
                    stamp(value_fd, stat_value(place))
                finally:
                    os.close(value_fd)
                replace(origin.path, origin.folder_fd, place)
            if disk.fsync:
                place.sync()
        if disk.fsync:
            origin.sync()
    remove_empty_folders(disk.root, source)


def delete(disk: Disk, key: str, if_match: str | None) -> None:
    """Delete a value; FileNotFoundError where not even its folder is there."""
    with find(disk.root, key) as place:
        if if_match is None and stat_value(place) is None:
            return
        with KeyLock(disk.root, key):
            old = stat_value(place)
            check_condition(key, old and version(old), if_match=if_match)
            if old is not None:
                os.unlink(place.path, dir_fd=place.folder_fd)
        if disk.fsync:
            place.sync()
    remove_empty_folders(disk.root, key)
