"""Time to live on a store that has none: a frame with an expiry before the value."""

import contextlib
import io
import logging
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

from minimalkv._atomic import MAX_TRIES
from minimalkv._clock import now
from minimalkv._conditions import changed, exists
from minimalkv._constants import KEEP, NOT_SET
from minimalkv._errors import KeyExists, KeyNotFound, PreconditionFailed, Unsupported
from minimalkv._hooks import cut, each
from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import ObjectMeta, utc
from minimalkv._streams import (
    Readable,
    make_seekable,
    read_all,
    read_exactly,
    resolve_range,
    window,
)
from minimalkv._ttl_frame import (
    FRAME_BYTES,
    NEVER,
    Frame,
    Version,
    framed,
    pack,
    rest_of,
)
from minimalkv._writers import AbortableWriter, WriterSink
from minimalkv.decorator import StoreDecorator

__all__ = ["TimeToLiveDecorator", "with_ttl"]

_log: Final = logging.getLogger("minimalkv")


def with_ttl(store: KeyValueStore) -> KeyValueStore:
    """Return a store in which values expire: the same one, if they do in it already."""
    return store if store.ttl_support else TimeToLiveDecorator(store)


class TimeToLiveDecorator(StoreDecorator):
    """Let values expire in a store that knows no time to live.

    Every value is stored behind 16 bytes that tell when it ends, so it is not raw and
    has no `url_for`. A value that was stored without them is a value that never
    expires. What has expired is not seen any more, but a listing may still name it and
    it takes room until `purge_expired` or the next put.

    Parameters
    ----------
    store : KeyValueStore
        The store to pass on to. Without its ``conditional_support`` there is no
        `touch` and no `purge_expired`, for they could undo what others write.

    Examples
    --------
    >>> from minimalkv.decorator import PrefixDecorator
    >>> from minimalkv.memory import DictStore
    >>> store = TimeToLiveDecorator(PrefixDecorator("session-", DictStore()))
    >>> store.put("a", b"value", ttl_secs=3600)
    'a'
    >>> round(store.ttl("a"))
    3600
    """

    def __init__(self, store: KeyValueStore) -> None:
        super().__init__(store)
        self.ttl_support = True
        self.url_support = False
        self._default_ttl_secs: float | str = NOT_SET
        self._clock = now

    @property
    def default_ttl_secs(self) -> float | str:
        """The ``ttl_secs`` of a put that does not say."""
        return self._default_ttl_secs

    @default_ttl_secs.setter
    def default_ttl_secs(self, ttl_secs: float | str) -> None:
        self._default_ttl_secs = ttl_secs

    # The frame.

    def _ends(self, ttl_secs: float | str) -> int:
        if isinstance(ttl_secs, str):
            return NEVER
        return int((self._clock() + ttl_secs) * 1000)

    def _has_expired(self, expires_ms: int) -> bool:
        return expires_ms != NEVER and expires_ms <= self._clock() * 1000

    def _parse(self, key: str, begin: bytes) -> Frame:
        frame = Frame.parse(begin)
        if self._has_expired(frame.expires_ms):
            raise KeyNotFound(key)
        return frame

    def _inner_etag(self, key: str, etag: str) -> str:
        version = Version.parse(etag, key)
        if self._has_expired(version.expires_ms):
            raise changed(key)
        return version.inner

    def _outer(self, meta: ObjectMeta, frame: Frame) -> ObjectMeta:
        expires = None
        if frame.expires_ms != NEVER:
            expires = utc(frame.expires_ms / 1000)
        return meta._replace(
            size=meta.size - frame.size,
            etag=meta.etag and str(Version(meta.etag, frame.expires_ms)),
            expires=expires,
            md5=None,
        )

    def _peek(self, key: str) -> tuple[ObjectMeta, Frame]:
        """Read the frame only, also of a value that has expired."""
        meta, source = super()._stream(key, 0, FRAME_BYTES)
        with contextlib.closing(source):
            return meta, Frame.parse(read_all(source))

    def _look(self, key: str) -> tuple[ObjectMeta, Frame]:
        meta, frame = self._peek(key)
        if self._has_expired(frame.expires_ms):
            raise KeyNotFound(key)
        return meta, frame

    # Reading.

    def _get(self, key: str) -> bytes:
        whole = super()._get(key)
        return whole[self._parse(key, whole).size :]

    def _get_with_meta(self, key: str) -> tuple[bytes, ObjectMeta]:
        whole, meta = super()._get_with_meta(key)
        frame = self._parse(key, whole)
        return whole[frame.size :], self._outer(meta, frame)

    def _get_many(self, keys: list[str]) -> dict[str, bytes]:
        found = {}
        for key, whole in super()._get_many(keys).items():
            with contextlib.suppress(KeyNotFound):
                found[key] = whole[self._parse(key, whole).size :]
        return found

    def _head(self, key: str) -> ObjectMeta:
        return self._outer(*self._look(key))

    def _has_key(self, key: str) -> bool:
        try:
            self._look(key)
        except KeyNotFound:
            return False
        return True

    def _open(self, key: str) -> BinaryIO:
        source = make_seekable(super()._open(key))
        try:
            frame = self._parse(key, read_exactly(source, FRAME_BYTES))
            return window(source, frame.size, source.seek(0, io.SEEK_END))
        except BaseException:
            source.close()
            raise

    def _get_file(self, key: str, file: BinaryIO) -> object:
        return KeyValueStore._get_file(self, key, file)

    def _get_filename(self, key: str, filename: str) -> object:
        return KeyValueStore._get_filename(self, key, filename)

    def _stream(
        self,
        key: str,
        start: int = 0,
        stop: int | None = None,
        if_match: str | None = None,
    ) -> tuple[ObjectMeta, BinaryIO]:
        inner_etag = None if if_match is None else self._inner_etag(key, if_match)
        if start == 0:
            end = None if stop is None else stop + FRAME_BYTES
            meta, source = super()._stream(key, 0, end, inner_etag)
            try:
                frame = Frame.parse(read_exactly(source, FRAME_BYTES))
            except BaseException:
                source.close()
                raise
            if frame.size and not self._has_expired(frame.expires_ms):
                return self._outer(meta, frame), rest_of(source)
            source.close()
        return self._stream_part(key, start, stop, inner_etag)

    def _stream_part(
        self, key: str, start: int, stop: int | None, inner_etag: str | None
    ) -> tuple[ObjectMeta, BinaryIO]:
        """Read the frame first: the part does not have it, or there is none."""
        if not self.conditional_support:
            return self._stream_opened(key, start, stop)
        try:
            meta, frame = self._look(key)
        except KeyNotFound:
            if inner_etag is None:
                raise
            raise changed(key) from None
        outer = self._outer(meta, frame)
        begin, end = resolve_range(start, stop, outer.size)
        version = inner_etag or meta.etag
        _, source = super()._stream(key, begin + frame.size, end + frame.size, version)
        return outer, source

    def _stream_opened(
        self, key: str, start: int, stop: int | None
    ) -> tuple[ObjectMeta, BinaryIO]:
        """Read frame and part from one file, where there is no version to ask for."""
        meta, source = super()._stream(key)
        source = make_seekable(source)
        frame = Frame.parse(read_exactly(source, FRAME_BYTES))
        if self._has_expired(frame.expires_ms):
            source.close()
            raise KeyNotFound(key)
        outer = self._outer(meta, frame)
        value = window(source, frame.size, meta.size)
        return outer, cut(value, start, stop, outer.size)

    def _iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
        return KeyValueStore._iter_meta(self, prefix)

    # Writing.

    def _put(
        self,
        key: str,
        data: bytes,
        ttl_secs: float | str = NOT_SET,
        **options: Any,
    ) -> str | None:
        expires_ms, options = self._translate(key, ttl_secs, options)
        whole = pack(expires_ms) + data
        for _ in range(MAX_TRIES):
            try:
                return super()._put(key, whole, **options)
            except KeyExists:
                if not self._clear_expired(key):
                    raise
        raise exists(key)

    def _translate(
        self, key: str, ttl_secs: float | str, options: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        """Return the expiry, and the options as the inner store understands them."""
        if "if_match" not in options:
            return self._ends(ttl_secs), options
        etag = options["if_match"]
        inner = {**options, "if_match": self._inner_etag(key, etag)}
        if ttl_secs == KEEP:
            return Version.parse(etag, key).expires_ms, inner
        return self._ends(ttl_secs), inner

    def _clear_expired(self, key: str) -> bool:
        """Delete a value that has expired; False if there is one that has not.

        Nobody sees a difference, and then ``if_absent`` of the inner store tells who is
        first.
        """
        try:
            meta, frame = self._peek(key)
        except KeyNotFound:
            return True
        if not self._has_expired(frame.expires_ms):
            return False
        with contextlib.suppress(PreconditionFailed):
            super()._delete(key, if_match=meta.etag)
        return True

    def _put_file(
        self,
        key: str,
        file: Readable,
        ttl_secs: float | str = NOT_SET,
        **options: Any,
    ) -> str | None:
        expires_ms, options = self._translate(key, ttl_secs, options)
        # Before, for the source can be read only once.
        if options.get("if_absent") and not self._clear_expired(key):
            raise exists(key)
        return super()._put_file(key, framed(pack(expires_ms), file), **options)

    def _put_filename(
        self, key: str, filename: str, *args: Any, **options: Any
    ) -> str | None:
        return KeyValueStore._put_filename(self, key, filename, *args, **options)

    def _open_writer(
        self,
        key: str,
        ttl_secs: float | str = NOT_SET,
        **options: Any,
    ) -> AbortableWriter:
        if options.get("if_absent"):
            options["ttl_secs"] = ttl_secs
            return KeyValueStore._open_writer(self, key, **options)
        expires_ms, options = self._translate(key, ttl_secs, options)
        writer = super()._open_writer(key, **options)
        return AbortableWriter(WriterSink(writer, pack(expires_ms)))

    def _put_many(
        self,
        items: Mapping[str, bytes],
        ttl_secs: float | str = NOT_SET,
        **options: Any,
    ) -> None:
        if options.get("if_absent"):
            each(items, lambda key: self._put(key, items[key], ttl_secs, **options))
            return
        frame = pack(self._ends(ttl_secs))
        super()._put_many({k: frame + data for k, data in items.items()}, **options)

    def _delete(self, key: str, if_match: str | None = None) -> object:
        if if_match is None:
            return super()._delete(key)
        return super()._delete(key, if_match=self._inner_etag(key, if_match))

    def _copy(self, source: str, dest: str) -> object:
        self._look(source)
        return super()._copy(source, dest)

    def _move(self, source: str, dest: str) -> object:
        self._look(source)
        return super()._move(source, dest)

    def _increment(self, key: str, delta: int) -> int:
        return KeyValueStore._increment(self, key, delta)

    # Time to live.

    def _ttl(self, key: str) -> float | None:
        _, frame = self._look(key)
        if frame.expires_ms == NEVER:
            return None
        return frame.expires_ms / 1000 - self._clock()

    def _touch(self, key: str, ttl_secs: float | str) -> None:
        self._require_inner_conditions()
        for _ in range(MAX_TRIES):
            with contextlib.suppress(PreconditionFailed):
                self._touch_once(key, pack(self._ends(ttl_secs)))
                return
        raise changed(key)

    def _touch_once(self, key: str, new: bytes) -> None:
        meta, source = super()._stream(key)
        with contextlib.closing(source):
            begin = read_exactly(source, FRAME_BYTES)
            rest = begin[self._parse(key, begin).size :]
            options: dict[str, Any] = {"if_match": meta.etag}
            if self.headers_support:
                options |= {"content_type": meta.content_type, "headers": meta.headers}
            super()._put_file(key, framed(new + rest, source), **options)

    def _require_inner_conditions(self) -> None:
        if not self.conditional_support:
            raise Unsupported(
                f"{self._dstore!r} cannot write on condition, so changing an expiry "
                "could undo what somebody else writes at the same time."
            )

    def _purge_expired(self, prefix: str) -> int:
        return self._purge_counting(prefix)[0]

    def _purge_counting(self, prefix: str) -> tuple[int, int]:
        """Delete what has expired, and return how many that were, and had no frame."""
        self._require_inner_conditions()
        purged = unframed = 0
        for key in self._iter_keys(prefix):
            with contextlib.suppress(KeyNotFound, PreconditionFailed):
                meta, frame = self._peek(key)
                unframed += not frame.size
                if self._has_expired(frame.expires_ms):
                    super()._delete(key, if_match=meta.etag)
                    purged += 1
        _log.info("Expired values deleted: %d; without an expiry: %d", purged, unframed)
        return purged, unframed
