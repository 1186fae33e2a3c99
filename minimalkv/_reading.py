"""The verbs that read and list."""

import os
from collections.abc import Iterator
from typing import BinaryIO

from minimalkv._errors import InvalidArgument
from minimalkv._meta import ObjectMeta
from minimalkv._put_checks import PutChecks
from minimalkv._streams import check_range, make_seekable


class Reading(PutChecks):
    """The verbs that read and list; they change nothing."""

    # Reading.

    def get(self, key: str) -> bytes:
        """Return the value of a key.

        Parameters
        ----------
        key : str
            The key.

        Returns
        -------
        bytes
            The whole value. Use `open` or `get_file` for what is larger than memory.

        Raises
        ------
        KeyNotFound
            If there is no value, or it has expired.
        InvalidKey
            If the key is unusable.
        StoreError
            If the backend failed: that is never said as `KeyNotFound`.
        """
        self._check_readable_key(key)
        return self._get(key)

    def get_with_meta(self, key: str) -> tuple[bytes, ObjectMeta]:
        """Return a value and the facts about this very version of it.

        Parameters
        ----------
        key : str
            The key.

        Returns
        -------
        tuple of bytes and ObjectMeta
            The whole value, and its size, etag, expiry and so on.

        Raises
        ------
        KeyNotFound, InvalidKey, StoreError
            As for `get`.
        """
        self._check_readable_key(key)
        return self._get_with_meta(key)

    def head(self, key: str) -> ObjectMeta:
        """Return the facts about a value without reading it.

        Parameters
        ----------
        key : str
            The key.

        Returns
        -------
        ObjectMeta
            Its size, etag, expiry and so on.

        Raises
        ------
        KeyNotFound, InvalidKey, StoreError
            As for `get`.
        """
        self._check_readable_key(key)
        return self._head(key)

    def stream(
        self,
        key: str,
        start: int = 0,
        stop: int | None = None,
        *,
        if_match: str | None = None,
    ) -> tuple[ObjectMeta, BinaryIO]:
        """Open a part of a value, with one request to the backend.

        Parameters
        ----------
        key : str
            The key.
        start : int
            First byte; negative for the last bytes of the value, then *stop* is None.
        stop : int or None
            Byte to end before; None is the end of the value.
        if_match : str or None
            Only this version: the etag of an `ObjectMeta`.

        Returns
        -------
        tuple of ObjectMeta and BinaryIO
            The facts, with the size of the whole value, and a file to read the part
            from, once and forwards. The part is empty where the value is shorter. The
            caller closes the file.

        Raises
        ------
        KeyNotFound
            If there is no value, or it has expired.
        PreconditionFailed
            If the value is another version than *if_match*, or gone.
        Unsupported
            If *if_match* is given and the store has no ``conditional_support``.
        InvalidKey, InvalidArgument
            If an argument is unusable.
        StoreError
            If the backend failed.
        """
        self._check_readable_key(key)
        check_range(start, stop)
        if if_match is None:
            return self._stream(key, start, stop)
        return self._stream(key, start, stop, **self._conditions_of(if_match))

    def open(self, key: str) -> BinaryIO:
        """Open a value for reading.

        Parameters
        ----------
        key : str
            The key.

        Returns
        -------
        BinaryIO
            A seekable, buffered, read-only binary file, which the caller closes. It
            shows one version: should the value be replaced meanwhile, reading goes on
            in the old one or raises `PreconditionFailed`. Seeking before the beginning
            is an OSError.

        Raises
        ------
        KeyNotFound, InvalidKey, StoreError
            As for `get`.
        """
        self._check_readable_key(key)
        return make_seekable(self._open(key))

    def get_file(self, key: str, file: str | os.PathLike[str] | BinaryIO) -> str:
        """Write a value to a file, in bounded memory where the backend streams.

        Parameters
        ----------
        key : str
            The key.
        file : str, os.PathLike or file-like object
            A filename: written beside and renamed, so it appears whole, and stays as it
            was when there is no value. Or an object with a ``write`` method.

        Returns
        -------
        str
            The key.

        Raises
        ------
        KeyNotFound, InvalidKey, StoreError
            As for `get`.
        InvalidArgument
            If *file* is neither.
        OSError
            If the file cannot be written.
        """
        self._check_readable_key(key)
        if isinstance(file, str | os.PathLike):
            self._get_filename(key, os.fspath(file))
        elif hasattr(file, "write"):
            self._get_file(key, file)
        else:
            raise InvalidArgument(f"file is a filename or has write(), not {file!r}.")
        return key

    def __contains__(self, key: str) -> bool:
        """Tell whether the key has a value.

        Raises
        ------
        InvalidKey
            If the key is unusable.
        StoreError
            If the backend failed.
        """
        self._check_readable_key(key)
        return self._has_key(key)

    # Listing.

    def __iter__(self) -> Iterator[str]:
        """Iterate over all keys, as `iter_keys` does."""
        return self.iter_keys()

    def keys(self, prefix: str = "") -> list[str]:
        """List the keys that begin with *prefix*.

        Parameters
        ----------
        prefix : str
            Any text; the empty one stands for all keys.

        Returns
        -------
        list of str
            All of them in memory; `iter_keys` needs memory for a few only.

        Raises
        ------
        StoreError
            If the backend failed.
        """
        return list(self.iter_keys(prefix))

    def iter_prefixes(self, delimiter: str, prefix: str = "") -> Iterator[str]:
        """Yield the keys up to the next delimiter after *prefix*, each once.

        Parameters
        ----------
        delimiter : str
            Where to cut, such as ``/``; at least one character.
        prefix : str
            Only keys that begin with it.

        Yields
        ------
        str
            With ``/`` these are the folders (they end with the delimiter) and files of
            a folder.

        Raises
        ------
        InvalidArgument
            If *delimiter* is empty.
        StoreError
            If the backend failed, also in the middle.
        """
        if not delimiter:
            raise InvalidArgument("delimiter has at least one character, such as '/'.")
        return (
            found
            for found in self._iter_prefixes(delimiter, prefix)
            if found.endswith(delimiter) or self._is_readable(found)
        )

    def iter_meta(self, prefix: str = "") -> Iterator[ObjectMeta]:
        """Yield the facts about every value whose key begins with *prefix*.

        Parameters
        ----------
        prefix : str
            Any text; the empty one stands for all keys.

        Yields
        ------
        ObjectMeta
            As they are found, without a further request where the listing has them.

        Raises
        ------
        StoreError
            If the backend failed, also in the middle.
        """
        return (m for m in self._iter_meta(prefix) if self._is_readable(m.key))
