"""The photos of the site, under keys that every store takes.

A photo is ``upload-<time>-<random>.png`` (or jpg, gif, webp) and the facts about it are
``upload-<time>-<random>.json`` beside it. With the time first, in milliseconds since
1970, the order of the keys is the order of the uploads.
"""

import contextlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, BinaryIO, Final
from uuid import uuid4

from minimalkv import KeyNotFound, KeyValueStore, ObjectMeta, StoreError

MAX_PHOTO_BYTES: Final = 20 * 2**20
TYPES: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
}

_PREFIX = "upload-"
_FACTS = ".json"
_STEM = rf"{_PREFIX}[0-9a-f]{{12}}-[0-9a-f]{{32}}"
_PHOTO_KEY = re.compile(rf"{_STEM}\.({'|'.join(TYPES)})")
_FACTS_KEY = re.compile(rf"{_STEM}{re.escape(_FACTS)}")
_BEGINNINGS: Final = {
    "png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "jpg": re.compile(rb"\xff\xd8\xff"),
    "gif": re.compile(rb"GIF8[79]a"),
    "webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}
_LONGEST_NAME = 100


class PhotoRefused(ValueError):
    """The file cannot be shown as a photo; the message is for the visitor."""


@dataclass(frozen=True)
class Photo:
    """A photo and the facts about it."""

    key: str
    name: str
    uploader: str
    uploaded: datetime


class Photos:
    """The photos in a store.

    Parameters
    ----------
    store : KeyValueStore
        Any store; it may hold other things too.
    """

    def __init__(self, store: KeyValueStore) -> None:
        self._store = store

    def add(self, file: IO[bytes], name: str, uploader: str) -> None:
        """Store an uploaded photo.

        Parameters
        ----------
        file : file-like object
            A seekable file. Its first bytes tell the type, whatever its name says.
        name : str
            The filename in the visitor's words.
        uploader : str
            Who uploads it.

        Raises
        ------
        PhotoRefused
            If it is empty, too large, or no PNG, JPEG, GIF or WebP.
        StoreError
            If the store fails; no photo is shown then.
        """
        ending = _judge(file)
        stem = f"{_PREFIX}{time.time_ns() // 10**6:012x}-{uuid4().hex}"
        key = f"{stem}.{ending}"
        self._store.put_file(key, file, content_type=TYPES[ending])
        facts = {"key": key, "name": _clean(name), "uploader": uploader}
        try:
            self._store.put(stem + _FACTS, json.dumps(facts).encode())
        except StoreError:
            with contextlib.suppress(StoreError):
                self._store.delete(key)
            raise

    def newest(self, count: int) -> list[Photo]:
        """Return the photos that were uploaded last, the newest first."""
        keys = filter(_FACTS_KEY.fullmatch, self._store.iter_keys(_PREFIX))
        wanted = sorted(keys, reverse=True)[:count]
        found = self._store.get_many(wanted)
        return list(_read_all(found[key] for key in wanted if key in found))

    def open(self, key: str) -> tuple[ObjectMeta, BinaryIO, str]:
        """Open a photo.

        Returns
        -------
        tuple of ObjectMeta, BinaryIO and str
            The facts of the store, the content, and its type. The caller closes it.

        Raises
        ------
        KeyNotFound
            If there is no such photo. Nothing but a photo is ever opened.
        """
        match = _PHOTO_KEY.fullmatch(key)
        if match is None:
            raise KeyNotFound(key)
        meta, file = self._store.stream(key)
        return meta, file, TYPES[match[1]]


def _judge(file: IO[bytes]) -> str:
    """Return the ending for a photo, judged by its first bytes."""
    size = file.seek(0, 2)
    file.seek(0)
    begin = file.read(16)
    file.seek(0)
    if not size:
        raise PhotoRefused("That file is empty.")
    if size > MAX_PHOTO_BYTES:
        raise PhotoRefused("That photo is larger than 20 MiB.")
    for ending, beginning in _BEGINNINGS.items():
        if beginning.match(begin):
            return ending
    raise PhotoRefused("That file is not a PNG, JPEG, GIF or WebP photo.")


def _clean(name: str) -> str:
    """Keep of a filename what can be shown on one line."""
    last = name.rpartition("/")[2]
    shown = "".join(character for character in last if character.isprintable())
    return shown.strip()[:_LONGEST_NAME] or "photo"


def _read_all(facts: Iterator[bytes]) -> Iterator[Photo]:
    # The folder is the visitor's own: what else may lie there is left out.
    for text in facts:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            yield _read(json.loads(text))


def _read(facts: dict[str, str]) -> Photo:
    key = str(facts["key"])
    if not _PHOTO_KEY.fullmatch(key):
        raise ValueError(key)
    milliseconds = int(key[len(_PREFIX) :][:12], 16)
    uploaded = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return Photo(key, str(facts["name"]), str(facts["uploader"]), uploaded)
