"""Where a key lives below the root, reached without following a symbolic link."""

import contextlib
import os
from types import TracebackType
from typing import Final, Self

from minimalkv._errors import StoreError
from minimalkv._fs.descriptors import Descriptor

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY
_TRIES: Final = 100


class Place:
    """A folder and a name in it, for the functions of `os` that take ``dir_fd``.

    A key without a slash needs no folder to be opened: *folder_fd* is None, and *base*
    is the path of the root. It closes what it opened when its ``with`` block ends.
    """

    __slots__ = ("_folder", "base", "folder_fd", "key", "name")

    def __init__(self, base: str, folder: Descriptor | None, key: str) -> None:
        self.base = base
        self._folder = folder
        self.folder_fd = None if folder is None else folder.number
        self.key = key
        self.name = key.rpartition("/")[2]

    @property
    def path(self) -> str:
        return self.base + self.name

    def close(self) -> None:
        """Close the folder, if it was opened."""
        if self._folder is not None:
            self._folder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def sync(self) -> None:
        """Make what was renamed or deleted in the folder survive a power cut."""
        if self.folder_fd is not None:
            os.fsync(self.folder_fd)
        else:
            sync_folder(self.base)


def sync_folder(path: str) -> None:
    """Make the entries of a folder survive a power cut."""
    with Descriptor(path, _FOLDER) as folder_fd:
        os.fsync(folder_fd)


def folders_of(key: str) -> list[str]:
    """Return the folders of a key, none of which may lead upwards.

    No key that was checked has such a folder; this is for callers that forgot.
    """
    folders = key.split("/")[:-1]
    if not {"", ".", ".."}.isdisjoint(folders):
        raise FileNotFoundError(2, "not a folder of values", key)
    return folders


def find(root: str, key: str) -> Place:
    """Find the place of a key; FileNotFoundError or NotADirectoryError if not there."""
    if "/" not in key:
        return Place(f"{root}/", None, key)
    return Place("", open_folder(root, folders_of(key)), key)


def make(root: str, key: str, *, fsync: bool) -> Place:
    """Find the place of a key, with all the folders that it needs."""
    if "/" not in key:
        return Place(f"{root}/", None, key)
    folders = folders_of(key)
    for _ in range(_TRIES):
        try:
            return Place("", _make_folder(root, folders, fsync=fsync), key)
        except FileNotFoundError:
            # A folder went between mkdir and open: somebody deleted its last value.
            make_root(root, fsync=fsync)
    raise vanishing(key)


def vanishing(key: str) -> FileNotFoundError:
    """Make the error for when others remove a folder as fast as it is made."""
    return FileNotFoundError(2, "the folder is deleted again and again", key)


def require_folder(root: str) -> None:
    """Refuse a root that is there and no folder: its values are not missing.

    Raises
    ------
    StoreError
        If it is a file, or a symbolic link to what is not mounted.
    """
    if os.path.lexists(root) and not os.path.isdir(root):
        raise StoreError(
            f"{root!r} is no folder, but a file, or a link to nothing (not mounted?)."
        )


def make_root(root: str, *, fsync: bool) -> None:
    """Make the root and what it stands in."""
    if os.path.isdir(root):
        return
    above = os.path.dirname(root)
    if above != root:
        make_root(above, fsync=fsync)
    try:
        os.mkdir(root)
    except FileExistsError:
        require_folder(root)
        return
    if fsync:
        sync_folder(above)


def open_folder(root: str, folders: list[str]) -> Descriptor:
    """Open a folder below the root; the root itself may be a symbolic link."""
    folder = Descriptor(root, _FOLDER)
    for name in folders:
        with folder as folder_fd:
            folder = open_inner(folder_fd, name)
    return folder


def open_inner(folder_fd: int | None, name: str) -> Descriptor:
    """Open a folder in a folder."""
    return Descriptor(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder_fd)


def _make_folder(root: str, folders: list[str], *, fsync: bool) -> Descriptor:
    folder = Descriptor(root, _FOLDER)
    for name in folders:
        with folder as folder_fd:
            folder = _make_step(folder_fd, name, fsync=fsync)
    return folder


def _make_step(folder_fd: int, name: str, *, fsync: bool) -> Descriptor:
    try:
        return open_inner(folder_fd, name)
    except FileNotFoundError:
        pass
    try:
        os.mkdir(name, dir_fd=folder_fd)
        if fsync:
            os.fsync(folder_fd)
    except FileExistsError:
        pass
    return open_inner(folder_fd, name)


def remove_empty_folders(root: str, key: str) -> None:
    """Remove the folders of a key that have nothing in them any more."""
    folders = key.split("/")[:-1]
    with contextlib.suppress(OSError):
        while folders:
            name = folders.pop()
            with open_folder(root, folders) as folder_fd:
                os.rmdir(name, dir_fd=folder_fd)
