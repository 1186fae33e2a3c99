"""What people send: named safely, judged by its content, stored while it arrives.

`minimalkv_flask.uploads` and `minimalkv_django.uploads` stand on this module.
"""

import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol, Self

from minimalkv._constants import RESERVED_PREFIX
from minimalkv._errors import (
    InvalidKey,
    KeyExists,
    UploadIncomplete,
    UploadTooLarge,
    WrongContentType,
)
from minimalkv._key_value_store import KeyValueStore
from minimalkv._keys import is_reserved
from minimalkv._parts import (
    DRAIN_BYTES,
    MAX_FIELD_BYTES,
    MAX_PARTS,
    Part,
    drain,
    iter_parts,
)
from minimalkv._sniffing import (
    BEGINNING_BYTES,
    UNKNOWN,
    is_wanted,
    judge_content_type,
    with_ending_for,
)
from minimalkv._streams import read_exactly

__all__ = [
    "DRAIN_BYTES",
    "MAX_FIELD_BYTES",
    "MAX_FILENAME",
    "MAX_PARTS",
    "Part",
    "StoredFile",
    "drain",
    "iter_parts",
    "judge_content_type",
    "safe_filename",
    "store_upload",
    "unique_filename",
]

MAX_FILENAME: Final = 100
"""Longest name that is given to an upload, in characters."""

Types = Iterable[str] | Callable[[str, str], bool] | None
"""What is wanted: `store_upload` tells."""

_MOST_NAMES: Final = 100
_MAX_SHOWN: Final = 250
_MAX_ENDING: Final = 20
_SUFFIX_BYTES: Final = 9  # 72 bits: 12 characters, which nobody meets twice or guesses
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


class StoredFile(str):
    """What became of an upload. As a text it is its name within its set.

    Attributes
    ----------
    key : str
        Its key in the store: the prefix of the set, and the name.
    size : int
        Bytes.
    content_type : str
        What it is, judged by its first bytes.
    filename : str
        What the sender called it, for people to read: without folders and control
        characters, and not safe as a path or in HTML.
    field : str or None
        The field of the form that it came in.
    """

    key: str
    size: int
    content_type: str
    filename: str
    field: str | None

    def __new__(
        cls,
        key: str,
        *,
        prefix: str = "",
        size: int,
        content_type: str,
        filename: str,
        field: str | None = None,
    ) -> Self:
        """Return the text, with the attributes."""
        self = super().__new__(cls, key.removeprefix(prefix))
        self.key, self.size, self.content_type = key, size, content_type
        self.filename, self.field = filename, field
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        facts = vars(self).copy()
        key = facts.pop("key")
        return (key,), {**facts, "prefix": key.removesuffix(self)}


class Source(Protocol):
    """What an upload is read from."""

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes, ``b""`` at the end."""


def store_upload(
    store: KeyValueStore,
    source: Source,
    filename: str | None,
    *,
    prefix: str = "",
    name: str | None = None,
    types: Types = None,
    max_bytes: int | None = None,
    headers: dict[str, str] | None = None,
    field: str | None = None,
) -> StoredFile:
    """Store a file while it is read, under a name that nobody else has.

    What can be read again (it has ``seek``) keeps its name if that is free, and else
    gets a random ending; what cannot, such as a `Part`, gets one in any case.

    Parameters
    ----------
    store : KeyValueStore
        Where it goes.
    source : file-like
        Read from where it stands, to its end; it stays open.
    filename : str or None
        What the sender calls it.
    prefix : str
        What its key begins with, such as ``photos/``.
    name : str or None
        Its name, instead of that of the sender; made safe in the same way.
    types : iterable of str, callable or None
        What is wanted: endings (``jpg``), types (``image/png``), or groups
        (``image/*``); or what tells of a type and a filename whether they are wanted.
        None means anything.
    max_bytes : int or None
        The most bytes that it may have. None means no limit.
    headers : dict of str to str or None
        As for `KeyValueStore.put`.
    field : str or None
        The field of the form that it comes in.

    Returns
    -------
    StoredFile
        Its key, size and type.

    Raises
    ------
    UploadTooLarge, WrongContentType
        If it is refused; nothing was stored.
    UploadRefused
        If the form that it is a part of cannot be read on; nothing was stored.
    InvalidKey
        If the prefix is no beginning of a key in this store, or is our own.
    StoreError
        If the store failed.
    """
    types = listed(types)
    beginning = read_exactly(source, BEGINNING_BYTES)
    shown = shown_filename(filename or "")
    content_type = judge_content_type(beginning, shown)
    check_type(content_type, shown, types)
    safe = fitting_name(name or shown, content_type, types)
    upload = UploadSource(source, beginning, max_bytes)
    options = {"content_type": content_type, "headers": headers}
    key = _put_unique(store, upload, prefix, safe, options)
    return StoredFile(
        key,
        prefix=prefix,
        size=upload.size,
        content_type=content_type,
        filename=shown,
        field=field,
    )


def listed(types: Types) -> Types:
    """Return what is wanted so that it can be looked through again and again."""
    return types if types is None or callable(types) else tuple(types)


def check_type(content_type: str, filename: str, types: Types) -> None:
    """Refuse a file that is not of one of the types that are wanted."""
    if _is_taken(content_type, filename, types):
        return
    cure = "That is not taken here"
    if types is not None and not callable(types):
        cure = f"Send one of: {', '.join(sorted(types))}"
    raise WrongContentType(f"{filename[:80]!r} is {content_type}. {cure}.")


def fitting_name(filename: str, content_type: str, types: Types) -> str:
    """Return a safe name that a file of a type may have where some are wanted.

    An ending of which its bytes tell nothing stays only if just that is wanted.
    """
    name = safe_filename(filename)
    keeps = _is_taken(UNKNOWN, name, types)
    return with_ending_for(name, content_type, keeps_others=keeps)


def _is_taken(content_type: str, filename: str, types: Types) -> bool:
    if types is None:
        return True
    if callable(types):
        return types(content_type, filename)
    return is_wanted(content_type, filename, types)


def safe_filename(filename: str) -> str:
    """Return a name that is safe in a key, a path, a URL and a header.

    It has ASCII letters, digits, ``.``, ``_`` and ``-`` only, begins with a letter or
    digit, and has at most 100 characters; its ending stays. What has nothing that can
    be kept is called ``file``.
    """
    plain = unicodedata.normalize("NFKD", shown_filename(filename))
    kept = _UNSAFE.sub("_", plain.encode("ascii", "ignore").decode()).strip("._-")
    stem, dot, ending = kept.rpartition(".")
    if not dot:
        return (kept or "file")[:MAX_FILENAME]
    stem = stem.rstrip("._-") or "file"
    return _cut(f"{stem}.{ending[:_MAX_ENDING]}", MAX_FILENAME)


def shown_filename(filename: str) -> str:
    """Return a name as people may read it: one line, without folders."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    shown = "".join(character for character in last if character.isprintable())
    return _cut(shown.strip(), _MAX_SHOWN)


def _cut(name: str, size: int) -> str:
    """Return a name that is not too long, with its ending if that is none of that."""
    stem, dot, ending = name.rpartition(".")
    tail = f"{dot}{ending}" if dot and len(ending) <= _MAX_ENDING else ""
    return (
        name
        if len(name) <= size
        else (stem if tail else name)[: size - len(tail)] + tail
    )


def unique_filename(filename: str) -> str:
    """Return a name with 12 random characters before its ending."""
    stem, dot, ending = filename.rpartition(".")
    random = secrets.token_urlsafe(_SUFFIX_BYTES)
    if not dot:
        return f"{filename[: MAX_FILENAME - 13]}_{random}"
    return f"{stem[: MAX_FILENAME - 14 - len(ending)]}_{random}.{ending}"


class UploadSource:
    """The whole of what is sent, of which the beginning was read already."""

    def __init__(
        self,
        source: Source,
        beginning: bytes,
        max_bytes: int | None,
        length: int | None = None,
    ) -> None:
        self._source = source
        self._rest = beginning
        self._max_bytes = max_bytes
        self._length = length
        self.size = 0
        self.start = _place(source, len(beginning))

    def read(self, size: int = -1, /) -> bytes:
        if self._rest:
            size = len(self._rest) if size < 0 else size
            data, self._rest = self._rest[:size], self._rest[size:]
        else:
            data = self._source.read(size)
        if not data and size and self.size < (self._length or 0):
            raise UploadIncomplete(
                f"The file ended after {self.size:,} of {self._length:,} bytes."
            )
        self.size += len(data)
        if self._max_bytes is not None and self.size > self._max_bytes:
            raise UploadTooLarge(
                f"The file is larger than {self._max_bytes:,} bytes, which is the most "
                "that it may have."
            )
        return data

    def rewind(self) -> None:
        """Go back to the beginning; only where `start` is known."""
        self._source.seek(self.start)  # type: ignore[attr-defined] # it has a place
        self._rest = b""
        self.size = 0


def _place(source: Any, passed: int) -> int | None:
    """Return where a source began, None if it cannot go back there."""
    try:
        return int(source.tell()) - passed if source.seekable() else None
    except (AttributeError, OSError):
        return None


def _put_unique(
    store: KeyValueStore,
    upload: UploadSource,
    prefix: str,
    name: str,
    options: dict[str, Any],
) -> str:
    if upload.start is None:
        # What cannot be read twice gets a name that nobody has, and so no condition:
        # for that, a large value is copied once more by servers that are not Amazon.
        key = prefix + unique_filename(name)
        check_upload_key(key)
        return store.put_file(key, upload, **options)
    for attempt in range(_MOST_NAMES):
        key = prefix + (unique_filename(name) if attempt else name)
        check_upload_key(key)
        try:
            return store.put_file(key, upload, if_absent=True, **options)
        except KeyExists:
            upload.rewind()
    raise KeyExists(
        f"{_MOST_NAMES} names for {name!r} were all taken below {prefix!r}."
    )


def check_upload_key(key: str) -> None:
    """Refuse a key that is ours, such as that of a session."""
    if is_reserved(key):
        raise InvalidKey(
            f"{key[:60]!r} begins with {RESERVED_PREFIX!r}, which sessions and caches "
            "use. Name it otherwise."
        )
