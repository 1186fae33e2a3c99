"""How one value goes from one store to another, with the time that it has to live.

Under the reserved prefix a store without ``ttl_support`` has every value behind a frame
that tells when it ends, see `TimeToLiveDecorator`; a store with it has the bare value
and knows the end itself. Here the one becomes the other. All other values stay as they
are, byte by byte. Keys and etags are those of the stores that are given, so that they
may come from a listing.
"""

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from hashlib import md5
from itertools import chain
from typing import Any, BinaryIO, Final, NamedTuple

from minimalkv._clock import now
from minimalkv._constants import FOREVER
from minimalkv._errors import (
    KeyExists,
    KeyNotFound,
    PreconditionFailed,
    StoreError,
    StoreUnavailable,
)
from minimalkv._expiry import MAX_TTL_SECS
from minimalkv._key_value_store import KeyValueStore
from minimalkv._keys import is_reserved
from minimalkv._meta import ObjectMeta, utc
from minimalkv._streams import ChunkReader, chunks, read_exactly
from minimalkv._ttl_frame import FRAME_BYTES, NEVER, Frame, pack

# Stores tell an end to the millisecond, and it takes a moment to hand it over.
_SAME_END_SECS: Final = 2.0


class Fingerprint(NamedTuple):
    """What a store holds under a key, told without its bytes.

    Attributes
    ----------
    size : int
        Bytes of the value, without a frame.
    md5 : str
        MD5 of the value, without a frame, in lower-case hexadecimal.
    expires : datetime or None
        When the value goes, aware, in UTC. None if never.
    etag : str or None
        The version of it in that store.
    """

    size: int
    md5: str
    expires: datetime | None
    etag: str | None

    def is_same_value(self, other: "Fingerprint") -> bool:
        """Tell whether the bytes are equal, whenever they go."""
        return (self.size, self.md5) == (other.size, other.md5)

    def is_same(self, other: "Fingerprint") -> bool:
        """Tell whether the bytes are equal, and go at the same time within seconds."""
        if self.expires is None or other.expires is None:
            ends_alike = self.expires is other.expires
        else:
            apart = abs(self.expires - other.expires).total_seconds()
            ends_alike = apart <= _SAME_END_SECS
        return ends_alike and self.is_same_value(other)


class Carried(NamedTuple):
    """What was carried.

    Attributes
    ----------
    value : Fingerprint
        What was read; its etag is that of the source.
    lost_expiry : bool
        Whether the value ends in the source and never will in the target.
    """

    value: Fingerprint
    lost_expiry: bool


def is_framed(store: KeyValueStore, key: str) -> bool:
    """Tell whether a store has the value of a key behind a frame, if all went well."""
    return is_reserved(key) and not store.ttl_support


def value_size(store: KeyValueStore, meta: ObjectMeta) -> int:
    """Tell how large a value is without its frame, from what a listing says of it.

    A value under the reserved prefix that somebody stored without a frame seems to be
    smaller than it is.
    """
    frame_bytes = FRAME_BYTES if is_framed(store, meta.key) else 0
    return max(meta.size - frame_bytes, 0)


def fingerprint(
    store: KeyValueStore, key: str, meta: ObjectMeta | None = None
) -> Fingerprint:
    """Tell what a store holds under a key, with its MD5, for a comparison.

    Parameters
    ----------
    store : KeyValueStore
        The store.
    key : str
        The key.
    meta : ObjectMeta, optional
        What a listing of the same store says of it. Where that has the MD5, nothing is
        asked; else the value is read, in one request and bounded memory.

    Returns
    -------
    Fingerprint
        What it holds.

    Raises
    ------
    KeyNotFound
        If there is no value, or it has expired.
    StoreError
        If the backend failed.
    """
    if meta is not None and meta.md5 is not None and not is_framed(store, key):
        return Fingerprint(meta.size, meta.md5, meta.expires, meta.etag)
    with _opened(store, key, None) as reading:
        _refuse_expired(reading)
        for _ in chunks(reading):
            pass
        return reading.fingerprint()


def carry(
    source: KeyValueStore,
    target: KeyValueStore,
    key: str,
    dest: str | None = None,
    *,
    version: str | None = None,
    if_absent: bool = False,
    if_match: str | None = None,
    progress: Callable[[int], object] | None = None,
    sent: list[Carried] | None = None,
) -> Carried:
    """Copy one version of a value, in one request to read it and bounded memory.

    Parameters
    ----------
    source, target : KeyValueStore
        From where, and to where.
    key : str
        The key in the source.
    dest : str, optional
        The key in the target, if it is another.
    version : str, optional
        Only this version of the source: an etag of it.
    if_absent, if_match
        As for `put` of the target.
    progress : callable, optional
        Called with the number of bytes each time some were read.
    sent : list of Carried, optional
        Gets what is stored, and also what may be, for the answer was lost.

    Returns
    -------
    Carried
        What was carried: content type and headers too, where the target keeps them.

    Raises
    ------
    KeyNotFound
        If there is no value, or it has expired.
    PreconditionFailed
        If it is not *version*, or the target is not as *if_match* says.
    KeyExists
        If *if_absent* and the target has a value.
    InvalidKey
        If the target cannot have such a key.
    StoreError
        If a backend failed; the target has its old value or the new one, whole.
    """
    with _opened(source, key, version, progress) as reading:
        lost = _loses_expiry(reading, target, dest or key)
        try:
            _write(reading, target, dest or key, if_absent=if_absent, if_match=if_match)
        except StoreUnavailable:
            if sent is not None and reading.is_whole:
                sent.append(Carried(reading.fingerprint(), lost))
            raise
        carried = Carried(reading.fingerprint(), lost)
        if sent is not None:
            sent.append(carried)
        return carried


def carry_missing(
    source: KeyValueStore,
    target: KeyValueStore,
    key: str,
    *,
    version: str | None = None,
    progress: Callable[[int], object] | None = None,
    sent: list[Carried] | None = None,
) -> Carried:
    """Copy a value that the target lacks, and bring back nothing that is deleted.

    Whoever deletes a value meanwhile deletes it from the source first. So what is not
    there any more after it was copied was deleted, and the copy is deleted as well,
    unless somebody has changed it.

    Parameters
    ----------
    source, target, key, version, progress
        As for `carry`.
    sent : list of Carried, optional
        For who tries again after StoreUnavailable: one list for all tries of a key. A
        copy whose answer was lost is then found, and taken back if need be, by a later
        try. Without it that is tried once before the error is raised.

    Returns
    -------
    Carried
        What was carried, and is in both now.

    Raises
    ------
    KeyExists
        If the target has a value; it is unchanged.
    KeyNotFound
        If the source has no value, or lost it meanwhile.
    PreconditionFailed, InvalidKey, StoreError
        As for `carry`.
    """
    may_be_there: list[Carried] = [] if sent is None else sent
    settle = partial(_settle, source, target, key, may_be_there)
    try:
        carried = carry(
            *(source, target, key),
            version=version,
            if_absent=True,
            progress=progress,
            sent=may_be_there,
        )
        settle()
    except (KeyExists, KeyNotFound, PreconditionFailed):
        settle()
        raise
    except StoreUnavailable:
        if sent is None:
            with contextlib.suppress(KeyNotFound, StoreError):
                settle()
        raise
    return carried


def _settle(
    source: KeyValueStore, target: KeyValueStore, key: str, sent: list[Carried]
) -> None:
    """Take back what was or may have been sent, if the source has no value any more."""
    if sent and key not in source:
        while sent:
            _take_back(target, key, sent[-1])
            sent.pop()
        raise KeyNotFound(key)


def _take_back(target: KeyValueStore, key: str, carried: Carried) -> None:
    """Delete what was copied, if it still is what was copied."""
    value = carried.value
    if carried.lost_expiry:
        value = value._replace(expires=None)
    with contextlib.suppress(KeyNotFound, PreconditionFailed):
        there = fingerprint(target, key)
        if there.is_same(value):
            # Redis has no version of what is above 16 MiB.
            target.delete(key, if_match=there.etag)


class _Reading:
    """A value on its way, read once and forwards, without its frame.

    Attributes
    ----------
    meta : ObjectMeta
        What the source says of it, with its frame if it has one.
    expires_ms : int
        When it goes, in milliseconds since 1970, or `NEVER`.
    is_framed : bool
        Whether a frame was before it.
    """

    def __init__(
        self,
        meta: ObjectMeta,
        file: BinaryIO,
        frame: Frame,
        begin: bytes,
        progress: Callable[[int], object] | None,
    ) -> None:
        self.meta = meta
        self.is_framed = bool(frame.size)
        self.expires_ms = frame.expires_ms
        if meta.expires is not None:
            # Down, so that nothing lives longer than it was told.
            self.expires_ms = int(meta.expires.timestamp() * 1000)
        self._size = meta.size - frame.size
        self._parts = ChunkReader(
            chain(filter(None, (begin[frame.size :],)), chunks(file))
        )
        self._md5 = md5(usedforsecurity=False)
        self._position = 0
        self._progress = progress

    def read(self, size: int = -1, /) -> bytes:
        data = self._parts.read(size)
        if not data and size and self._position != self._size:
            # Before the target publishes what it has.
            raise StoreError(
                f"{self.meta.key!r} ended after {self._position} of {self._size} "
                "bytes. Try again."
            )
        self._md5.update(data)
        self._position += len(data)
        if data and self._progress is not None:
            self._progress(len(data))
        return data

    @property
    def is_whole(self) -> bool:
        """Whether all was read, so that the target may have published it."""
        return self._position == self._size

    def left_secs(self) -> float:
        """Return how long it has to live, in seconds; not above 0 if it has expired."""
        return min(self.expires_ms / 1000 - now(), MAX_TTL_SECS)

    def fingerprint(self) -> Fingerprint:
        """Tell what was read, once all is."""
        expires = None if self.expires_ms == NEVER else utc(self.expires_ms / 1000)
        digest = self._md5.hexdigest()
        return Fingerprint(self._size, digest, expires, self.meta.etag)


@contextlib.contextmanager
def _opened(
    store: KeyValueStore,
    key: str,
    version: str | None,
    progress: Callable[[int], object] | None = None,
) -> Iterator[_Reading]:
    meta, file = store.stream(key, if_match=version)
    with contextlib.closing(file):
        begin, frame = b"", Frame(0, NEVER)
        if is_framed(store, key):
            begin = read_exactly(file, FRAME_BYTES)
            frame = Frame.parse(begin)
        yield _Reading(meta, file, frame, begin, progress)


def _refuse_expired(reading: _Reading) -> None:
    if reading.expires_ms != NEVER and reading.left_secs() <= 0:
        raise KeyNotFound(reading.meta.key)


def _write(
    reading: _Reading, target: KeyValueStore, dest: str, **conditions: Any
) -> None:
    lasts = reading.expires_ms == NEVER
    _refuse_expired(reading)
    source: Any = reading
    options: dict[str, Any] = {}
    if target.ttl_support:
        options["ttl_secs"] = FOREVER if lasts else reading.left_secs()
    elif is_framed(target, dest):
        source = ChunkReader(chain((pack(reading.expires_ms),), chunks(reading)))
    target.put_file(
        dest,
        source,
        content_type=reading.meta.content_type or None,
        headers=reading.meta.headers,
        **options,
        **conditions,
    )


def _loses_expiry(reading: _Reading, target: KeyValueStore, dest: str) -> bool:
    """Tell whether a value will not end in the target as it should."""
    ends_there = target.ttl_support or is_framed(target, dest)
    return not (reading.expires_ms == NEVER or ends_there)
