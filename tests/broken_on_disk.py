"""Stores on files that are broken on purpose, for kills and power cuts."""

from pathlib import Path
from typing import Any

from minimalkv._fs.drafts import Disk, Draft
from minimalkv._hstores import HFilesystemStore


class WritesInPlace(HFilesystemStore):
    """It opens the file of the value, and a reader or a kill comes between."""

    def _put_file(self, key: str, file: Any, **options: Any) -> str:
        path = Path(self.root, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb", buffering=0) as value:
            while part := file.read(65536):
                value.write(part)
        return key


class ShowsTemporaryFiles(WritesInPlace):
    """It writes beside the value, under a name that is a key as well."""

    def _put_file(self, key: str, file: Any, **options: Any) -> str:
        temporary = super()._put_file(f"{key}.tmp", file)
        Path(self.root, temporary).rename(Path(self.root, key))
        return key


class ForgetsToSyncFiles(HFilesystemStore):
    """What it acknowledges is in the memory of the system."""

    @property
    def _disk(self) -> Disk:
        return super()._disk._replace(fsync=False)


class ForgetsToSyncFolders(HFilesystemStore):
    """It forces the bytes to the disk, and not the name."""

    def _draft(self, key: str, **options: Any) -> Draft:
        return _Nameless(self._disk, key, **options)


class _Nameless(Draft):
    __slots__ = ()

    def _sync(self) -> None:
        pass
