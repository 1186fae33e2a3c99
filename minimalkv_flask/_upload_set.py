"""A set of uploads: what is taken, and where it goes."""

import logging
import os
from collections.abc import Callable
from typing import Any, Final

from flask import Flask, Request, current_app
from flask import request as current_request
from werkzeug.datastructures import FileStorage, MultiDict

from minimalkv import InvalidArgument, KeyValueStore
from minimalkv._sniffing import BEGINNING_BYTES, judge_content_type, type_of
from minimalkv.files import Part, Source, StoredFile
from minimalkv_flask._upload_config import UploadConfiguration, configuration_of
from minimalkv_flask._upload_direct import DirectMixin
from minimalkv_flask._upload_errors import UploadNotAllowed, refused
from minimalkv_flask._upload_finding import FindingMixin
from minimalkv_flask._upload_form import was_parsed
from minimalkv_flask._upload_saving import save_all, save_one
from minimalkv_flask._upload_types import (
    DEFAULTS,
    AllExcept,
    Wanted,
    checked_types,
    is_among,
    is_taken,
)

_log: Final = logging.getLogger("minimalkv_flask")


class UploadSet(FindingMixin, DirectMixin):
    """Files that belong together, such as photos, and what may be among them.

    Where they go is said by the application, in its configuration, NAME being that of
    the set in capitals:

    - ``UPLOADED_<NAME>_STORE``: an alias of ``MINIMALKV_STORES``, or a URL. Without
      any of these it is the alias ``uploads``, which may be the default store.
    - ``UPLOADED_<NAME>_DEST``: a folder instead, whose files have the same names as
      with Flask-Uploads. ``UPLOADS_DEFAULT_DEST``: one with a folder for each set.
    - ``UPLOADED_<NAME>_PREFIX``: what the keys begin with: by default the name of the
      set and a slash (a dash in stores whose keys have none), and nothing in a folder.
    - ``UPLOADED_<NAME>_URL``: where a web server shows the files. It should send them
      with ``X-Content-Type-Options: nosniff``. ``UPLOADS_DEFAULT_URL``: the same, with
      a folder for each set.
    - ``UPLOADED_<NAME>_ALLOW``, ``UPLOADED_<NAME>_DENY``: endings and types that are
      taken, or refused, besides *extensions*.
    - ``UPLOADED_<NAME>_MAX_BYTES``, ``UPLOADS_DEFAULT_MAX_BYTES``: the most bytes of
      one file.

    With `MinimalKV` nothing has to be set up; without it, or if the store is an object
    or URL in the code, call `configure_uploads`.

    What is refused raises an error that Flask answers with 400, 403, 413 or 415; to
    answer in another way, catch it or register a handler for it.

    Parameters
    ----------
    name : str
        Its name: letters and digits.
    extensions : iterable of str or AllExcept
        What is taken: endings (``jpg``), types (``image/png``) or groups
        (``image/*``). The first bytes of a file decide of what type it is, not its
        name nor what its sender says.
    default_dest : callable, optional
        Returns the folder for an application whose configuration names none.
    store : str or KeyValueStore, optional
        An alias, a URL or a store, for an application whose configuration names none.
    prefix : str, optional
        What the keys begin with.
    max_bytes : int, optional
        The most bytes of one file. ``MAX_CONTENT_LENGTH`` limits the whole request,
        ``MAX_FORM_PARTS`` its parts.

    Raises
    ------
    InvalidArgument
        If the name has other characters, or *extensions* is a single text.

    Examples
    --------
    >>> from flask import Flask
    >>> from werkzeug.datastructures import FileStorage
    >>> from minimalkv_flask.uploads import TEXT, UploadSet
    >>> import io
    >>> app = Flask("shop")
    >>> app.config["MINIMALKV_URL"] = "hmemory://"
    >>> notes = UploadSet("notes", TEXT)
    >>> with app.app_context():
    ...     saved = notes.save(FileStorage(io.BytesIO(b"Hello"), "a note.txt"))
    >>> saved, saved.key, saved.content_type
    ('a_note.txt', 'notes/a_note.txt', 'text/plain')
    """

    def __init__(
        self,
        name: str = "files",
        extensions: Wanted = DEFAULTS,
        default_dest: Callable[[Flask], str | os.PathLike[str]] | None = None,
        *,
        store: str | KeyValueStore | None = None,
        prefix: str | None = None,
        max_bytes: int | None = None,
    ) -> None:
        if not (name.isascii() and name.isalnum()):
            raise InvalidArgument(
                f"A set is named by letters and digits, not {name!r}."
            )
        self.name = name
        self.extensions: Wanted = extensions
        if not isinstance(extensions, AllExcept):
            self.extensions = checked_types(extensions)
        self.default_dest = default_dest
        self.store = store
        self.prefix = prefix
        self.max_bytes = max_bytes
        self._has_told = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    @property
    def config(self) -> UploadConfiguration:
        """What the configuration of the current application says about the set.

        Raises
        ------
        InvalidArgument
            If it names no store, or something in it is unusable.
        """
        return configuration_of(current_app, self.name, self)

    def stream(
        self, request: Request | None = None, *, folder: str | None = None
    ) -> MultiDict[str, StoredFile]:
        """Store all files of a form while they arrive.

        Nothing of them is kept in memory or in temporary files. If one is refused, or
        the request ends early, none of them stays in the store. ``request.form`` has
        the other fields afterwards; before, do not use it: the form would be read into
        temporary files, which are stored then, and a line of the log says so once.
        Extensions against forged requests do that, unless the token is in a header and
        the view is exempt from their own check.

        Each file gets its own name, with random characters before the ending.

        Parameters
        ----------
        request : Request, optional
            The current one by default.
        folder : str, optional
            A folder within the set.

        Returns
        -------
        MultiDict
            A `StoredFile` for each field that came with a file; ``getlist(field)`` has
            all of a field that takes several.

        Raises
        ------
        UploadTooLarge, UploadIncomplete, UploadNotAllowed, UploadRefused
            If it is refused; nothing was stored.
        StoreError
            If the store failed.
        """
        request = plain_request(request)
        config = self.config
        if was_parsed(request):
            self._tell_once()

        def save(source: Source, filename: str, field: str) -> StoredFile:
            return save_one(
                config,
                source,
                filename,
                folder=folder,
                types=self.type_allowed,
                field=field,
            )

        return save_all(request, config.store, save)

    def _tell_once(self) -> None:
        if not self._has_told:
            self._has_told = True
            _log.warning(
                "The form for %r was read before %s.stream(request), into temporary "
                "files. Nothing may use request.form or request.files before it.",
                self.name,
                type(self).__name__,
            )

    def save(
        self,
        storage: FileStorage | Part,
        folder: str | None = None,
        name: str | None = None,
    ) -> StoredFile:
        """Store one file that Flask has read, or a part of `iter_parts`.

        Parameters
        ----------
        storage : FileStorage or Part
            Such as ``request.files["photo"]``; read from where it stands.
        folder : str, optional
            A folder within the set.
        name : str, optional
            Its name, instead of that of the sender; with folders, if *folder* is not
            given. With a dot at its end it gets the ending of the sender. If it is
            taken, it gets random characters before its ending.

        Returns
        -------
        StoredFile
            As a text it is the name within the set, with the folder.

        Raises
        ------
        UploadNotAllowed
            If it is of a type that is not taken, or nobody chose a file.
        UploadTooLarge
            If it has too many bytes.
        TypeError
            If *storage* is something else.
        StoreError
            If the store failed.
        """
        if not isinstance(storage, FileStorage | Part):
            raise TypeError(f"storage is a FileStorage or a Part, not {storage!r}.")
        filename = storage.filename or ""
        source: Source = storage
        if isinstance(storage, FileStorage):
            source = storage.stream
            if not (filename and self.file_allowed(storage, filename)):
                text = f"{filename[:80]!r} is not taken here."
                raise refused(UploadNotAllowed(text))
        if folder is None and name is not None:
            folder, _, name = name.rpartition("/")
        if name and name.endswith("."):
            name += filename.rpartition(".")[2]
        options: dict[str, Any] = {"folder": folder, "name": name}
        options |= {"types": self.type_allowed, "field": storage.name}
        return save_one(self.config, source, filename, **options)

    def file_allowed(self, storage: FileStorage, basename: str) -> bool:
        """Tell whether `save` takes a file, by its content and name.

        Parameters
        ----------
        storage : FileStorage
            What was sent; it stands where it stood afterwards.
        basename : str
            Its name.
        """
        stream = storage.stream
        if not stream.seekable():
            return self.extension_allowed(basename.rpartition(".")[2])
        place = stream.tell()
        beginning = stream.read(BEGINNING_BYTES)
        stream.seek(place)
        return self.type_allowed(judge_content_type(beginning, basename), basename)

    def extension_allowed(self, ext: str) -> bool:
        """Tell whether an ending, without a dot, stands for something that is taken."""
        name = f"x.{ext.lower()}"
        return self.type_allowed(type_of(name), name)

    def type_allowed(self, content_type: str, filename: str) -> bool:
        """Tell whether a file is taken that is of a type by its content.

        Override it to decide otherwise, for `save`, `stream` and `attach`.

        Parameters
        ----------
        content_type : str
            What it is.
        filename : str
            What its sender calls it.
        """
        config = self.config
        if config.allow and is_taken(content_type, filename, config.allow):
            return True
        if config.deny and is_among(content_type, filename, config.deny):
            return False
        return is_taken(content_type, filename, self.extensions)


def plain_request(request: Request | None) -> Request:
    """Return a request itself, where it is the proxy of Flask."""
    found: Any = current_request if request is None else request
    unwrap = getattr(found, "_get_current_object", None)
    plain: Request = found if unwrap is None else unwrap()
    return plain
