"""The store that is left, shown as a part of the one that takes its place."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, Final

from minimalkv._carrying import is_framed
from minimalkv._conditions import changed
from minimalkv._constants import RESERVED_PREFIX
from minimalkv._errors import KeyNotFound, PreconditionFailed
from minimalkv._hooks import cut
from minimalkv._key_value_store import KeyValueStore
from minimalkv._keys import is_reserved
from minimalkv._meta import ObjectMeta
from minimalkv._streams import BytesReader, read_all
from minimalkv._ttl_frame import FRAME_BYTES, NEVER, Version, pack
from minimalkv.decorator import StoreDecorator
from minimalkv.ttl import TimeToLiveDecorator

_MARK: Final = "mkv-old"


class OldStore:
    """What a `MigrationDecorator` reads from the old store, in terms of the new one.

    Sessions and cached values stand behind a frame here if they do in the new store,
    and have none if they have none there. Etags are marked, so that they are told from
    those of the new store.

    Parameters
    ----------
    old : KeyValueStore
        The store that is left.
    new : KeyValueStore
        The one that takes its place.
    """

    def __init__(self, old: KeyValueStore, new: KeyValueStore) -> None:
        self.store: KeyValueStore = Within(old)
        self.has_versions = self.store.conditional_support
        self._reserved: KeyValueStore = self.store
        if new.ttl_support and not self.store.ttl_support:
            self._reserved = TimeToLiveDecorator(self.store)
        elif self.store.ttl_support and not new.ttl_support:
            self._reserved = _Framing(self.store)
        # The new store may itself be one that takes the place of another.
        self._mark = f"{_MARK}{_depth(new)}-"

    def takes(self, key: str) -> bool:
        """Tell whether there may be a value, for the new store may take other keys."""
        return self.store._is_backend_key(key)

    def reader(self, key: str) -> KeyValueStore:
        """Return where to read the value of a key: it is as in the new store.

        Raises
        ------
        KeyNotFound
            If there can be none.
        """
        if not self.takes(key):
            raise KeyNotFound(key)
        return self._reserved if is_reserved(key) else self.store

    # Versions.

    def is_version(self, etag: str) -> bool:
        """Tell whether an etag is one of the old store's."""
        return etag.startswith(self._mark)

    def stored_version(self, key: str, etag: str) -> str:
        """Return the etag as the old store itself has it.

        Raises
        ------
        PreconditionFailed
            If it never had one like it.
        """
        version = etag.removeprefix(self._mark)
        if isinstance(self.reader(key), TimeToLiveDecorator):
            return Version.parse(version, key).inner
        return version

    def mark(self, etag: str | None) -> str | None:
        """Return an etag of the old store as one that is told from the others."""
        return etag and self._mark + etag

    def marked(self, meta: ObjectMeta) -> ObjectMeta:
        """Return facts of the old store with such an etag."""
        return meta._replace(etag=self.mark(meta.etag))

    def stream(
        self, key: str, start: int, stop: int | None, etag: str
    ) -> tuple[ObjectMeta, BinaryIO]:
        """Read a version; PreconditionFailed if it is not there any more."""
        version = etag.removeprefix(self._mark)
        meta, source = self.reader(key)._stream(key, start, stop, version)
        return self.marked(meta), source

    # What is for one key in other stores.

    def has(self, key: str) -> bool:
        """Tell whether there is a value that has not expired."""
        return self.takes(key) and self.reader(key)._has_key(key)

    def get_many(self, keys: list[str]) -> dict[str, bytes]:
        """Return the values of those keys that have one."""
        found = {}
        for reserved in (True, False):
            some = [k for k in keys if is_reserved(k) == reserved and self.takes(k)]
            if some:
                found.update(self.reader(some[0])._get_many(some))
        return found

    def iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
        """Yield the facts about every value."""
        for meta in self.store._iter_meta(prefix):
            if self._reserved is self.store or not is_reserved(meta.key):
                yield self.marked(meta)
                continue
            with suppress(KeyNotFound):  # deleted meanwhile, or expired
                yield self.marked(self._reserved._head(meta.key))

    # Deleting is all that is ever done to it.

    @contextmanager
    def replacing(self, *keys: str) -> Iterator[list[str]]:
        """Delete the copies that were there before a block, once it is through.

        A process with the roles exchanged may write this store meanwhile. Only what
        was there before is deleted, or both values could go.

        Yields
        ------
        list of str
            The keys that have a copy; those taken out of it keep it.
        """
        copies = {key: copy for key in keys if (copy := self._copy_of(key)) is not None}
        left = list(copies)
        yield left
        for key in left:
            self._drop(key, copies[key].etag)

    def _copy_of(self, key: str) -> ObjectMeta | None:
        if not self.takes(key):
            return None
        if not self.has_versions:
            return ObjectMeta(key, 0)
        with suppress(KeyNotFound):
            return self.store._head(key)
        return None

    def _drop(self, key: str, version: str | None) -> None:
        if version is None:
            self.store._delete(key)
            return
        with suppress(KeyNotFound, PreconditionFailed):
            self.store._delete(key, if_match=version)

    def delete(self, key: str) -> None:
        """Delete a value; none is no error."""
        if self.takes(key):
            self.store._delete(key)

    def delete_many(self, keys: list[str]) -> None:
        """Delete values, as `delete_many` of a store does."""
        self.store._delete_many(list(filter(self.takes, keys)))

    def purge_expired(self, prefix: str) -> int:
        """Delete what has expired, also behind frames that the new store has not."""
        if self.store.ttl_support:
            return self.store._purge_expired(prefix)
        begin = max(prefix, RESERVED_PREFIX, key=len)
        is_ours = begin.startswith(prefix) and begin.startswith(RESERVED_PREFIX)
        if self._reserved is self.store or not self.has_versions or not is_ours:
            return 0
        return self._reserved._purge_expired(begin)

    def delete_expired(self, key: str, etag: str) -> bool:
        """Delete a version whose frame says that it has expired; tell whether it does.

        Only where values are framed in both stores, for else it is not seen any more.

        Raises
        ------
        PreconditionFailed
            If it is another version, or gone.
        """
        if self.reader(key) is not self.store or not is_framed(self.store, key):
            return False
        framed = TimeToLiveDecorator(self.store)
        try:
            _, frame = framed._peek(key)
        except KeyNotFound:
            raise changed(key) from None
        if not framed._has_expired(frame.expires_ms):
            return False
        self.store._delete(key, if_match=self.stored_version(key, etag))
        return True


def ttl_of(store: KeyValueStore, key: str) -> float | None:
    """Return how long a value has to live; None for ever, as where none ends."""
    if store.ttl_support:
        return store._ttl(key)
    if not store._has_key(key):
        raise KeyNotFound(key)
    return None


def _depth(store: KeyValueStore) -> int:
    """Count the stores that have an old one, in a store and all that it wraps."""
    depth = 0
    inner: Any = store
    while inner is not None:
        depth += isinstance(getattr(inner, "_old", None), OldStore)
        inner = getattr(inner, "_dstore", None)
    return depth


class Within(StoreDecorator):
    """A store that takes the keys which it takes from wrappers, longer ones too."""

    def _check_valid_key(self, key: str) -> None:
        if not self._inner._is_backend_key(key):
            super()._check_valid_key(key)


class _Framing(StoreDecorator):
    """Show values that expire by themselves as a store has them in which none does.

    For reading only. The values are those of sessions and caches, so each is in memory.
    """

    def _get(self, key: str) -> bytes:
        return self._get_with_meta(key)[0]

    def _get_with_meta(self, key: str) -> tuple[bytes, ObjectMeta]:
        data, meta = super()._get_with_meta(key)
        return _frame_of(meta) + data, _framed(meta)

    def _head(self, key: str) -> ObjectMeta:
        return _framed(super()._head(key))

    def _open(self, key: str) -> BinaryIO:
        return BytesReader(self._get(key))

    def _stream(
        self,
        key: str,
        start: int = 0,
        stop: int | None = None,
        if_match: str | None = None,
    ) -> tuple[ObjectMeta, BinaryIO]:
        meta, source = super()._stream(key, 0, None, if_match)
        with source:
            data = _frame_of(meta) + read_all(source)
        return _framed(meta), cut(BytesReader(data), start, stop, len(data))

    def _get_file(self, key: str, file: BinaryIO) -> object:
        return KeyValueStore._get_file(self, key, file)

    def _get_filename(self, key: str, filename: str) -> object:
        return KeyValueStore._get_filename(self, key, filename)

    def _get_many(self, keys: list[str]) -> dict[str, bytes]:
        return KeyValueStore._get_many(self, keys)


def _frame_of(meta: ObjectMeta) -> bytes:
    ends = meta.expires
    return pack(NEVER if ends is None else int(ends.timestamp() * 1000))


def _framed(meta: ObjectMeta) -> ObjectMeta:
    return meta._replace(size=meta.size + FRAME_BYTES, expires=None, md5=None)


class Seen:
    """Keys that a listing has given, in eight bytes each, and eight times that to sort.

    Two keys are taken for one if their 64-bit hashes are equal: of two million keys
    that happens in one listing of ten million.

    All are to be added before the first is looked for.
    """

    def __init__(self) -> None:
        self._hashes = array("q")
        self._is_sorted = False

    def add(self, key: str) -> None:
        self._hashes.append(hash(key))

    def __contains__(self, key: str) -> bool:
        if not self._is_sorted:
            self._hashes = array("q", sorted(self._hashes))
            self._is_sorted = True
        wanted = hash(key)
        place = bisect_left(self._hashes, wanted)
        return place < len(self._hashes) and self._hashes[place] == wanted
