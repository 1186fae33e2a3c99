"""What takes the files of a form while they arrive."""

import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import IO, Any, Final

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, QueryDict
from django.utils.datastructures import MultiValueDict

from minimalkv import KeyValueStore, StoreError, UploadRefused
from minimalkv.files import Part, StoredFile, iter_parts, store_upload
from minimalkv_django import _csrf
from minimalkv_django.stores import stores

_log: Final = logging.getLogger("minimalkv_django")


def tell_refused(error: UploadRefused) -> None:
    """Tell the log why an upload was not taken."""
    _log.info("An upload was refused: %s", error)


def require_length(request: HttpRequest) -> None:
    """Refuse a request whose body Django would take for empty, so that it was lost."""
    if not request.META.get("CONTENT_LENGTH"):
        error = UploadRefused("The request does not say its length (Content-Length).")
        error.status = HTTPStatus.LENGTH_REQUIRED
        raise error


class KVUploadedFile(UploadedFile):  # type: ignore[type-arg] # only in the stubs
    """A file that was sent, and is in the store already.

    It is deleted when the request ends, unless `keep` was called or a model has taken
    it: a `KVStorage` on the same store moves it to the name that it gets there, without
    reading it.

    Parameters
    ----------
    store : KeyValueStore
        Where it is.
    stored : StoredFile
        What it is called there.

    Attributes
    ----------
    stored : StoredFile
        Its key, size and type; the type is judged by its first bytes.
    """

    def __init__(self, store: KeyValueStore, stored: StoredFile) -> None:
        self._store = store
        self._key = stored.key
        self._is_kept = False
        self._opened: IO[bytes] | None = None
        self.stored = stored
        name = stored.filename
        if name in ("", ".", ".."):  # Django refuses them, and it is stored by now
            name = stored.key.rpartition("/")[2]
        super().__init__(None, name, stored.content_type, stored.size, None, {})

    @property
    def file(self) -> IO[bytes]:
        """The content, opened in the store when it is asked for."""
        if self._opened is None:
            self._opened = self._store.open(self._key)
        return self._opened

    @file.setter
    def file(self, file: IO[bytes] | None) -> None:
        self._opened = file

    @property
    def closed(self) -> bool:
        """Whether it was closed; Django closes again what says so at the beginning."""
        return self._opened is not None and self._opened.closed

    def open(self, mode: str | None = None, *_: Any, **__: Any) -> "KVUploadedFile":
        """Go to its beginning; see Django."""
        if self.closed:
            self._opened = None
        self.seek(0)
        return self

    def keep(self) -> StoredFile:
        """Let it stay in the store after the request, and return what it is there."""
        self._is_kept = True
        return self.stored

    def move_to(self, store: KeyValueStore, key: str) -> bool:
        """Become the value of another key, if that is in the same store.

        Returns
        -------
        bool
            False if it is in another store, so that it has to be read.
        """
        if self._is_kept or store is not self._store:
            return False
        store.move(self._key, key)
        self._key = key
        self._is_kept = True
        if self._opened is not None:  # it reads what is gone
            self._opened.close()
            self._opened = None
        return True

    def close(self) -> None:
        """Close it; what nobody kept is deleted."""
        if self._opened is not None:
            self._opened.close()
        self.discard()

    def discard(self) -> None:
        """Delete it, unless it is kept; the log tells if that fails."""
        if self._is_kept:
            return
        self._is_kept = True
        try:
            self._store.delete(self.stored.key)
        except StoreError:
            _log.exception(
                "A file that nobody kept could not be deleted: %s", self.stored.key
            )


class KVUploadHandler(FileUploadHandler):
    """Reads a form in Django's place, and stores its files on the way.

    `stream_uploads` gives it to a request. It is not meant for
    ``FILE_UPLOAD_HANDLERS``: there it would store files for requests of anybody, before
    a view could refuse them.

    Parameters
    ----------
    request : HttpRequest
        The request.
    store, prefix, types, max_bytes, max_file_bytes, csrf
        As for `stream_uploads`.
    """

    def __init__(
        self,
        request: HttpRequest,
        *,
        store: Any = "uploads",
        prefix: str = "",
        types: Iterable[str] | None = None,
        max_bytes: int | None = None,
        max_file_bytes: int | None = None,
        csrf: bool = True,
    ) -> None:
        super().__init__(request)
        self._request = request
        self._wanted = store
        self._max_bytes = max_bytes
        self._options: dict[str, Any] = {
            "prefix": prefix,
            "types": types,
            "max_bytes": max_file_bytes,
        }
        self._is_checked = not csrf
        self._fields = 0
        self._parts = 0
        self._post = QueryDict(mutable=True)
        self._files: MultiValueDict[str, Any] = MultiValueDict()

    @property
    def has_token(self) -> bool:
        """Whether the request can be checked without its form."""
        return self._is_checked or _csrf.has_header(self._request)

    def check_csrf(self, fields: QueryDict | None = None) -> None:
        """Do Django's check once, with the fields that were read by now."""
        if not self._is_checked:
            _csrf.check(self._request, self._post if fields is None else fields)
            self._is_checked = True

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803 - as Django calls it
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> tuple[QueryDict, "MultiValueDict[str, Any]"]:
        """Read the form; see Django."""
        self._post = QueryDict(mutable=True, encoding=encoding)
        try:
            self._read(input_data.read, META["CONTENT_TYPE"], content_length)
            self.check_csrf()
        except BaseException:
            self._discard()
            raise
        self._post._mutable = False  # noqa: SLF001 - as Django's own parser does it
        return self._post, self._files

    def _read(self, read: Any, content_type: str, content_length: int) -> None:
        parts = iter_parts(
            read,
            content_type,
            content_length=content_length,
            max_bytes=self._max_bytes,
            max_parts=None,
            max_field_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
        )
        for part in parts:
            if part.filename is None:
                self._take_field(part)
            else:
                self.check_csrf()
                self._count_file()
                if part.filename:  # a file input that was left empty has no name
                    self._take_file(part)

    def _take_field(self, part: Part) -> None:
        limit = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
        self._fields += 1
        if limit is not None and self._fields > limit:
            raise TooManyFieldsSent(
                f"The form has more fields than DATA_UPLOAD_MAX_NUMBER_FIELDS, {limit}."
            )
        self._post.appendlist(part.name, part.text())

    def _take_file(self, part: Part) -> None:
        store = stores.get(self._wanted)
        stored = store_upload(
            store, part, part.filename, field=part.name, **self._options
        )
        self._files.appendlist(part.name, KVUploadedFile(store, stored))

    def _count_file(self) -> None:
        limit = settings.DATA_UPLOAD_MAX_NUMBER_FILES
        self._parts += 1
        if limit is not None and self._parts > limit:
            raise TooManyFilesSent(
                f"The form has more files than DATA_UPLOAD_MAX_NUMBER_FILES, {limit}."
            )

    def _discard(self) -> None:
        for _, files in self._files.lists():
            for file in files:
                file.discard()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Pass on what is not for this handler; see Django."""
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Make no file of what others took; see Django."""
