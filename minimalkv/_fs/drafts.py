"""From a temporary file to the value, in one step that others can rely on."""

import os
import time
from functools import partial
from typing import NamedTuple

from minimalkv._conditions import check_condition
from minimalkv._constants import CHUNK_BYTES
from minimalkv._errors import KeyConflict, KeyNotFound
from minimalkv._fs.descriptors import CLOSED
from minimalkv._fs.errors import OsErrors, conflict, unknown_error, writing_error
from minimalkv._fs.locks import locked
from minimalkv._fs.places import (
    Place,
    find,
    make,
    make_root,
    remove_empty_folders,
    require_folder,
    vanishing,
)
from minimalkv._fs.reading import open_value, stat_value, version
from minimalkv._fs.temps import Temp, remove_empty_tree
from minimalkv._streams import write_all

_TRIES = 100
_SECOND = 1_000_000_000
_COPY_BYTES = 2**30


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

    __slots__ = ("_disk", "_if_absent", "_if_match", "_temp")

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
        try:
            with OsErrors(writing_error, key):
                self._temp = _begin(disk, key)
        except KeyConflict:
            # Unless it is the root itself that is no folder.
            require_folder(disk.root)
            raise

    def write(self, data: bytes) -> None:
        """Write all of *data*."""
        with OsErrors(writing_error, self.place.key):
            write_all(self._write, data)

    def _write(self, data: bytes | memoryview) -> int:
        return os.write(self._temp.fd, data)

    def publish(self) -> None:
        """Make it the value.

        Raises
        ------
        StoreUnavailable
            If it is the value, but perhaps only until a power cut.
        StoreError
            If it could not be made the value; the old one is unchanged.
        """
        with OsErrors(writing_error, self.place.key):
            if self._disk.perm is not None:
                os.fchmod(self._temp.fd, self._disk.perm)
            self.replace_by(self._temp.fd, self._temp.name)
        self._temp.close()
        self._sync()
        self.place.close()

    def mode(self) -> int:
        """Return the permissions that the value is to have."""
        perm = self._disk.perm
        return os.fstat(self._temp.fd).st_mode & 0o777 if perm is None else perm

    @property
    def fd(self) -> int:
        """The descriptor of what is being written."""
        return self._temp.fd

    @property
    def place(self) -> Place:
        """Where the value will be."""
        return self._temp.place

    def replace_by(self, fd: int, name: str) -> None:
        """Rename a file beside the value, open as *fd*, to be the value."""
        if self._disk.fsync:
            os.fsync(fd)
        rename = partial(self._rename, fd, name)
        locked(self._disk.root, [self.place.key], rename)

    def _rename(self, fd: int, name: str, lock_fd: int) -> None:
        place = self.place
        old = stat_value(place)
        if self._if_absent or self._if_match is not None:
            check_condition(
                place.key,
                old and version(old),
                if_absent=self._if_absent,
                if_match=self._if_match,
            )
        stamp(fd, old, lock_fd)
        replace(place.base + name, place.folder_fd, place)

    def _sync(self) -> None:
        if self._disk.fsync:
            with OsErrors(unknown_error, self.place.key):
                self.place.sync()

    def finish(self) -> None:
        """Do what follows a `replace_by` of another file than what was written."""
        self._sync()
        self.discard()

    def discard(self) -> None:
        """Forget what was written; after `publish` that is nothing."""
        if self._temp.fd != CLOSED:
            self._temp.remove()
            remove_empty_folders(self._disk.root, self.place.key)
        self.place.close()


def _begin(disk: Disk, key: str) -> Temp:
    for _ in range(_TRIES):
        place = make(disk.root, key, fsync=disk.fsync)
        try:
            return Temp(place)
        except FileNotFoundError:
            # The folder was removed after it was opened, or never made: the root.
            place.close()
            make_root(disk.root, fsync=disk.fsync)
        except BaseException:
            place.close()
            raise
    raise vanishing(key)


def stamp(value_fd: int, old: os.stat_result | None, lock_fd: int) -> None:
    """Give a file a time of change that no value under this lock has had.

    The kernel's own stamps tick every few milliseconds, inode numbers are used again at
    once, and clocks are set back: two versions could look the same. So the lock file
    remembers the last stamp. Some file systems keep whole seconds, or every other one.
    """
    lock = os.fstat(lock_fd)
    newest = lock.st_mtime_ns
    if old is not None:
        newest = max(newest, old.st_mtime_ns)
    now = max(time.time_ns(), newest + 1)
    os.utime(value_fd, ns=(now, now))
    if lock.st_dev not in _exact_devices:
        now = _stamp_coarsely(value_fd, now, newest)
    os.utime(lock_fd, ns=(now, now))


# File systems that were seen to keep a stamp to the nanosecond.
_exact_devices: set[int] = set()


def _stamp_coarsely(value_fd: int, now: int, newest: int) -> int:
    """Go on until what was kept is newer than all before, and return that."""
    kept = os.fstat(value_fd)
    if kept.st_mtime_ns == now and now % 1000:
        _exact_devices.add(kept.st_dev)
    while kept.st_mtime_ns <= newest:
        now += _SECOND
        os.utime(value_fd, ns=(now, now))
        kept = os.fstat(value_fd)
    return kept.st_mtime_ns


def replace(source: str, source_fd: int | None, place: Place) -> None:
    """Rename a file to be the value of a place."""
    try:
        _rename(source, source_fd, place)
    except IsADirectoryError:
        # Perhaps empty folders, left by a delete that was killed.
        try:
            remove_empty_tree(place.path, place.folder_fd)
        except OSError:
            raise conflict(place.key) from None
        _rename(source, source_fd, place)


def _rename(source: str, source_fd: int | None, place: Place) -> None:
    os.replace(source, place.path, src_dir_fd=source_fd, dst_dir_fd=place.folder_fd)


def move(disk: Disk, source: str, dest: str) -> None:
    """Rename a value, whatever its size; FileNotFoundError if there is none."""
    with find(disk.root, source) as origin:
        try:
            _move_from(disk, origin, dest)
        except BaseException:
            remove_empty_folders(disk.root, dest)
            raise
        if disk.fsync:
            with OsErrors(unknown_error, source):
                origin.sync()
    remove_empty_folders(disk.root, source)


def _move_from(disk: Disk, origin: Place, dest: str) -> None:
    for _ in range(_TRIES):
        with (
            OsErrors(writing_error, dest),
            make(disk.root, dest, fsync=disk.fsync) as place,
        ):
            rename = partial(_is_renamed, origin, place)
            if locked(disk.root, [origin.key, dest], rename):
                if disk.fsync:
                    with OsErrors(unknown_error, dest):
                        place.sync()
                return
    raise vanishing(dest)


def _is_renamed(origin: Place, place: Place, lock_fd: int) -> bool:
    """Rename; False if the folder has been removed, and has to be made again.

    Raises
    ------
    KeyNotFound
        If there is nothing to rename.
    """
    if stat_value(origin) is None:
        raise KeyNotFound(origin.key)
    value, found = open_value(origin)
    with value as value_fd:
        stamp(value_fd, stat_value(place), lock_fd)
        try:
            replace(origin.path, origin.folder_fd, place)
        except BaseException as error:
            os.utime(value_fd, ns=(found.st_atime_ns, found.st_mtime_ns))
            if isinstance(error, FileNotFoundError):
                return False
            raise
    return True


def delete(disk: Disk, key: str, if_match: str | None) -> None:
    """Delete a value; without one, or its folder, there is nothing to do."""
    with OsErrors(writing_error, key):
        try:
            place = find(disk.root, key)
        except (FileNotFoundError, NotADirectoryError):
            check_condition(key, None, if_match=if_match)
            return
    with place, OsErrors(writing_error, key):
        if if_match is None and stat_value(place) is None:
            return
        locked(disk.root, [key], lambda _: _unlink(place, if_match))
        if disk.fsync:
            with OsErrors(unknown_error, key):
                place.sync()
    remove_empty_folders(disk.root, key)


def _unlink(place: Place, if_match: str | None) -> None:
    old = stat_value(place)
    check_condition(place.key, old and version(old), if_match=if_match)
    if old is not None:
        os.unlink(place.path, dir_fd=place.folder_fd)


def copy_bytes(draft: Draft, source_fd: int) -> None:
    """Copy a file into a draft, inside of the system where it can."""
    try:
        while os.copy_file_range(source_fd, draft.fd, _COPY_BYTES):
            pass
    except OSError:
        # Not on this file system. The position tells where to go on.
        while chunk := os.read(source_fd, CHUNK_BYTES):
            draft.write(chunk)
