"""A site with static files, for the tests of collectstatic."""

import os
import time
from io import StringIO
from pathlib import Path
from typing import Any, Final

from django.contrib.staticfiles.management.commands.collectstatic import Command
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.storage import storages
from django.core.management import call_command
from pytest_django import Settings

from minimalkv import KeyValueStore, ObjectMeta

PLAIN: Final = "minimalkv_django.staticfiles.KVStaticFilesStorage"
MANIFEST: Final = "minimalkv_django.staticfiles.KVManifestStaticFilesStorage"


class StaticSite:
    """A folder of sources, and the storage that they are collected to.

    Parameters
    ----------
    settings : Settings
        Those of the test.
    folder : Path
        Where the sources are to be.
    store : KeyValueStore
        Where they are collected to, below ``static/``.
    backend : str
        The storage.
    options : object
        More of its options.
    """

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        store: KeyValueStore,
        backend: str = MANIFEST,
        **options: object,
    ) -> None:
        self.store = store
        self.folder = folder
        folder.mkdir()
        settings.STATIC_URL = "/static/"
        settings.STATICFILES_DIRS = [str(folder)]
        settings.STATICFILES_FINDERS = [
            "django.contrib.staticfiles.finders.FileSystemFinder"
        ]
        settings.INSTALLED_APPS = [
            *settings.INSTALLED_APPS,
            "django.contrib.staticfiles",
        ]
        self._settings = settings
        self.use(backend, **options)

    def use(self, backend: str, **options: object) -> None:
        """Begin with a storage that knows nothing yet, as a new process does."""
        static: Any = {"BACKEND": backend, "OPTIONS": {"store": self.store, **options}}
        default = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
        self._settings.STORAGES = {"default": default, "staticfiles": static}
        # Django 4.2 loses the options where a test overrides the setting.
        storages.backends["staticfiles"] = static

    @property
    def storage(self) -> Any:
        return staticfiles_storage

    def write(self, **files: str | bytes) -> None:
        """Write sources; ``__`` in a name stands for a slash, ``_`` for a dot."""
        for name, content in files.items():
            self.write_at(name.replace("__", "/").replace("_", "."), content)

    def write_at(self, path: str, content: str | bytes) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def touch(self) -> None:
        """Make all sources look as if they were written in an hour."""
        soon = time.time() + 3600
        for path in self.folder.rglob("*"):
            os.utime(path, (soon, soon))

    def collect(self, **options: Any) -> str:
        """Run collectstatic, and return what it printed."""
        out = StringIO()
        given = {"interactive": False, "stdout": out, **options}
        call_command(Command(), **given)
        return out.getvalue()

    def stored(self) -> list[str]:
        """Return the keys of the store."""
        return sorted(self.store.keys())

    def meta(self, name: str) -> ObjectMeta:
        """Return what the store knows of a file."""
        return self.store.head(f"static/{name}")

    def get(self, name: str) -> bytes:
        """Return what the store has of a file."""
        return self.store.get(f"static/{name}")
