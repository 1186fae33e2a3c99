"""The store: a few verbs over bytes, each of them check and hook."""

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from minimalkv._atomic import Atomic
from minimalkv._errors import InvalidArgument, Unsupported
from minimalkv._many import Many
from minimalkv._mixins import UrlMixin
from minimalkv._reading import Reading
from minimalkv._streams import CheckedSource, Readable
from minimalkv._writers import AbortableWriter

URL_METHODS = ("GET", "PUT")


class KeyValueStore(Reading, Many, Atomic):
    """A store of binary values under text keys, whatever is behind it.

    A key is 1 to 250 characters out of ``A-Z a-z 0-9`` and ``VALID_NON_NUM``; the 'h'
    stores take ``/`` and space too, and 1024 characters. No part between slashes is
    empty, ``.`` or ``..``. One call on one key is one atomic step: a reader sees the
    old value or the new one, whole, and a failed or killed write leaves the old one.

    All stores are safe to use from several threads, and after a fork.

    Examples
    --------
    >>> from minimalkv import get_store_from_url
    >>> with get_store_from_url("memory://") as store:
    ...     store.put("hello", b"world")
    ...     store.get("hello")
    'hello'
    b'world'
    """

    # Writing.

    def put(
        self,
        key: str,
        data: bytes,
        ttl_secs: float | str | None = None,
        *,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> str:
        """Store a value, replacing what was there, in one atomic step.

        Parameters
        ----------
        key : str
            The key.
        data : bytes
            The whole value. Use `put_file` for what is larger than memory.
        ttl_secs : float, FOREVER, NOT_SET or None
            Lifetime in seconds, from 0 to a hundred years. None means
            ``default_ttl_secs``; `FOREVER` and `NOT_SET` never expire.
        content_type : str or None
            Kept by the stores that have ``headers_support``; elsewhere the ending of
            the key decides.
        headers : mapping of str to str, or None
            Cache-Control, Content-Disposition, Content-Encoding; kept likewise.
        if_absent : bool
            Only if the key has no value.
        if_match : str or None
            Only if the value still is this version: the etag of an `ObjectMeta`.

        Returns
        -------
        str
            The key.

        Raises
        ------
        InvalidKey, InvalidData, InvalidArgument
            If an argument is unusable; nothing was written.
        KeyExists
            If *if_absent* and there is a value; it is unchanged.
        PreconditionFailed
            If *if_match* and the value is another, or gone; nothing was changed.
        Unsupported
            If the store has no ``ttl_support`` or ``conditional_support`` and the call
            needs it; nothing was written.
        StoreUnavailable
            If it is unknown whether the value was written.
        StoreError
            If the backend failed; the old value or the new one is there, whole.
        """
        self._check_valid_key(key)
        if data.__class__ is not bytes:
            self._check_data(data)
        is_described = content_type is not None or headers is not None
        if not (
            is_described or if_absent or ttl_secs is not None or if_match is not None
        ):
            # The way of most puts; passing no options halves what it costs.
            if not self.ttl_support:
                return self._put(key, data) or key
            return self._put(key, data, ttl_secs=self._default_ttl()) or key
        options = self._put_options(
            ttl_secs,
            content_type=content_type,
            headers=headers,
            if_absent=if_absent,
            if_match=if_match,
        )
        return self._put(key, data, **options) or key

    def put_file(
        self,
        key: str,
        file: str | os.PathLike[str] | Readable,
        ttl_secs: float | str | None = None,
        *,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> str:
        """Store what a file has, from where it stands to its end, in bounded memory.

        Parameters
        ----------
        key : str
            The key.
        file : str, os.PathLike or file-like object
            A filename: a filesystem store moves the file in once all went well, others
            copy it and leave it alone. Or any object with a ``read`` method: it need
            not seek, may give less than it is asked for, and ends with ``b""``.
        ttl_secs, content_type, headers, if_absent, if_match
            As for `put`.

        Returns
        -------
        str
            The key.

        Raises
        ------
        InvalidData
            If ``read`` gives None or text; the old value is unchanged.
        OSError
            If the file cannot be read. What ``read`` raises is passed on as it is; the
            old value is unchanged.
        InvalidKey, InvalidArgument, KeyExists, PreconditionFailed, Unsupported
            As for `put`.
        StoreUnavailable, StoreError
            As for `put`.
        """
        self._check_valid_key(key)
        options = self._put_options(
            ttl_secs,
            content_type=content_type,
            headers=headers,
            if_absent=if_absent,
            if_match=if_match,
        )
        if isinstance(file, str | os.PathLike):
            return self._put_filename(key, os.fspath(file), **options) or key
        if not hasattr(file, "read"):
            raise InvalidArgument(f"file is a filename or has read(), not {file!r}.")
        return self._put_file(key, CheckedSource(file), **options) or key

    def open_writer(
        self,
        key: str,
        ttl_secs: float | str | None = None,
        *,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> AbortableWriter:
        """Open a file to write a value into, which becomes the value when it is closed.

        Parameters
        ----------
        key, ttl_secs, content_type, headers, if_absent, if_match
            As for `put`; a condition is looked at when the writer is closed.

        Returns
        -------
        AbortableWriter
            A write-only binary file. ``close()`` publishes the value in one step,
            ``abort()`` discards it, and so do an exception in its ``with`` block, a
            failed write and garbage collection.

        Raises
        ------
        InvalidKey, InvalidArgument, Unsupported, StoreError
            As for `put`; what the backend finds out last is raised by ``close()``.
        """
        self._check_valid_key(key)
        options = self._put_options(
            ttl_secs,
            content_type=content_type,
            headers=headers,
            if_absent=if_absent,
            if_match=if_match,
        )
        return self._open_writer(key, **options)

    def delete(self, key: str, *, if_match: str | None = None) -> None:
        """Delete a value; a key without one is no error.

        Parameters
        ----------
        key : str
            The key.
        if_match : str or None
            Only if the value still is this version: the etag of an `ObjectMeta`.

        Raises
        ------
        InvalidKey, InvalidArgument
            If an argument is unusable.
        PreconditionFailed
            If *if_match* and the value is another, or gone.
        Unsupported
            If *if_match* and the store has no ``conditional_support``.
        StoreError
            If the backend failed.
        """
        self._check_readable_key(key)
        if if_match is None:
            self._delete(key)
        else:
            self._delete(key, **self._conditions_of(if_match))

    def copy(self, source: str, dest: str) -> str:
        """Copy a value with its expiry; inside the backend where ``copy_support``.

        Parameters
        ----------
        source : str
            A key that has a value.
        dest : str
            The key to store it under, replacing what is there.

        Returns
        -------
        str
            The key *dest*.

        Raises
        ------
        KeyNotFound
            If *source* has no value; *dest* is unchanged.
        InvalidKey
            If a key is unusable.
        StoreError
            If the backend failed; *dest* has the old value or the new one, whole.
        """
        self._check_readable_key(source)
        self._check_valid_key(dest)
        self._copy(source, dest)
        return dest

    def move(self, source: str, dest: str) -> str:
        """Copy a value and delete the source: two steps, in this order.

        Parameters
        ----------
        source, dest : str
            As for `copy`. Where they are equal nothing happens to an existing value.

        Returns
        -------
        str
            The key *dest*.

        Raises
        ------
        KeyNotFound, InvalidKey
            As for `copy`.
        StoreError
            If the backend failed; the value is under *source*, *dest* or both.
        """
        self._check_readable_key(source)
        self._check_valid_key(dest)
        if source == dest:
            self._head(source)
        else:
            self._move(source, dest)
        return dest

    # URLs and the rest.

    def url_for(
        self,
        key: str,
        *,
        expires: float | None = None,
        method: str = "GET",
        content_type: str | None = None,
        download_name: str | None = None,
    ) -> str:
        """Return a URL under which others get a value, or put one.

        Parameters
        ----------
        key : str
            The key; it need not have a value.
        expires : float or None
            Seconds until the URL ends, more than 0. None means the store's default.
        method : str
            ``GET`` or ``PUT``.
        content_type : str or None
            The type to answer with, or the only one to accept.
        download_name : str or None
            The filename that a browser saves it under.

        Returns
        -------
        str
            The URL. Whoever has it needs no other permission.

        Raises
        ------
        Unsupported
            If the store has no ``url_support``, or not this option.
        InvalidKey, InvalidArgument
            If an argument is unusable.
        """
        self._check_valid_key(key)
        if not self.url_support:
            raise Unsupported(f"{type(self).__name__} has no URLs that others can use.")
        if method not in URL_METHODS:
            raise InvalidArgument(f"method is GET or PUT, not {method!r}.")
        if expires is not None and not expires > 0:
            raise InvalidArgument(f"expires is more than 0 seconds, not {expires!r}.")
        given: dict[str, Any] = {
            "expires": expires,
            "method": None if method == "GET" else method,
            "content_type": content_type,
            "download_name": download_name,
        }
        return self._url_for(key, **{k: v for k, v in given.items() if v is not None})

    def ping(self) -> None:
        """Ask the backend whether it is there: a health check with one small request.

        Raises
        ------
        StoreError
            If it does not answer, refuses, or has no such bucket, folder or database.
        """
        self._ping()

    def close(self) -> None:
        """Free what the store opened itself; it opens again when it is used again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    @classmethod
    def _from_params(cls, *args: Any, **params: Any) -> Self:
        return cls(*args, **params)


class UrlKeyValueStore(UrlMixin, KeyValueStore):
    """A store with URLs, under upstream's old name; new code uses `UrlMixin`."""
