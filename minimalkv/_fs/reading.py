"""Files that are there: opening, reading, listing."""

import os
import stat
from collections.abc import Callable, Generator, Iterator
from typing import Final, NamedTuple

from minimalkv._errors import StoreError
from minimalkv._fs.descriptors import Descriptor
from minimalkv._fs.places import Place, open_folder
from minimalkv._fs.temps import TEMP_PREFIX, sweep
from minimalkv._meta import ObjectMeta, guess_content_type, utc

# Not blocking: whoever plants a pipe in the folder must not stop the server.
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_OURS: Final = ";"
_DEEP: Final = 100


def open_value(place: Place) -> tuple[Descriptor, os.stat_result]:
    """Open a value; FileNotFoundError if it is anything but a regular file."""
    value = Descriptor(place.path, _READ, dir_fd=place.folder_fd)
    try:
        return value, _stat_file(value.number)
    except BaseException:
        value.close()
        raise


def _stat_file(value_fd: int) -> os.stat_result:
    found = os.fstat(value_fd)
    if not stat.S_ISREG(found.st_mode):
        raise FileNotFoundError(2, "not a regular file")
    return found


def read_path(path: str) -> bytes:
    """Read a whole value by its path, with as little around it as there can be."""
    # As in `Descriptor`, without what that takes.
    numbers: list[int] = []
    try:
        numbers.extend(map(os.open, (path,), (_READ | os.O_CLOEXEC,)))
        return read_fd(numbers[0], _stat_file(numbers[0]).st_size)
    finally:
        if numbers:
            os.close(numbers.pop())


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
        modified=utc(found.st_mtime),
        content_type=guess_content_type(key),
    )


class Entry(NamedTuple):
    """What stands in a folder."""

    name: str
    is_folder: bool
    is_file: bool
    # Of files, where the listing is to tell about them.
    found: os.stat_result | None


class _Level:
    """A folder that is being listed, with the keys of those above before its names."""

    def __init__(
        self, folder: Descriptor, above: str, *, look: bool, at_once: bool
    ) -> None:
        self.above = above
        self._entries = _entries(folder, look=look)
        if at_once:
            self._entries = iter(list(self._entries))

    def next(self) -> Entry | None:
        return next(self._entries, None)

    def close(self) -> None:
        if isinstance(self._entries, Generator):
            self._entries.close()


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
    look : bool
        Whether to find out about the files, too.
    """

    def __init__(
        self,
        root: str,
        prefix: str,
        *,
        nested: bool,
        is_key: Callable[[str], bool],
        look: bool = False,
    ) -> None:
        self.root = root
        self.prefix = prefix
        self.nested = nested
        self.is_key = is_key
        self.look = look

    def __iter__(self) -> Iterator[tuple[str, os.stat_result | None]]:
        # Not recursive: a key may have five hundred slashes.
        levels = [level for level in [self._start()] if level is not None]
        try:
            while levels:
                entry = levels[-1].next()
                if entry is None:
                    levels.pop()
                    continue
                key = levels[-1].above + entry.name
                if entry.is_folder:
                    levels += self._inner(key, len(levels))
                elif self._is_value(key, entry):
                    yield key, entry.found
        finally:
            for level in levels:
                level.close()

    def folders_and_files(self) -> Iterator[str]:
        """Yield the files of one folder, and its folders that have values in them."""
        level = self._start()
        if level is None:
            return
        try:
            while entry := level.next():
                key = level.above + entry.name
                if not entry.is_folder:
                    if self._is_value(key, entry):
                        yield key
                elif key.startswith(self.prefix) and self._has_values(f"{key}/"):
                    yield f"{key}/"
        finally:
            level.close()

    def _has_values(self, prefix: str) -> bool:
        inner = iter(Scan(self.root, prefix, nested=True, is_key=self.is_key))
        return next(inner, None) is not None

    def _start(self) -> _Level | None:
        above, slash, _ = self.prefix.rpartition("/")
        folders = above.split("/") if slash else []
        if folders and not self.nested:
            return None
        if not all(map(self.is_key, folders)):
            return None
        return self._open(above + slash, depth=0)

    def _open(self, above: str, *, depth: int) -> _Level | None:
        try:
            folder = open_folder(self.root, above.split("/")[:-1])
        except (FileNotFoundError, NotADirectoryError):
            return None
        # Each level holds two descriptors, and a process may have a thousand.
        return _Level(folder, above, look=self.look, at_once=depth >= _DEEP)

    def _inner(self, folder: str, depth: int) -> list[_Level]:
        if not self._leads_on(folder):
            return []
        level = self._open(f"{folder}/", depth=depth)
        return [] if level is None else [level]

    def _leads_on(self, folder: str) -> bool:
        if not self.nested or not self.is_key(folder):
            return False
        path = f"{folder}/"
        return path.startswith(self.prefix) or self.prefix.startswith(path)

    def _is_value(self, key: str, entry: Entry) -> bool:
        return entry.is_file and key.startswith(self.prefix) and self.is_key(key)


def _entries(folder: Descriptor, *, look: bool) -> Iterator[Entry]:
    """Yield what is in a folder but what is ours, and close the folder."""
    with folder as folder_fd, os.scandir(folder_fd) as entries:
        for entry in entries:
            if not entry.name.startswith(_OURS):
                yield _look_at(entry, look=look)
            elif entry.name.startswith(TEMP_PREFIX):
                sweep(folder_fd, entry.name)


def _look_at(entry: "os.DirEntry[str]", *, look: bool) -> Entry:
    try:
        if not entry.is_file(follow_symlinks=False):
            is_folder = entry.is_dir(follow_symlinks=False)
            return Entry(entry.name, is_folder, False, None)
        found = entry.stat(follow_symlinks=False) if look else None
    except FileNotFoundError:
        # It went since the folder was read.
        return Entry(entry.name, False, False, None)
    return Entry(entry.name, False, True, found)
