"""The files of a set: their URLs and paths, and what becomes of them."""

from collections.abc import Iterator
from typing import Any, BinaryIO
from urllib.parse import quote

from flask import current_app, url_for

from minimalkv import InvalidKey, Unsupported
from minimalkv.fs import FilesystemStore
from minimalkv.observing import ObservedDecorator
from minimalkv_flask._upload_blueprint import by_name
from minimalkv_flask._upload_config import UploadConfiguration, sets_of
from minimalkv_flask._upload_links import signed_url_at
from minimalkv_flask._upload_saving import folder_prefix


class FindingMixin:
    """What a set does with the files that it has."""

    name: str

    @property
    def config(self) -> UploadConfiguration:
        """What the configuration of the current application says about the set."""
        raise NotImplementedError

    def key(self, filename: str) -> str:
        """Return the key of a file in the store, by its name within the set.

        Raises
        ------
        InvalidKey
            If it is none of a file: that of a session, or of an upload that was not
            attached.
        """
        return self.config.key(filename)

    def url(self, filename: str) -> str:
        """Return the URL of a file, whether it is there or not.

        It is below ``UPLOADED_<NAME>_URL`` where that is configured, of a public view
        with ``UPLOADS_AUTOSERVE``, and else signed, as `signed_url` has it.

        Parameters
        ----------
        filename : str
            Its name within the set.

        Raises
        ------
        InvalidArgument, InvalidKey, KeyNotFound, StoreError
            As for `signed_url`.
        """
        base = self.config.base_url
        if base is not None:
            return base + quote(filename)
        if by_name.name in current_app.blueprints and self.name in sets_of(current_app):
            where = {"setname": self.name, "filename": filename}
            return url_for(f"{by_name.name}.uploaded_file", **where, _external=True)
        return self.signed_url(filename, external=True)

    def signed_url(self, filename: str, **options: Any) -> str:
        """Return a URL of a file that ends, as the function `signed_url` does.

        Parameters
        ----------
        filename : str
            Its name within the set.
        **options
            *expires*, *download_name*, *as_attachment*, *presigned*, *external*.
        """
        config = self.config
        options.setdefault("external", False)
        key = config.key(filename)
        return signed_url_at(config.store, config.place, key, **options)

    def path(self, filename: str, folder: str | None = None) -> str:
        """Return the path of a file, whether it is there or not.

        Parameters
        ----------
        filename : str
            Its name within the set, or within *folder*.
        folder : str, optional
            The folder that it was saved to.

        Raises
        ------
        Unsupported
            If the store keeps no files.
        InvalidKey
            If it is no name of a file, such as one that leads out of the folder.
        """
        config = self.config
        store = config.store
        if isinstance(store, ObservedDecorator):
            store = store._dstore  # noqa: SLF001 - what it wraps has no other name
        if not isinstance(store, FilesystemStore):
            raise Unsupported(f"{store!r} keeps no files: use open() or url().")
        key = config.key(f"{folder_prefix(config, folder)}{filename}")
        store.url_for(key)  # checks it
        return f"{store.root}/{key}"

    def exists(self, filename: str) -> bool:
        """Tell whether there is a file of a name within the set."""
        try:
            return self.key(filename) in self.config.store
        except InvalidKey:
            return False

    def open(self, filename: str) -> BinaryIO:
        """Return a file, open for reading.

        Parameters
        ----------
        filename : str
            Its name within the set.

        Raises
        ------
        KeyNotFound, InvalidKey, StoreError
            As for `KeyValueStore.open`.
        """
        return self.config.store.open(self.key(filename))

    def delete(self, filename: str) -> None:
        """Delete a file; one that is not there is no error.

        Parameters
        ----------
        filename : str
            Its name within the set.

        Raises
        ------
        InvalidKey, StoreError
            As for `KeyValueStore.delete`.
        """
        self.config.store.delete(self.key(filename))

    def list(self, folder: str | None = None) -> Iterator[str]:
        """Yield the names of the files of the set, with their folders.

        Parameters
        ----------
        folder : str, optional
            Only those in this one.
        """
        config = self.config
        prefix = config.prefix
        for key in config.store.iter_keys(prefix + folder_prefix(config, folder)):
            if config.is_file(key):
                yield key.removeprefix(prefix)
