"""Storing the files of a request: all of them, or none."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from flask import Request
from werkzeug.datastructures import MultiDict

from minimalkv import KeyValueStore, StoreError
from minimalkv.files import Source, StoredFile, Types, safe_filename, store_upload
from minimalkv_flask._upload_config import UploadConfiguration
from minimalkv_flask._upload_errors import answered
from minimalkv_flask._upload_form import drain_body, parts_of, set_form, was_parsed

Save = Callable[[Source, str, str], StoredFile]
"""Stores what is read, of a filename, in a field."""

_log: Final = logging.getLogger("minimalkv_flask")


def save_one(
    config: UploadConfiguration,
    source: Source,
    filename: str,
    *,
    folder: str | None = None,
    name: str | None = None,
    types: Types = None,
    field: str | None = None,
) -> StoredFile:
    """Store a file under a name of its own in a set."""
    with answered():
        stored = store_upload(
            config.store,
            source,
            filename,
            prefix=config.prefix + folder_prefix(config, folder),
            name=_with_lower_ending(name or filename),
            types=types,
            max_bytes=config.max_bytes,
            field=field,
        )
    return within(config, stored)


def within(config: UploadConfiguration, stored: StoredFile) -> StoredFile:
    """Return a stored file whose text has its folder as well."""
    facts = {**vars(stored), "prefix": config.prefix}
    return StoredFile(facts.pop("key"), **facts)


def folder_prefix(config: UploadConfiguration, folder: str | None) -> str:
    """Return what the names in a folder begin with; each part of it is made safe."""
    parts = [part for part in (folder or "").split("/") if part]
    return "".join(f"{safe_filename(part)}{config.separator}" for part in parts)


def _with_lower_ending(filename: str) -> str:
    stem, dot, ending = filename.rpartition(".")
    return f"{stem}{dot}{ending.lower()}" if dot else filename


def save_all(
    request: Request, store: KeyValueStore, save: Save
) -> MultiDict[str, StoredFile]:
    """Store every file of a request, and give the request its other fields.

    If anything fails, what was stored is deleted, and the rest of the request is read,
    so that its sender sees the answer.
    """
    stored: list[StoredFile] = []
    fields: list[tuple[str, str]] = []
    was_read = was_parsed(request)
    try:
        sent = _parsed(request) if was_read else _arriving(request, fields)
        for field, filename, source in sent:
            stored.append(save(source, filename, field))
    except BaseException:
        _remove(store, stored)
        drain_body(request)
        raise
    finally:
        if not was_read:
            set_form(request, fields)
    return MultiDict((file.field or "", file) for file in stored)


def _parsed(request: Request) -> Iterator[tuple[str, str, Source]]:
    for field, file in request.files.items(multi=True):
        if file.filename:
            yield field, file.filename, file.stream


def _arriving(
    request: Request, fields: list[tuple[str, str]]
) -> Iterator[tuple[str, str, Source]]:
    for part in parts_of(request):
        if part.filename is None:
            fields.append((part.name, part.text()))
        elif part.filename:  # empty where nobody chose a file
            yield part.name, part.filename, part


def _remove(store: KeyValueStore, stored: Iterable[StoredFile]) -> None:
    keys = [file.key for file in stored]
    try:
        store.delete_many(keys)
    except StoreError:
        _log.exception("Files of a refused upload could not be deleted: %s", keys)
