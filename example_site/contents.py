"""What is in the store, a page of a listing at a time, and no values."""

import contextlib
from collections.abc import Generator
from datetime import UTC, datetime
from itertools import islice
from typing import Final, NamedTuple

from minimalkv import KeyNotFound, KeyValueStore, ObjectMeta
from minimalkv.ttl import with_ttl

PAGE_KEYS: Final = 20
LAST_PAGE: Final = 50


class Kind(NamedTuple):
    """What the site keeps under some keys, and how much of them may be shown."""

    begin: str
    name: str
    letters: int | None = None


KINDS: Final = (
    Kind("mkv-session-", "a session", 8),
    Kind("mkv-user-", "the sessions of a name", 8),
    Kind("mkv-cache-", "a cached value", 8),
    Kind("photos/", "a photo or video"),
    Kind("thumbs/", "a thumbnail"),
    Kind("upload-", "what is known about a photo"),
    Kind("static/", "a static file"),
    Kind("private/", "a private file", 0),
    Kind("private-", "what is known about a private file", 8),
)
_OTHER: Final = Kind("", "of somebody else")


class Entry(NamedTuple):
    """What is shown of one key.

    Attributes
    ----------
    key : str
        The key, cut short where the rest is nobody's business.
    kind : str
        What the site keeps there.
    meta : ObjectMeta
        Its size, content type, times.
    left : float or None
        For how many seconds it is kept; None is for ever.
    """

    key: str
    kind: str
    meta: ObjectMeta
    left: float | None


def page_of(store: KeyValueStore, prefix: str, number: int) -> tuple[list[Entry], bool]:
    """Return a page of what is in a store, and whether there is another one.

    The listing is lazy: of a million keys, those behind the page are not asked for.

    Parameters
    ----------
    store : KeyValueStore
        Any store.
    prefix : str
        What the keys begin with.
    number : int
        The page, from 1 to `LAST_PAGE`.
    """
    begin = (number - 1) * PAGE_KEYS
    with contextlib.closing(_listing(store, prefix)) as metas:
        found = [*islice(metas, begin, begin + PAGE_KEYS + 1)]
    shown = [_entry(store, meta) for meta in found[:PAGE_KEYS]]
    has_more = len(found) > PAGE_KEYS and number < LAST_PAGE
    return [entry for entry in shown if entry], has_more


def _listing(store: KeyValueStore, prefix: str) -> Generator[ObjectMeta, None, None]:
    yield from store.iter_meta(prefix)


def _entry(store: KeyValueStore, meta: ObjectMeta) -> Entry | None:
    """Return what is shown, or None if it has expired meanwhile."""
    if meta.key.startswith("mkv-"):
        # What expires is kept in a frame where the store itself lets nothing expire.
        try:
            meta = with_ttl(store).head(meta.key)
        except KeyNotFound:
            return None
    return Entry(shown(meta.key), kind_of(meta.key).name, meta, seconds_left(meta))


def seconds_left(meta: ObjectMeta) -> float | None:
    """Return for how long a value is kept, None for ever."""
    if meta.expires is None:
        return None
    return (meta.expires - datetime.now(UTC)).total_seconds()


def kind_of(key: str) -> Kind:
    """Return what the site keeps under a key."""
    return next((kind for kind in KINDS if key.startswith(kind.begin)), _OTHER)


def askable(prefix: str) -> str:
    """Return as much of a prefix as is shown: with more, one could guess the rest."""
    begin, _, letters = kind_of(prefix)
    return prefix if letters is None else prefix[: len(begin) + letters]


def shown(key: str) -> str:
    """Return a key as everybody may see it."""
    begin, _, letters = kind_of(key)
    if letters is None:
        return key
    return f"{begin}{key.removeprefix(begin)[:letters]}…"
