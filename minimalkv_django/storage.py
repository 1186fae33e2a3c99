"""Django's files on any store: ``BACKEND = "minimalkv_django.storage.KVStorage"``."""

from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

from django.conf import settings

from minimalkv import KeyExists, ObjectMeta
from minimalkv._errors import KeyConflict
from minimalkv_django import _url
from minimalkv_django._storage_content import Content, movable_in
from minimalkv_django._storage_names import encode, normalize, shorten
from minimalkv_django._storage_opening import OpeningStorage
from minimalkv_django._storage_saving import (
    Attempt,
    attempting,
    current_attempt,
    known_names,
    taking_for_taken,
)

__all__ = ["KVStorage"]

_NO_NAMES: AbstractSet[str] = frozenset()


class KVStorage(OpeningStorage):
    """Files of Django in a store: uploads, the files of models, static files.

    A file is stored under its name, raw, with its content type; characters that no key
    has are percent-encoded. It is there when it is complete, and a failed write leaves
    nothing. Reading is seekable and gets what is read, not the whole file. Nothing is
    written to temporary files, and nothing connects before the first use.

    All of it can be given as ``OPTIONS`` in ``STORAGES``.

    Parameters
    ----------
    store : str or KeyValueStore
        The alias of a store in ``MINIMALKV_STORES``, a URL, or a store. Default: the
        alias ``uploads``, and where there is none, ``default``. Its keys have slashes,
        as those of the 'h' stores: ``hfs://``, ``hs3://``…
    location : str
        The folder of all files, such as ``media``. Default: none.
    base_url : str or None
        What `url` puts before the name of a file, such as ``/media/``. Default: None.
    allow_overwrite : bool
        Whether `save` replaces a file of the same name; if not, the new one gets
        another name, also if many save at once. Default: False.
    querystring_auth : bool
        Whether the URLs of a backend that signs them are signed, for files that are
        not public. Default: True.
    querystring_expire : float
        For how many seconds those are good. Default: 3600. Amazon and Google know at
        most a week.
    custom_domain : str or None
        The domain that shows the store, such as ``cdn.example.org``; its URLs are not
        signed. Default: None.
    object_parameters : dict or callable, or None
        What files are stored with where the backend keeps that: ``content_type``,
        ``Cache-Control``, ``Content-Disposition``, ``Content-Encoding``; or a function
        of a file's name that returns that. Default: the content type that came with
        the file, else the one that its name stands for.

    Raises
    ------
    ImproperlyConfigured
        If an option cannot be.

    Notes
    -----
    There are folders while there are files in them. Names that lead out of the storage,
    and those that begin with ``mkv-``, raise SuspiciousFileOperation. Where the store
    cannot write on condition (``conditional_support``), two that save one name at the
    same moment may get the same one.

    Examples
    --------
    ::

        STORAGES = {
            "default": {
                "BACKEND": "minimalkv_django.storage.KVStorage",
                "OPTIONS": {"store": "uploads", "location": "media"},
            },
            ...
        }
    """

    # Saving.

    def save(self, name: Any, content: Any, max_length: int | None = None) -> str:
        """Store a file, and return the name that it got.

        Parameters
        ----------
        name : str or None
            Its name; None for that of the content.
        content : File
            What has ``read``, also of text, also what cannot be read twice: that gets
            a random suffix at once if it is larger than 1 MiB. What `stream_uploads`
            stored in this store gets one, too, and is moved without being read.
        max_length : int or None
            Longest name, in characters.

        Raises
        ------
        SuspiciousFileOperation
            If there can be no such name.
        StoreError
            If the store failed.
        """
        with attempting(self, max_length):
            return str(super().save(name, content, max_length))

    def _save(self, name: str, content: Any) -> str:
        attempt = current_attempt(self)
        if attempt is not None:
            return self._save_in(attempt, normalize(name), content)
        with attempting(self, None) as attempt:
            return self._save_in(attempt, normalize(name), content)

    def _save_in(self, attempt: Attempt, name: str, content: Any) -> str:
        moved = self._moved(attempt, name, content)
        if moved is not None:
            return moved
        what = Content(content)
        if not self.allow_overwrite and self.store.conditional_support:
            return self._save_new(name, what, attempt)
        self._put(name, what)
        return name

    def _moved(self, attempt: Attempt, wanted: str, content: Any) -> str | None:
        """Save a file that is in the store already; None if it has to be read."""
        movable = movable_in(content)
        if movable is None or self._has_parameters(wanted):
            return None
        name = wanted
        if not self.allow_overwrite:
            # Moving replaces what is there, so nobody else may have the name.
            name = self._other_name(wanted, wanted, attempt)
        with self.publishing(name) as key:
            return name if movable.move_to(self.store, key) else None

    def _has_parameters(self, name: str) -> bool:
        return self.store.headers_support and bool(self.get_object_parameters(name))

    def _save_new(self, wanted: str, content: Content, attempt: Attempt) -> str:
        name = wanted
        if not content.can_repeat or (content.is_large and self._is_file(name)):
            name = self._other_name(wanted, name, attempt)
        while True:
            try:
                self._put(name, content, if_absent=True)
            except (KeyExists, KeyConflict) as error:
                other = self._other_name(wanted, name, attempt)
                is_taken = isinstance(error, KeyExists) or self._is_folder(name)
                if not is_taken or other in attempt.taken or not content.can_repeat:
                    raise
                name = other
            else:
                return name

    def _other_name(self, wanted: str, taken: str, attempt: Attempt) -> str:
        attempt.taken.add(taken)
        return normalize(self.get_available_name(wanted, attempt.max_length))

    def _put(self, name: str, content: Content, **conditions: bool) -> None:
        options = self._options(name, content.content_type(name)) | conditions
        with self.publishing(name) as key:
            self.store.put_file(key, content.open(), **options)

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return a name that is free, and short enough; see Django.

        Names whose keys would be too long for the store are cut before the extension.
        """
        store = self.store
        name = str(name).replace("\\", "/")
        name = shorten(name, self.location, store.max_key, store.max_segment)
        taken = self._taken_names()
        if taken is None:
            return str(super().get_available_name(name, max_length))
        with taking_for_taken(taken):
            return str(super().get_available_name(name, max_length))

    def _taken_names(self) -> AbstractSet[str] | None:
        if self.allow_overwrite:
            return _NO_NAMES
        attempt = current_attempt(self)
        if attempt is None or not self.store.conditional_support:
            return None
        return attempt.taken

    def is_name_available(self, name: str, max_length: int | None = None) -> bool:
        """Tell whether a file can be saved under a name; see Django."""
        if max_length and len(name) > max_length:
            return False
        return self.allow_overwrite or not self.exists(name)

    def get_alternative_name(self, file_root: str, file_ext: str) -> str:
        """Return another name for a file; with allow_overwrite the same; see Django."""
        if self.allow_overwrite:
            return f"{file_root}{file_ext}"
        return str(super().get_alternative_name(file_root, file_ext))

    # What there is.

    def exists(self, name: str) -> bool:
        """Tell whether there is a file of that name, or a folder with files.

        One request if there is a file, one more if there is none; none at all within
        5 seconds after `listdir` of a folder of less than 1000 files has found it.
        """
        name = normalize(name)
        taken = known_names()
        if taken is not None:
            return name in taken
        if not name or self._known.find(self._key(name)) is not None:
            return True
        return self._is_file(name) or self._is_folder(name)

    def _is_file(self, name: str) -> bool:
        with self._naming(name) as key:
            return key in self.store

    def _is_folder(self, name: str) -> bool:
        return next(self.store.iter_keys(f"{self._key(name)}/"), None) is not None

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return the names of the folders, and of the files in a folder, sorted.

        A folder that is not there has neither. Files of the store that no name stands
        for are left out.
        """
        folder = self._key(path)
        prefix = f"{folder}/" if folder else ""
        with self._naming(path):
            found = self._known.list_folder(self.store, prefix)
        return found.folders, found.files

    def delete(self, name: str) -> None:
        """Delete a file; one that is not there, or a folder, is left as it is.

        Raises
        ------
        ValueError
            If the name is empty.
        """
        if not name or not normalize(name):
            raise ValueError("delete() needs the name of a file.")
        with self.publishing(name) as key:
            self.store.delete(key)

    def _meta(self, name: str) -> ObjectMeta:
        with self._naming(name) as key:
            return self._known.find(key) or self.store.head(key)

    def size(self, name: str) -> int:
        """Return the bytes of a file; a request as for `exists`.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        """
        return self._meta(name).size

    def get_modified_time(self, name: str) -> datetime:
        """Return when a file was stored: aware and in UTC if ``USE_TZ``, else local.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        NotImplementedError
            If the store does not know.
        """
        modified = self._meta(name).modified
        if modified is None:
            raise NotImplementedError(
                f"{self.store!r} does not know when it stored a file."
            )
        if settings.USE_TZ:
            return modified
        return modified.astimezone().replace(tzinfo=None)

    def get_created_time(self, name: str) -> datetime:
        """Return the same as `get_modified_time`: files are replaced, not changed."""
        return self.get_modified_time(name)

    def get_accessed_time(self, name: str) -> datetime:
        """Raise NotImplementedError: no store notes when a value is read."""
        raise NotImplementedError(f"Nobody knows when {name!r} was read last.")

    # Where it is.

    def url(self, name: str | None) -> str:
        """Return the URL of a file, without asking the store.

        It is below *base_url* or *custom_domain*; else one of the backend, signed if
        *querystring_auth*; or one of `minimalkv_django.urls`, if a store that is named
        by an alias signs none.

        Raises
        ------
        Unsupported
            If there is none; it is a NotImplementedError.
        """
        text = str(name or "")
        path = normalize(text.lstrip("/"))
        if self.base_url is not None:
            # A folder, as in `{% static "img/" %}`, stays one.
            slash = "/" if path and text.endswith("/") else ""
            return _url.join_url(self.base_url, f"{encode(path)}{slash}")
        key = self._key(path)
        if self.custom_domain is not None:
            return _url.join_url(_url.domain_url(self.custom_domain), key)
        if self.querystring_auth:
            expires = self.querystring_expire
            return _url.signed_url(self._source, key, path, expires)
        return _url.public_url(self.store, key)

    def path(self, name: str) -> str:
        """Return the path of a file, if the store keeps files on this machine.

        Raises
        ------
        Unsupported
            If it does not; it is a NotImplementedError.
        """
        return _url.local_path(self.store, self._key(name))
