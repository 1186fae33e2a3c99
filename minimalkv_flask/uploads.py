"""Uploads that go into a store while they arrive, without a temporary file.

::

    photos = UploadSet("photos", IMAGES, max_bytes=20 * 2**20)

    @app.post("/photos")
    def add():
        saved = photos.stream(request)
        return {"key": saved["file"].key, "title": request.form["title"]}

The names and settings are those of Flask-Uploads and Flask-Reuploaded.
"""

from collections.abc import Iterable, Iterator

from flask import Flask, Request

from minimalkv import UploadRefused
from minimalkv.files import Part, StoredFile
from minimalkv_flask._upload_blueprint import (
    files,
    register_by_name,
    register_files,
)
from minimalkv_flask._upload_config import configuration_of, sets_of
from minimalkv_flask._upload_errors import (
    InvalidToken,
    UploadIncomplete,
    UploadNotAllowed,
    UploadTooLarge,
)
from minimalkv_flask._upload_form import parts_of
from minimalkv_flask._upload_links import signed_url
from minimalkv_flask._upload_set import UploadSet, plain_request
from minimalkv_flask._upload_types import (
    ALL,
    ARCHIVES,
    AUDIO,
    DATA,
    DEFAULTS,
    DOCUMENTS,
    EXECUTABLES,
    IMAGES,
    SCRIPTS,
    SOURCE,
    TEXT,
    AllExcept,
)

__all__ = [
    "ALL",
    "ARCHIVES",
    "AUDIO",
    "DATA",
    "DEFAULTS",
    "DOCUMENTS",
    "EXECUTABLES",
    "IMAGES",
    "SCRIPTS",
    "SOURCE",
    "TEXT",
    "AllExcept",
    "InvalidToken",
    "StoredFile",
    "UploadIncomplete",
    "UploadNotAllowed",
    "UploadRefused",
    "UploadSet",
    "UploadTooLarge",
    "configure_uploads",
    "files",
    "iter_parts",
    "signed_url",
]


def configure_uploads(app: Flask, upload_sets: UploadSet | Iterable[UploadSet]) -> None:
    """Make sets known to an application, and serve their signed files.

    Only sets whose store is an object or a URL in the code need it, and applications
    without `MinimalKV`. With ``UPLOADS_AUTOSERVE`` everybody gets the files of these
    sets, below ``/_uploads/``.

    Parameters
    ----------
    app : Flask
        The application, configured.
    upload_sets : UploadSet or iterable of UploadSet
        The sets.

    Raises
    ------
    InvalidArgument
        If a set has no store, or one of its settings is unusable.
    """
    if isinstance(upload_sets, UploadSet):
        upload_sets = (upload_sets,)
    known = sets_of(app)
    for upload_set in upload_sets:
        known[upload_set.name] = upload_set
        configuration_of(app, upload_set.name)
    register_files(app)
    register_by_name(app)


def iter_parts(
    request: Request | None = None, *, max_bytes: int | None = None
) -> Iterator[Part]:
    """Yield the parts of a form while it arrives, fields and files.

    Each is a file to read, which may be given to `UploadSet.save` or to
    ``store.put_file``, until the next one is asked for.

    Parameters
    ----------
    request : Request, optional
        The current one by default.
    max_bytes : int, optional
        The most bytes of the whole form, besides ``MAX_CONTENT_LENGTH``.

    Raises
    ------
    UploadTooLarge, UploadIncomplete, UploadRefused
        If it is larger than it may be, ends early, or is no form; also while a part is
        read. What was stored of it stays.
    """
    return parts_of(plain_request(request), max_bytes)
