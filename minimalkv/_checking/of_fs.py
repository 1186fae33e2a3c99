"""What there is to know about a folder."""

import errno
import os
import stat
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from typing import Final

from minimalkv._checking.backends import Backend
from minimalkv._checking.findings import FAILED, OK, WARNING, Finding
from minimalkv._checking.visit import Step, Stop, Visit

_LOW_PART: Final = 0.05
_LOW_BYTES: Final = 100 * 2**20
_MIB: Final = 2**20
_RIGHTS: Final = {os.R_OK: "read", os.W_OK: "write", os.X_OK: "search"}
# What our own files begin with: locks, and values that are being written.
_OURS: Final = ";"

_CURES: Final = {
    errno.ENOSPC: "Free space, or move the folder to a larger disk: df -h {root}",
    errno.EDQUOT: "Free space, or have the quota raised: quota -s",
    errno.EROFS: "Mount it for writing: mount -o remount,rw …; a disk that fails is "
    "mounted read-only by the system, see dmesg.",
    errno.EFBIG: "Raise the limit of the size of files: ulimit -f",
    errno.EMFILE: "Raise the limit of open files: ulimit -n",
}


class Checked(Backend):
    """A store in files."""

    place = "folder"
    needs = {  # noqa: RUF012 - as the base has it
        "list": "r-x on the folder",
        "write": "-wx on the folder",
        "read": "r-- on the file, --x on the folder",
        "delete": "-wx on the folder",
    }
    asks = "whoever owns the folder (ls -ld)"

    @property
    def root(self) -> str:
        """The folder."""
        root: str = self.store.root
        return root

    def location(self) -> tuple[str, str]:
        return "files", f"{os.path.realpath(self.root).rstrip('/')}/"

    def hides(self, key: str) -> bool:
        # A symbolic link, in the place of the value or of a folder above it.
        for path in accumulate(key.split("/"), "{}/{}".format):
            if os.path.islink(f"{self.root}/{path}"):  # noqa: PTH114 - it never raises
                return True
        return False

    def before(self) -> list[Step]:
        return [
            Step(("folder",), self._folder),
            Step(("space",), self._space),
            Step(("fsync",), self._fsync),
        ]

    def cure_for(self, name: str, error: Exception) -> str:
        del name
        number = getattr(error, "errno", None) or 0
        return _CURES.get(number, "").format(root=self.root)

    def _folder(self, visit: Visit) -> Iterator[Finding]:
        if not os.path.lexists(self.root):
            raise Stop(self._missing())
        try:
            found = Path(self.root).stat()
        except OSError as error:
            text = f"{self.root!r} cannot be looked at ({error.strerror})."
            cure = "Let this user search the folders above, or mount what it points to."
            raise Stop(Finding("folder", FAILED, text, cure)) from error
        if not stat.S_ISDIR(found.st_mode):
            text = f"{self.root!r} is no folder."
            raise Stop(Finding("folder", FAILED, text, "Name a folder in the URL."))
        yield self._permitted(found, visit)

    def _missing(self) -> Finding:
        text = f"The folder {self.root!r} is not there."
        if not self.store.create_if_missing:
            return Finding(
                "folder", FAILED, text, f"Mount it, or: mkdir -p {self.root}"
            )
        above = next(path for path in Path(self.root).parents if os.path.lexists(path))
        if not os.access(above, os.W_OK | os.X_OK):
            text = f"{text} It cannot be made either: '{above}' is not for this user."
            cure = f"mkdir -p {self.root} && chown {os.geteuid()} {self.root}"
            return Finding("folder", FAILED, text, cure)
        text = f"{text} The first put makes it."
        cure = f"If values should be there, is the disk mounted? mkdir -p {self.root}"
        return Finding("folder", WARNING, text, cure)

    def _permitted(self, found: os.stat_result, visit: Visit) -> Finding:
        rights = f"{stat.filemode(found.st_mode)}, owner {found.st_uid}"
        needed = os.R_OK | os.X_OK | (0 if visit.read_only else os.W_OK)
        lacks = [
            name
            for right, name in _RIGHTS.items()
            if right & needed and not os.access(self.root, right)
        ]
        if not lacks:
            return Finding("folder", OK, f"{self.root!r} is there ({rights}).")
        if os.statvfs(self.root).f_flag & os.ST_RDONLY:
            text = f"The disk of {self.root!r} is mounted read-only."
            return Finding("folder", FAILED, text, _CURES[errno.EROFS])
        text = (
            f"This process (user {os.geteuid()}) has no {' and '.join(lacks)} "
            f"permission on {self.root!r} ({rights})."
        )
        cure = f"chown {os.geteuid()} {self.root}, or chmod u+rwx as its owner"
        return Finding("folder", FAILED, text, cure)

    def _space(self, _: Visit) -> Iterator[Finding]:
        disk = os.statvfs(self.root)
        free, whole = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
        cure = _CURES[errno.ENOSPC].format(root=self.root)
        if disk.f_files and not disk.f_favail:
            text = "There are no inodes left, so no file can be made."
            yield Finding("space", FAILED, text, f"Delete files: df -i {self.root}")
            return
        text = f"{free // _MIB} MiB of {whole // _MIB} are free."
        if free < disk.f_frsize:
            yield Finding("space", FAILED, f"The disk is full: {text}", cure)
        elif free < min(_LOW_BYTES, whole * _LOW_PART):
            yield Finding("space", WARNING, f"The disk is almost full: {text}", cure)
        else:
            yield Finding("space", OK, text)

    def _fsync(self, _: Visit) -> Iterator[Finding]:
        if self.store.fsync:
            text = "What is stored is on the disk before put returns."
        else:
            text = (
                "fsync=false: a power cut may cost the values of the last seconds. "
                "That is right for sessions and caches, and wrong for uploads."
            )
        yield Finding("fsync", OK, text)

    def names(self) -> Iterator[tuple[str, bool]]:
        # What is near the root comes first: a folder may have more than is looked at.
        folders: deque[str] = deque()
        yield from self._names_in("", folders)
        while folders:
            with suppress(OSError):  # it has gone meanwhile, or is not for this user
                yield from self._names_in(folders.popleft(), folders)

    def _names_in(self, folder: str, folders: deque[str]) -> Iterator[tuple[str, bool]]:
        """Yield the names in a folder, and add the folders to be looked at."""
        with os.scandir(f"{self.root}/{folder}") as entries:
            for entry in entries:
                if entry.name.startswith(_OURS):
                    continue
                name = folder + entry.name
                is_right = self._is_value(entry, name)
                if is_right and entry.is_dir(follow_symlinks=False):
                    folders.append(f"{name}/")
                yield name, is_right

    def _is_value(self, entry: os.DirEntry[str], name: str) -> bool:
        """Tell whether an entry of a folder is a value, or may have values below."""
        if entry.is_dir(follow_symlinks=False):
            is_right: bool = self.store.extended_keys
        else:
            is_right = entry.is_file(follow_symlinks=False)
        return is_right and bool(self.store._is_readable(name))
