"""Files that are there: opening, reading, listing."""

import os
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

from minimalkv._errors import StoreError
from minimalkv._fs.places import Place, open_folder, open_inner
from minimalkv._fs.temps import TEMP_PREFIX, sweep
from minimalkv._meta import ObjectMeta, guess_content_type

# Not blocking: whoever plants a pipe in the folder must not stop the server.
_READ: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_OURS: Final = ";"


def open_value(place: Place) -> tuple[int, os.stat_result]:
    """Open a value; FileNotFoundError if it is anything but a regular file."""
    value_fd = os.open(place.path, _READ, dir_fd=place.folder_fd)
    found = os.fstat(value_fd)
    if not stat.S_ISREG(found.st_mode):
        os.close(value_fd)
        raise FileNotFoundError(2, "not a regular file", place.key)
    return value_fd, found


def read_value(path: str, folder_fd: int | None) -> bytes:
    """Read a whole value with as few calls as there can be."""
    value_fd = os.open(path, _READ, dir_fd=folder_fd)
    try:
        found = os.fstat(value_fd)
        if not stat.S_ISREG(found.st_mode):
            raise FileNotFoundError(2, "not a regular file", path)
        return read_fd(value_fd, found.st_size)
    finally:
        os.close(value_fd)


def stat_value(place: Place) -> os.stat_result | None:
    """Look at a value without opening it; None if there is none."""
    try:
        found = os.stat(place.path, dir_fd=place.folder_fd, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def read_fd(value_fd: int, size: int) -> bytes:
    """Read a whole file of a known size."""
    data = os.read(value_fd, size)
    if len(data) == size:
        return data
    parts = [data]
    left = size - len(data)
    while left and (data := os.read(value_fd, left)):
        parts.append(data)
        left -= len(data)
    if left:
        raise StoreError(
            f"A file became {left} bytes shorter while it was read: some other program "
            "writes into the files of the store."
        )
    return b"".join(parts)


def version(found: os.stat_result) -> str:
    """Make the etag of a file out of what changes with every publication."""
    return f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"


def describe(key: str, found: os.stat_result) -> ObjectMeta:
    """Make the facts about a value out of those about its file."""
    return ObjectMeta(
        key,
        found.st_size,
        etag=version(found),
        modified=datetime.fromtimestamp(found.st_mtime, UTC),
        content_type=guess_content_type(key),
    )


class Found(NamedTuple):
    """A key that a listing came upon, and where its file is."""

    key: str
    folder_fd: int
    name: str


class Scan:
    """A listing of the values below a root, a batch of one folder after the other.

    It never follows a symbolic link, and removes what killed writers left behind.

    Parameters
    ----------
    root, prefix : str
        Where to look, and what the keys begin with.
    nested : bool
        Whether keys have slashes, that is, whether to look into folders.
    is_key : callable
        Tells the keys from the other files.
    """

    def __init__(
        self, root: str, prefix: str, *, nested: bool, is_key: Callable[[str], bool]
    ) -> None:
        self.root = root
        self.prefix = prefix
        self.nested = nested
        self.is_key = is_key

    def __iter__(self) -> Iterator[Found]:
        opened = self._open_start()
        if opened is not None:
            yield from self._folder(*opened)

    def folders_and_files(self) -> Iterator[str]:
        """Yield the files of one folder, and its folders that have values in them."""
        opened = self._open_start()
        if opened is None:
            return
        folder_fd, above = opened
        for entry in _entries(folder_fd):
            key = above + entry.name
            if not entry.is_dir(follow_symlinks=False):
                if self._is_value(key, entry):
                    yield key
            elif key.startswith(self.prefix) and self._has_values(f"{key}/"):
                yield f"{key}/"

    def _has_values(self, prefix: str) -> bool:
        inner = Scan(self.root, prefix, nested=True, is_key=self.is_key)
        return next(iter(inner), None) is not None

    def _open_start(self) -> tuple[int, str] | None:
        above, slash, _ = self.prefix.rpartition("/")
        folders = above.split("/") if slash else []
        if folders and not self.nested:
            return None
        if not all(map(self.is_key, folders)):
            return None
        try:
            return open_folder(self.root, folders), above + slash
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _folder(self, folder_fd: int, above: str) -> Iterator[Found]:
        for entry in _entries(folder_fd):
            key = above + entry.name
            if entry.is_dir(follow_symlinks=False):
                if self._leads_on(key):
                    yield from self._inner(folder_fd, entry.name, f"{key}/")
            elif self._is_value(key, entry):
                yield Found(key, folder_fd, entry.name)

    def _inner(self, folder_fd: int, name: str, above: str) -> Iterator[Found]:
        try:
            inner_fd = open_inner(folder_fd, name)
        except (FileNotFoundError, NotADirectoryError):
            return
        yield from self._folder(inner_fd, above)

    def _leads_on(self, folder: str) -> bool:
        if not self.nested or not self.is_key(folder):
            return False
        path = f"{folder}/"
        return path.startswith(self.prefix) or self.prefix.startswith(path)

    def _is_value(self, key: str, entry: "os.DirEntry[str]") -> bool:
        return (
            key.startswith(self.prefix)
            and entry.is_file(follow_symlinks=False)
            and self.is_key(key)
        )


def _entries(folder_fd: int) -> Iterator["os.DirEntry[str]"]:
    """Yield what is in a folder but what is ours, and close the folder."""
    try:
        with os.scandir(folder_fd) as entries:
            for entry in entries:
                if not entry.name.startswith(_OURS):
                    yield entry
                elif entry.name.startswith(TEMP_PREFIX):
                    sweep(folder_fd, entry.name)
    finally:
        os.close(folder_fd)
