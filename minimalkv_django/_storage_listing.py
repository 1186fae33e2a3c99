"""The folders of a storage, and what their listings tell about the files in them."""

from collections.abc import Iterable
from itertools import islice
from threading import Lock
from typing import Final, NamedTuple

from minimalkv import KeyValueStore, ObjectMeta, _clock
from minimalkv._fork import tell_after_fork
from minimalkv._keys import is_reserved
from minimalkv_django._storage_names import decode

KNOWN_SECS: Final = 5.0
"""For how long what a listing told about a file is taken for true."""

_AT_ONCE: Final = 1000
"""As many objects are on the first page of a listing of S3 and of Google."""


class Folder(NamedTuple):
    """What is in a folder: the names of folders and files, sorted, and the facts."""

    folders: list[str]
    files: list[str]
    metas: dict[str, ObjectMeta]


def list_folder(store: KeyValueStore, prefix: str) -> Folder:
    """List a folder; *prefix* is its key with a slash, or empty.

    Where it has fewer than 1000 files, those of its folders included, the listing that
    finds them has the facts about them, too. Else its own files and folders are listed.
    """
    metas = list(islice(store.iter_meta(prefix), _AT_ONCE))
    if len(metas) < _AT_ONCE:
        found: Iterable[str] = (meta.key for meta in metas)
    else:
        found, metas = store.iter_prefixes("/", prefix), []
    folders, files = set(), []
    for key in found:
        if is_reserved(key):
            continue
        part, slash, _ = key[len(prefix) :].partition("/")
        name = decode(part)
        if name is not None and slash:
            folders.add(name)
        elif name is not None:
            files.append(name)
    return Folder(sorted(folders), sorted(files), {meta.key: meta for meta in metas})


class Known:
    """What the last listing told about files, for a few seconds.

    It is forgotten whenever its storage writes or deletes a file.
    """

    def __init__(self) -> None:
        self._changes = 0
        self._after_fork()
        tell_after_fork(self)

    def _after_fork(self) -> None:
        self._lock = Lock()
        self._metas: dict[str, ObjectMeta] = {}
        self._until = 0.0

    def list_folder(self, store: KeyValueStore, prefix: str) -> Folder:
        """List a folder, and remember what that told."""
        began, changes = _clock.elapsed(), self._changes
        found = list_folder(store, prefix)
        with self._lock:
            # Else what was written meanwhile may be in the listing, or not.
            if changes == self._changes:
                self._metas, self._until = found.metas, began + KNOWN_SECS
        return found

    def find(self, key: str) -> ObjectMeta | None:
        """Return the facts about a file; None if they have to be asked for."""
        if _clock.elapsed() < self._until:
            return self._metas.get(key)
        self._metas = {}
        return None

    def forget(self) -> None:
        """Forget it all: something was written."""
        with self._lock:
            self._changes += 1
            self._metas, self._until = {}, 0.0
