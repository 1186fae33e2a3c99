"""The names of a location, as folders and files."""

from collections.abc import Iterable


class Listing:
    """The files of a location, by name, and the folders that they make.

    Parameters
    ----------
    names : iterable of str
        The files, without a slash at either end.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._files: set[str] = set()
        # What each folder has right in it, by whole names; no folder here is empty.
        self._entries: dict[str, set[str]] = {}
        for name in names:
            self.add(name)

    def __contains__(self, name: str) -> bool:
        """Tell whether there is such a file or folder; the location itself is one."""
        return not name or name in self._files or name in self._entries

    def add(self, name: str) -> None:
        """Note a file."""
        self._files.add(name)
        entry = name
        while entry:
            folder = _folder_of(entry)
            entries = self._entries.setdefault(folder, set())
            if entry in entries:
                return
            entries.add(entry)
            entry = folder

    def discard(self, name: str) -> None:
        """Forget a file, and the folders that only it was in."""
        self._files.discard(name)
        entry = name
        while entry and entry not in self._files and entry not in self._entries:
            folder = _folder_of(entry)
            entries = self._entries.get(folder, set())
            entries.discard(entry)
            if not entries:
                self._entries.pop(folder, None)
            entry = folder

    def list_folder(self, folder: str) -> tuple[list[str], list[str]]:
        """Return the last parts of the names of the folders and files in a folder."""
        entries = sorted(self._entries.get(folder, ()))
        folders = [_last_part(entry) for entry in entries if entry in self._entries]
        files = [_last_part(entry) for entry in entries if entry in self._files]
        return folders, files


def _folder_of(name: str) -> str:
    return name.rpartition("/")[0]


def _last_part(name: str) -> str:
    return name.rpartition("/")[2]
