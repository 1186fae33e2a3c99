"""A file of the caller that becomes a value without being copied."""

import contextlib
import os
import stat
from typing import Any, Final

from minimalkv._fs.descriptors import Descriptor
from minimalkv._fs.drafts import Disk, Draft
from minimalkv._fs.errors import OsErrors, writing_error
from minimalkv._fs.reading import stat_value
from minimalkv._fs.temps import is_taken, remove_temp, temp_name

_SOURCE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


class Source:
    """The file that the caller gave, told from others by its inode and not its name.

    Parameters
    ----------
    filename : str
        Its name. Whoever puts another file in its place keeps that one.

    Raises
    ------
    OSError
        If there is none, or it cannot be read.
    """

    def __init__(self, filename: str) -> None:
        self._filename = filename
        found = os.lstat(filename)
        # A symbolic link is not the caller's to give away, and a file with other names
        # is not: whoever writes through those would change the value.
        self.is_movable = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
        self._inode = (found.st_dev, found.st_ino)

    def move(self, disk: Disk, key: str, conditions: dict[str, Any]) -> bool:
        """Make the file the value of a key; False if it has to be copied.

        Raises
        ------
        KeyExists, PreconditionFailed, KeyConflict, StoreError
            If the value cannot be replaced; the file is where it was.
        """
        draft = Draft(disk, key, **conditions)
        try:
            if self._is(stat_value(draft.place)):
                return True
            if not self._link(draft):
                return False
            draft.finish()
        finally:
            draft.discard()
        self.remove()
        return True

    def _link(self, draft: Draft) -> bool:
        """Give the file a second name beside the value, and rename that.

        So the caller's name is there until the value is. Another disk, another owner
        and a file system without links refuse.
        """
        name = temp_name()
        with contextlib.ExitStack() as undo:
            try:
                source = Descriptor(self._filename, _SOURCE)
                undo.callback(source.close)
                self._prepare(source.number, draft, name, undo)
            except OSError:
                return False
            with OsErrors(writing_error, draft.place.key):
                draft.replace_by(source.number, name)
            undo.pop_all()
            source.close()
        return True

    def _prepare(
        self, source_fd: int, draft: Draft, name: str, undo: contextlib.ExitStack
    ) -> None:
        found = os.fstat(source_fd)
        if not self._is(found) or not is_taken(source_fd):
            raise BlockingIOError("somebody else works on the file")
        os.fchmod(source_fd, draft.mode())
        undo.callback(os.fchmod, source_fd, stat.S_IMODE(found.st_mode))
        times = (found.st_atime_ns, found.st_mtime_ns)
        undo.callback(os.utime, source_fd, ns=times)
        place = draft.place
        os.link(self._filename, place.base + name, dst_dir_fd=place.folder_fd)
        undo.callback(remove_temp, place, name)
        if not self._is(os.stat(place.base + name, dir_fd=place.folder_fd)):
            raise BlockingIOError("somebody put another file in its place")

    def remove(self) -> None:
        """Remove the caller's name, if it still is that of the file."""
        with contextlib.suppress(OSError):
            if self._is(os.lstat(self._filename)):
                os.unlink(self._filename)

    def _is(self, found: os.stat_result | None) -> bool:
        return found is not None and (found.st_dev, found.st_ino) == self._inode
