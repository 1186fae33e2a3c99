"""How the files of a storage are opened, and what is raised if they are not."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from django.core.exceptions import SuspiciousFileOperation
from django.core.files import File

from minimalkv import InvalidKey, KeyExists, KeyNotFound
from minimalkv._meta import guess_content_type
from minimalkv._writers import AbortableWriter
from minimalkv_django._storage_file import KVFile
from minimalkv_django._storage_names import normalize
from minimalkv_django._storage_options import ConfiguredStorage


class OpeningStorage(ConfiguredStorage):
    """A storage whose files can be opened."""

    def _open(self, name: str, mode: str = "rb") -> "File[Any]":
        return KVFile(self, normalize(name), mode)

    def open_reader(self, name: str) -> BinaryIO:
        """Open a file to read bytes from; for `KVFile`.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        """
        with self._naming(name) as key:
            return self.store.open(key)

    def open_writer(self, name: str, *, is_new: bool) -> AbortableWriter:
        """Open a file to write bytes into; for `KVFile`.

        Raises
        ------
        FileExistsError
            If it *is_new*, and there is one.
        """
        options = self._options(name, guess_content_type(name))
        with self._naming(name) as key:
            if is_new and key in self.store:
                raise KeyExists(f"There is a file {name!r} already.")
            return self.store.open_writer(key, if_absent=is_new, **options)

    @contextmanager
    def publishing(self, name: str) -> Iterator[str]:
        """Yield the key of a file that becomes another one; for `KVFile`, too."""
        try:
            with self._naming(name) as key:
                yield key
        finally:
            self._known.forget()

    @contextmanager
    def _naming(self, name: str) -> Iterator[str]:
        """Yield the key of a name, and raise what Django expects about it."""
        try:
            yield self._key(name)
        except KeyNotFound as error:
            raise FileNotFoundError(
                errno.ENOENT, "There is no such file", name
            ) from error
        except InvalidKey as error:
            raise SuspiciousFileOperation(str(error)) from error

    def _options(self, name: str, content_type: str) -> dict[str, Any]:
        return {"content_type": content_type, **self.get_object_parameters(name)}
