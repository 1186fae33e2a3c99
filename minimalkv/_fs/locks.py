"""One writer a key, among all processes on the machine."""

import os
import sys
import threading
from types import TracebackType
from typing import Final
from zlib import crc32

from minimalkv._fork import tell_after_fork
from minimalkv._fs.places import make_root

if sys.platform != "win32":
    import fcntl

LOCKS_FOLDER: Final = ";locks"
_COUNT: Final = 64
# To write, though nobody does: NFS locks nothing else exclusively, see flock(2).
_LOCK_FILE: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class _ThreadLocks:
    """On NFS `flock` is a lock of the process, which does not stop its own threads."""

    def __init__(self) -> None:
        self._after_fork()
        tell_after_fork(self)

    def _after_fork(self) -> None:
        self.locks = [threading.Lock() for _ in range(_COUNT)]


_threads = _ThreadLocks()


class KeyLock:
    """The lock of one or two keys below a root, held in a ``with`` block.

    The 64 lock files stay: whoever unlinks a lock file lets two in. The lock is given
    back by LOCK_UN and not by closing alone, for a child that was forked meanwhile
    has the same open file.
    """

    __slots__ = ("_fds", "_numbers", "_root", "_thread_locks")

    def __init__(self, root: str, *keys: str) -> None:
        self._root = root
        # Always in the same order, so that two movers never wait for each other.
        self._numbers = sorted({crc32(key.encode()) % _COUNT for key in keys})
        self._fds: list[int] = []
        self._thread_locks: list[threading.Lock] = []

    def __enter__(self) -> None:
        try:
            for number in self._numbers:
                thread_lock = _threads.locks[number]
                thread_lock.acquire()
                self._thread_locks.append(thread_lock)
                lock_fd = self._open(number)
                self._fds.append(lock_fd)
                fcntl.flock(lock_fd, fcntl.LOCK_EX)
        except BaseException:
            self._release()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._release()

    def _release(self) -> None:
        for lock_fd in self._fds:
            fcntl.flock(lock_fd, fcntl.LOCK_UN)
            os.close(lock_fd)
        for thread_lock in self._thread_locks:
            thread_lock.release()

    def _open(self, number: int) -> int:
        path = f"{self._root}/{LOCKS_FOLDER}/{number:02d}"
        try:
            return os.open(path, _LOCK_FILE, 0o666)
        except FileNotFoundError:
            make_root(f"{self._root}/{LOCKS_FOLDER}", fsync=False)
            return os.open(path, _LOCK_FILE, 0o666)
