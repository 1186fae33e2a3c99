"""One writer a key, among all processes on the machine."""

import contextlib
import errno
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Final, TypeVar
from zlib import crc32

from minimalkv._fork import tell_after_fork
from minimalkv._fs.descriptors import Descriptor
from minimalkv._fs.places import make_root, open_folder

if sys.platform != "win32":
    import fcntl

_T = TypeVar("_T")

LOCKS_FOLDER: Final = ";locks"
_COUNT: Final = 64
# To write, though nobody does: NFS locks nothing else exclusively, see flock(2).
_LOCK_FILE: Final = os.O_RDWR | os.O_NOFOLLOW
_NEW_FILE: Final = _LOCK_FILE | os.O_CREAT | os.O_EXCL


class _ThreadLocks:
    """On NFS `flock` is a lock of the process, which does not stop its own threads."""

    def __init__(self) -> None:
        self._after_fork()
        tell_after_fork(self)

    def _after_fork(self) -> None:
        self.locks = [threading.Lock() for _ in range(_COUNT)]


_threads = _ThreadLocks()


def locked(root: str, keys: Iterable[str], action: Callable[[int], _T]) -> _T:
    """Do something while nobody else writes to some keys below a root.

    A function and no ``with`` block: between the lock and such a block an exception
    from a signal could come, and the lock would be held for ever.

    Parameters
    ----------
    root : str
        The folder.
    keys : iterable of str
        The keys.
    action : callable
        Gets the descriptor of a lock file that is held. It must not lock again.
    """
    # Always in the same order, so that two movers never wait for each other.
    return _locked(root, sorted(set(map(_number, keys))), action)


def _number(key: str) -> int:
    return crc32(key.encode()) % _COUNT


def _locked(root: str, numbers: list[int], action: Callable[[int], _T]) -> _T:
    number, *others = numbers
    with _threads.locks[number]:
        lock = _open(root, f"{number:02d}")
        try:
            fcntl.flock(lock.number, fcntl.LOCK_EX)
            if others:
                return _locked(root, others, action)
            return action(lock.number)
        finally:
            # Closing alone would leave the lock to a child that was forked. The file
            # stays: whoever unlinks a lock file lets two in.
            try:
                fcntl.flock(lock.number, fcntl.LOCK_UN)
            except OSError:
                pass
            finally:
                lock.close()


def _open(root: str, name: str) -> Descriptor:
    folder = f"{root}/{LOCKS_FOLDER}"
    # A folder and no link, which would lead out. Looking is cheaper than opening it.
    if not _is_folder(folder):
        _make_folder(root)
    try:
        return Descriptor(f"{folder}/{name}", _LOCK_FILE)
    except FileNotFoundError:
        with open_folder(root, [LOCKS_FOLDER]) as folder_fd:
            return _create(name, folder_fd)


def _is_folder(path: str) -> bool:
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(mode):
        raise NotADirectoryError(errno.ENOTDIR, "this is no folder for locks", path)
    return True


def _create(name: str, folder_fd: int) -> Descriptor:
    try:
        lock = Descriptor(name, _NEW_FILE, 0o666, folder_fd)
    except FileExistsError:
        return Descriptor(name, _LOCK_FILE, dir_fd=folder_fd)
    os.fchmod(lock.number, os.fstat(folder_fd).st_mode & 0o666)
    return lock


def _make_folder(root: str) -> None:
    """Make the folder for all who may write to the root, whatever their umask."""
    make_root(root, fsync=False)
    with contextlib.suppress(FileExistsError), open_folder(root, []) as root_fd:
        os.mkdir(LOCKS_FOLDER, dir_fd=root_fd)
        mode = stat.S_IMODE(os.fstat(root_fd).st_mode)
        os.chmod(LOCKS_FOLDER, mode, dir_fd=root_fd)
