"""Where a key lives below the root, reached without following a symbolic link."""

import os
from types import TracebackType
from typing import Final, Self

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_TRIES: Final = 100


class Place:
    """A folder and a name in it, for the functions of `os` that take ``dir_fd``.

    A key without a slash needs no folder to be opened: *folder_fd* is None, and *base*
    is the path of the root. It closes what it opened when its ``with`` block ends.
    """

    __slots__ = ("base", "folder_fd", "key", "name")

    def __init__(self, base: str, folder_fd: int | None, key: str) -> None:
        self.base = base
        self.folder_fd = folder_fd
        self.key = key
        self.name = key.rpartition("/")[2]

    @property
    def path(self) -> str:
        return self.base + self.name

    def close(self) -> None:
        """Close the folder, if it was opened; only once."""
        if self.folder_fd is not None:
            os.close(self.folder_fd)

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
    folder_fd = os.open(path, _FOLDER)
    try:
        os.fsync(folder_fd)
    finally:
        os.close(folder_fd)


def find(root: str, key: str) -> Place:
    """Find the place of a key; FileNotFoundError or NotADirectoryError if not there."""
    if "/" not in key:
        return Place(f"{root}/", None, key)
    return Place("", open_folder(root, key.split("/")[:-1]), key)


def make(root: str, key: str, *, fsync: bool) -> Place:
    """Find the place of a key, with all the folders that it needs."""
    if "/" not in key:
        return Place(f"{root}/", None, key)
    folders = key.split("/")[:-1]
    for _ in range(_TRIES):
        try:
            return Place("", _make_folder(root, folders, fsync=fsync), key)
        except FileNotFoundError:
            # A folder went between mkdir and open: somebody deleted its last value.
            make_root(root, fsync=fsync)
    raise FileNotFoundError(2, "the folder is deleted again and again", key)


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
        return
    if fsync:
        sync_folder(above)


def open_folder(root: str, folders: list[str]) -> int:
    """Open a folder below the root; the root itself may be a symbolic link."""
    folder_fd = os.open(root, _FOLDER)
    for name in folders:
        folder_fd = _step(folder_fd, name)
    return folder_fd


def open_inner(folder_fd: int, name: str) -> int:
    """Open a folder in a folder."""
    return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder_fd)


def _step(folder_fd: int, name: str) -> int:
    try:
        return open_inner(folder_fd, name)
    finally:
        os.close(folder_fd)


def _make_folder(root: str, folders: list[str], *, fsync: bool) -> int:
    folder_fd = os.open(root, _FOLDER)
    for name in folders:
        try:
            inner_fd = _make_step(folder_fd, name, fsync=fsync)
        finally:
            os.close(folder_fd)
        folder_fd = inner_fd
    return folder_fd


def _make_step(folder_fd: int, name: str, *, fsync: bool) -> int:
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
    while folders:
        name = folders.pop()
        try:
            folder_fd = open_folder(root, folders)
        except OSError:
            return
        try:
            os.rmdir(name, dir_fd=folder_fd)
        except OSError:
            return
        finally:
            os.close(folder_fd)
