"""Values in files: one file a value, raw, so that other programs can use it."""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Self
from urllib.parse import quote

from minimalkv._conditions import changed
from minimalkv._errors import (
    AccessDenied,
    InvalidArgument,
    KeyNotFound,
    MinimalkvError,
    StoreError,
    Unsupported,
)
from minimalkv._fs.drafts import Disk, Draft, copy_bytes, delete, move
from minimalkv._fs.errors import OsErrors, listing_error, reading_error, writing_error
from minimalkv._fs.moving_in import Source
from minimalkv._fs.places import find, make_root, require_folder
from minimalkv._fs.reading import (
    Scan,
    describe,
    open_value,
    read_fd,
    read_path,
    stat_value,
    version,
)
from minimalkv._hooks import cut
from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import ObjectMeta
from minimalkv._mixins import ConditionalMixin, CopyMixin, UrlMixin
from minimalkv._streams import Readable, chunks
from minimalkv._writers import AbortableWriter

__all__ = ["FilesystemStore", "WebFilesystemStore"]

_LONGEST_NAME = 255


class FilesystemStore(KeyValueStore, UrlMixin, CopyMixin, ConditionalMixin):
    """Store values as files in a folder.

    A value is written beside its place and renamed, so readers see it whole and a kill
    leaves the old one. All processes on the machine that use the folder through this
    class agree on who was first. Symbolic links below the folder are never followed.

    Parameters
    ----------
    root : str or os.PathLike
        The folder; made when something is put. A relative path is fixed now.
    perm : int or None
        Permissions of a value's file, such as ``0o640``; None for what the umask
        leaves.
    fsync : bool
        Whether a value that was put, or a delete, survives a power cut. Without it a
        put takes a third of the time, and a power cut may take the last half minute
        back, or leave what was stored in it empty.
    create_if_missing : bool
        Whether the folder is made. If not, and it is missing, every call fails.

    Raises
    ------
    InvalidArgument
        If *root* is empty.
    Unsupported
        On Windows, whose files cannot be replaced while they are read.

    Examples
    --------
    >>> import tempfile
    >>> from minimalkv.fs import FilesystemStore
    >>> store = FilesystemStore(tempfile.mkdtemp())
    >>> store.put("hello.txt", b"world")
    'hello.txt'
    """

    nested_keys = False
    _backend_max_segment = _LONGEST_NAME
    # Folders are opened one after the other, so no path is ever too long.
    _backend_max_key = 2**31

    def __init__(
        self,
        root: str | os.PathLike[str],
        perm: int | None = None,
        *,
        fsync: bool = True,
        create_if_missing: bool = True,
    ) -> None:
        if os.name != "posix":
            raise Unsupported(
                "FilesystemStore needs a POSIX system such as Linux or macOS: Windows "
                "cannot replace a file while it is read."
            )
        if not isinstance(root, str | os.PathLike) or not os.fspath(root):
            raise InvalidArgument(f"root is a folder, such as './data', not {root!r}.")
        self.root = _absolute(os.fspath(root))
        self.perm = perm
        self.fsync = fsync
        self.create_if_missing = create_if_missing

    @classmethod
    def _from_params(
        cls,
        *,
        path: str,
        perm: int | None = None,
        fsync: bool = True,
        create_if_missing: bool = True,
    ) -> Self:
        return cls(path, perm, fsync=fsync, create_if_missing=create_if_missing)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.root!r}>"

    @property
    def _disk(self) -> Disk:
        return Disk(self.root, self.perm, self.fsync)

    # Reading.

    def _get(self, key: str) -> bytes:
        if "/" in key:
            with self._reading(key), find(self.root, key) as place:
                value, found = open_value(place)
                with value as value_fd:
                    return read_fd(value_fd, found.st_size)
        # Without the objects above it is a third faster.
        try:
            return read_path(f"{self.root}/{key}")
        except StoreError:
            raise
        except OSError as error:
            raise self._reading_error(error, key) from error

    def _reading(self, key: str) -> OsErrors:
        return OsErrors(self._reading_error, key)

    def _reading_error(self, error: OSError, key: str) -> MinimalkvError:
        self._require_root()
        return reading_error(error, key)

    def _require_root(self) -> None:
        """Tell a folder that is not there from one that has no values."""
        require_folder(self.root)
        if not self.create_if_missing and not os.path.isdir(self.root):
            raise StoreError(
                f"The folder {self.root!r} is missing. Make it or mount it, or let "
                "create_if_missing be true."
            )

    def _get_with_meta(self, key: str) -> tuple[bytes, ObjectMeta]:
        with self._reading(key), find(self.root, key) as place:
            value, found = open_value(place)
            with value as value_fd:
                return read_fd(value_fd, found.st_size), describe(key, found)

    def _head(self, key: str) -> ObjectMeta:
        return describe(key, self._stat(key))

    def _stat(self, key: str) -> os.stat_result:
        with self._reading(key), find(self.root, key) as place:
            found = stat_value(place)
        if found is None:
            self._require_root()
            raise KeyNotFound(key)
        return found

    def _has_key(self, key: str) -> bool:
        try:
            self._stat(key)
        except KeyNotFound:
            return False
        return True

    def _open(self, key: str) -> BinaryIO:
        return self._open_with_stat(key)[0]

    def _open_with_stat(self, key: str) -> tuple[BinaryIO, os.stat_result]:
        with self._reading(key), find(self.root, key) as place:
            value, found = open_value(place)
            return os.fdopen(value.detach(), "rb"), found

    def _stream(
        self,
        key: str,
        start: int = 0,
        stop: int | None = None,
        if_match: str | None = None,
    ) -> tuple[ObjectMeta, BinaryIO]:
        try:
            source, found = self._open_with_stat(key)
        except KeyNotFound:
            if if_match is None:
                raise
            raise changed(key) from None
        if if_match is not None and version(found) != if_match:
            source.close()
            raise changed(key)
        return describe(key, found), cut(source, start, stop, found.st_size)

    # Listing.

    def iter_keys(self, prefix: str = "") -> Iterator[str]:  # noqa: D102 - inherited
        return self._list(prefix, self._is_readable)

    def _iter_keys(self, prefix: str) -> Iterator[str]:
        return self._list(prefix, self._is_backend_key)

    def _list(self, prefix: str, is_key: Callable[[str], bool]) -> Iterator[str]:
        with OsErrors(listing_error, self.root):
            for key, _ in self._scan(prefix, is_key):
                yield key

    def _scan(
        self, prefix: str, is_key: Callable[[str], bool], *, look: bool = False
    ) -> Scan:
        self._require_root()
        nested = self.extended_keys
        return Scan(self.root, prefix, nested=nested, is_key=is_key, look=look)

    def _iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
        with OsErrors(listing_error, self.root):
            for key, found in self._scan(prefix, self._is_backend_key, look=True):
                if found is not None:
                    yield describe(key, found)

    def _iter_prefixes(self, delimiter: str, prefix: str) -> Iterator[str]:
        if delimiter != "/" or not self.extended_keys:
            yield from super()._iter_prefixes(delimiter, prefix)
            return
        with OsErrors(listing_error, self.root):
            yield from self._scan(prefix, self._is_backend_key).folders_and_files()

    def _ping(self) -> None:
        with OsErrors(writing_error, self.root):
            if self.create_if_missing:
                make_root(self.root, fsync=self.fsync)
        self._require_root()
        if not os.access(self.root, os.R_OK | os.W_OK | os.X_OK):
            raise AccessDenied(
                f"The folder {self.root!r} needs read, write and search permission."
            )

    # Writing.

    def _put(self, key: str, data: bytes, **conditions: Any) -> str:
        self._write(key, (data,), **conditions)
        return key

    def _put_file(self, key: str, file: Readable, **conditions: Any) -> str:
        self._write(key, chunks(file), **conditions)
        return key

    def _write(self, key: str, parts: Iterable[bytes], **conditions: Any) -> None:
        draft = self._draft(key, **conditions)
        try:
            for part in parts:
                draft.write(part)
            draft.publish()
        except BaseException:
            draft.discard()
            raise

    def _draft(
        self, key: str, *, if_absent: bool = False, if_match: str | None = None
    ) -> Draft:
        if not self.create_if_missing:
            self._require_root()
        return Draft(self._disk, key, if_absent=if_absent, if_match=if_match)

    def _put_filename(self, key: str, filename: str, **conditions: Any) -> str:
        self._require_root()
        given = Source(filename)
        if given.is_movable and given.move(self._disk, key, conditions):
            return key
        with open(filename, "rb") as source:
            self._put_file(key, source, **conditions)
        if given.is_movable:
            given.remove()
        return key

    def _open_writer(self, key: str, **conditions: Any) -> AbortableWriter:
        return AbortableWriter(self._draft(key, **conditions))

    def _delete(self, key: str, *, if_match: str | None = None) -> None:
        self._require_root()
        delete(self._disk, key, if_match)

    def _copy(self, source: str, dest: str) -> None:
        with self._reading(source), find(self.root, source) as place:
            value, _ = open_value(place)
        with value as value_fd:
            draft = self._draft(dest)
            try:
                copy_bytes(draft, value_fd)
                draft.publish()
            except BaseException:
                draft.discard()
                raise

    def _move(self, source: str, dest: str) -> None:
        with self._reading(source):
            move(self._disk, source, dest)

    # URLs.

    def _url_for(self, key: str, **options: object) -> str:
        _refuse_options(options)
        return f"file://{quote(f'{self.root}/{key}')}"


def _absolute(path: str) -> str:
    # Not abspath: it takes "link/.." for nothing, and the system does not.
    parts = os.path.join(os.getcwd(), path).split("/")
    return "/" + "/".join(part for part in parts if part not in ("", "."))


def _refuse_options(options: dict[str, object]) -> None:
    if options:
        raise Unsupported(
            f"A URL to a file cannot say {', '.join(options)}; it is the same for all."
        )


class WebFilesystemStore(FilesystemStore):
    """Files whose folder a web server shows.

    Parameters
    ----------
    root : str or os.PathLike
        As for `FilesystemStore`.
    url_prefix : str or callable
        What stands before the key in its URL, with the slash at its end; or a function
        of the store and the key that returns it.
    perm, fsync, create_if_missing
        As for `FilesystemStore`.

    Examples
    --------
    >>> from minimalkv.fs import WebFilesystemStore
    >>> store = WebFilesystemStore("/srv/files", "https://example.org/files/")
    >>> store.url_for("a photo.png".replace(" ", "_"))
    'https://example.org/files/a_photo.png'
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        url_prefix: str | Callable[["WebFilesystemStore", str], str],
        perm: int | None = None,
        *,
        fsync: bool = True,
        create_if_missing: bool = True,
    ) -> None:
        super().__init__(root, perm, fsync=fsync, create_if_missing=create_if_missing)
        self.url_prefix = url_prefix

    def _url_for(self, key: str, **options: object) -> str:
        _refuse_options(options)
        before = self.url_prefix
        stem = before(self, key) if callable(before) else before
        return stem + quote(key)
