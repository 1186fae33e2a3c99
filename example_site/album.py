"""The photos and videos of the site, each with what is known about it.

A photo is ``photos/<name>.png`` (or jpg, gif, webp), its thumbnail
``thumbs/<name>.png.webp``, and the facts about it ``upload-<time>-<random>.json``. A
video is ``photos/<name>.mp4`` (or webm), and has no thumbnail.
"""

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from example_site.facts import Fact, Facts
from example_site.thumbnails import CONTENT_TYPE, NoPicture, thumbnail_of
from minimalkv import KeyValueStore, StoreError

PREFIX: Final = "photos/"
THUMBS: Final = "thumbs/"

MAX_PHOTO_BYTES: Final = 20 * 2**20
MAX_VIDEO_BYTES: Final = 200 * 2**20

PHOTO_ENDINGS: Final = ("png", "jpg", "jpeg", "gif", "webp")
VIDEO_ENDINGS: Final = ("mp4", "webm")
ENDINGS: Final = PHOTO_ENDINGS + VIDEO_ENDINGS

_FACTS: Final = "upload-"
_ENDING: Final = "|".join(ENDINGS)
# Earlier versions of the site kept photos beside their facts.
_EARLIER: Final = re.compile(rf"upload-[0-9a-f]{{12}}-[0-9a-f]{{32}}\.(?:{_ENDING})")
_NAME: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]*\.(?:{_ENDING})", re.IGNORECASE)


class Refused(ValueError):
    """The file cannot be shown; the message is for the visitor."""


@dataclass(frozen=True)
class Item:
    """A photo or video, and what is known about it.

    Attributes
    ----------
    key : str
        The key of the file.
    facts : str
        The key of what is known about it.
    thumbnail : str or None
        The key of its thumbnail.
    name, uploader : str
        What it is called, and by whom it was sent.
    uploaded : datetime
        When it came.
    """

    key: str
    facts: str
    thumbnail: str | None
    name: str
    uploader: str
    uploaded: datetime

    @property
    def path(self) -> str:
        """Where it is below ``/photos/``."""
        return self.key.removeprefix(PREFIX)

    @property
    def thumbnail_path(self) -> str | None:
        """Where its thumbnail is below ``/thumbs/``."""
        return self.thumbnail and self.thumbnail.removeprefix(THUMBS)

    @property
    def is_video(self) -> bool:
        """Whether it is to be played."""
        return is_video(self.key)


def is_video(name: str) -> bool:
    """Tell whether a name is that of a video."""
    return name.lower().endswith(VIDEO_ENDINGS)


def key_at(path: str) -> str | None:
    """Return the key of what is at a path below ``/photos/``, None if nothing is."""
    if _EARLIER.fullmatch(path):
        return path
    return f"{PREFIX}{path}" if _NAME.fullmatch(path) else None


class Album:
    """The photos and videos in a store.

    Parameters
    ----------
    store : KeyValueStore
        Any store; it may hold other things too.
    """

    def __init__(self, store: KeyValueStore) -> None:
        self._store = store
        self._facts = Facts(store, _FACTS)

    def add(self, key: str, size: int, name: str, uploader: str) -> Item:
        """Show a file that is in the store; one that is refused is deleted there.

        Parameters
        ----------
        key, size
            Its key and bytes.
        name, uploader
            What it is called, and who sent it.

        Raises
        ------
        Refused
            If it is a photo that is too large or cannot be shown.
        StoreError
            If the store fails; the file is not shown then.
        """
        made = [key]
        try:
            thumbnail = None
            if not is_video(key):
                thumbnail = self._add_thumbnail(key, size, name)
                made.append(thumbnail)
            fact = self._facts.add(
                key=key, thumbnail=thumbnail, name=name, uploader=uploader
            )
        except BaseException:
            with contextlib.suppress(StoreError):
                self._store.delete_many(made)
            raise
        return Item(key, fact.key, thumbnail, name, uploader, fact.at)

    def _add_thumbnail(self, key: str, size: int, name: str) -> str:
        if size > MAX_PHOTO_BYTES:
            raise Refused(f"“{name}” is larger than 20 MiB.")
        try:
            thumbnail = thumbnail_of(self._store.get(key))
        except NoPicture as error:
            raise Refused(f"“{name}” {error}.") from error
        return self._store.put(
            f"{THUMBS}{key.removeprefix(PREFIX)}.webp",
            thumbnail,
            content_type=CONTENT_TYPE,
        )

    def newest(self, count: int) -> list[Item]:
        """Return what came last, the newest first."""
        return [*self._items(self._facts.newest(count))]

    def _items(self, found: Iterable[Fact]) -> Iterable[Item]:
        for fact in found:
            told = fact.told
            with contextlib.suppress(KeyError):
                key, name = str(told["key"]), str(told["name"])
                if key_at(key.removeprefix(PREFIX)) != key:
                    continue
                thumb = told.get("thumbnail")
                by = str(told["uploader"])
                yield Item(key, fact.key, thumb and str(thumb), name, by, fact.at)

    def remove(self, facts: str, *files: str | None) -> None:
        """Delete a photo or video: what is known about it, and its files."""
        self._store.delete_many([facts, *(file for file in files if file)])
