"""Values in a dictionary of this process."""

import time
from collections.abc import Iterator, MutableMapping
from threading import Lock
from typing import Any, BinaryIO, NamedTuple, Self

from minimalkv._atomic import add_to_number
from minimalkv._clock import elapsed
from minimalkv._conditions import changed, check_condition
from minimalkv._constants import KEEP, NOT_SET
from minimalkv._errors import KeyNotFound
from minimalkv._fork import tell_after_fork
from minimalkv._hooks import cut
from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import ObjectMeta, guess_content_type, utc
from minimalkv._mixins import ConditionalMixin, CopyMixin, TimeToLiveMixin
from minimalkv._streams import BytesReader, Readable, read_all

__all__ = ["DictStore"]

_FORGOTTEN = 1000
_make = tuple.__new__
_time_ns = time.time_ns


class _Deadline(NamedTuple):
    # By the clock that nobody sets, which counts, and by the time of day.
    clock: float
    wall: float


class _Info(NamedTuple):
    value: bytes
    # When it was put, in nanoseconds since 1970, but never the same twice.
    version: int
    expires: _Deadline | None
    # Whether the key is one that may be written, and not one that stood in `d`.
    is_valid: bool


class DictStore(KeyValueStore, TimeToLiveMixin, ConditionalMixin, CopyMixin):
    """Store values in a dictionary; they end with the process.

    Nothing is copied: what is put is what is got. What is put into `d` or taken from it
    directly counts at once, as a new version that never expires.

    Parameters
    ----------
    d : dict of str to bytes, or None
        The dictionary to share. None means a new one.

    Attributes
    ----------
    d : dict of str to bytes
        The dictionary.

    Examples
    --------
    >>> from minimalkv.memory import DictStore
    >>> store = DictStore({"hello": b"world"})
    >>> store.get("hello")
    b'world'
    """

    _reads_seed_keys = True
    _backend_max_key = 2**31
    _backend_max_segment = 2**31

    def __init__(self, d: MutableMapping[str, bytes] | None = None) -> None:
        self.d: MutableMapping[str, bytes] = {} if d is None else d
        self._info: dict[str, _Info] = {}
        self._version = 0
        self._lock = Lock()
        tell_after_fork(self)
        # Not the time of day: an expired value must not come back with a clock that
        # is set back.
        self._clock = elapsed

    @classmethod
    def _from_params(cls, *, create_if_missing: bool = True) -> Self:
        del create_if_missing  # every store URL may say it; there is nothing to create
        return cls()

    # What is stored. A caller of the methods up to `_keep` holds the lock.

    def _live(self, key: str) -> _Info | None:
        """Return what is stored and has not expired, whoever put it into `d`."""
        value = self.d.get(key)
        if value is None:
            return None
        info = self._info.get(key)
        if info is None or info.value is not value:
            return self._keep(key, value, None, is_valid=False)
        if self._has_expired(info):
            self._forget(key)
            return None
        return info

    def _has_expired(self, info: _Info) -> bool:
        return info.expires is not None and info.expires.clock <= self._clock()

    def _forget(self, key: str) -> None:
        self.d.pop(key, None)
        self._info.pop(key, None)

    def _keep(
        self,
        key: str,
        value: bytes,
        expires: _Deadline | None,
        *,
        is_valid: bool = True,
    ) -> _Info:
        # A wrapper may know longer keys than may be put here.
        is_valid = is_valid and len(key) <= self.max_key
        info = _Info(value, self._next_version(), expires, is_valid)
        self._set(key, info)
        return info

    def _set(self, key: str, info: _Info) -> None:
        old = self._info.get(key)
        try:
            self._info[key] = info
            self.d[key] = info.value
        except BaseException:
            # From a signal, say: the old value would seem never to expire.
            if old is not None:
                self._info[key] = old
            raise
        if old is None and len(self._info) > 2 * len(self.d) + _FORGOTTEN:
            self._info = {k: i for k, i in self._info.items() if k in self.d}

    def _next_version(self) -> int:
        self._version = max(_time_ns(), self._version + 1)
        return self._version

    def _found(self, key: str) -> _Info:
        with self._lock:
            info = self._live(key)
        if info is None:
            raise KeyNotFound(key)
        return info

    def _deadline(self, ttl_secs: float | str) -> _Deadline | None:
        if isinstance(ttl_secs, str):
            return None
        return _Deadline(self._clock() + ttl_secs, time.time() + ttl_secs)

    # Reading.

    def _get(self, key: str) -> bytes:
        info = self._info.get(key)
        value = self.d.get(key)
        if info is not None and info.value is value and info.expires is None:
            return value
        return self._found(key).value

    def _get_with_meta(self, key: str) -> tuple[bytes, ObjectMeta]:
        info = self._found(key)
        return info.value, self._meta(key, info)

    def _head(self, key: str) -> ObjectMeta:
        return self._meta(key, self._found(key))

    def _meta(self, key: str, info: _Info) -> ObjectMeta:
        return ObjectMeta(
            key,
            len(info.value),
            etag=str(info.version),
            modified=utc(info.version / 1e9),
            content_type=guess_content_type(key),
            expires=None if info.expires is None else utc(info.expires.wall),
        )

    def _has_key(self, key: str) -> bool:
        info = self._info.get(key)
        if info is None or info.expires is None:
            return key in self.d
        with self._lock:
            return self._live(key) is not None

    def _open(self, key: str) -> BinaryIO:
        return BytesReader(self._get(key))

    def _stream(
        self,
        key: str,
        start: int = 0,
        stop: int | None = None,
        if_match: str | None = None,
    ) -> tuple[ObjectMeta, BinaryIO]:
        with self._lock:
            info = self._live(key)
        if info is None:
            raise KeyNotFound(key) if if_match is None else changed(key)
        if if_match is not None and str(info.version) != if_match:
            raise changed(key)
        size = len(info.value)
        return self._meta(key, info), cut(BytesReader(info.value), start, stop, size)

    def iter_keys(self, prefix: str = "") -> Iterator[str]:  # noqa: D102 - inherited
        # The names are copied, not the values: the dictionary may change meanwhile.
        for key in list(self.d):
            if key.startswith(prefix) and self._has_key(key) and self._is_readable(key):
                yield key

    # Writing.

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        hooks = (cls._put, cls._check_valid_key)
        ours = (DictStore._put, DictStore._check_valid_key)
        if cls.put is DictStore.put and hooks != ours:
            # Its hooks are to be called.
            cls.put = KeyValueStore.put  # type: ignore[assignment]  # more than ours takes

    def put(  # noqa: D102 - inherited
        self,
        key: str,
        data: bytes,
        ttl_secs: float | str | None = None,
        **options: Any,
    ) -> str:
        # A plain overwrite is done here: it takes less than half of check and hook.
        info = self._info.get(key) if key.__class__ is str else None
        if (
            info is None
            or not info.is_valid
            or info.expires is not None
            or options
            or ttl_secs is not None
            or data.__class__ is not bytes
            or self.default_ttl_secs is not NOT_SET
        ):
            return super().put(key, data, ttl_secs, **options)
        with self._lock:
            version = _time_ns()
            if version <= self._version:
                version = self._version + 1
            self._version = version
            self._info[key] = _make(_Info, (data, version, None, True))
            self.d[key] = data
        return key

    def _put(
        self,
        key: str,
        data: bytes,
        ttl_secs: float | str = NOT_SET,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> str:
        if if_absent or if_match is not None or ttl_secs is KEEP:
            return self._put_if(key, data, ttl_secs, if_absent, if_match)
        expires = None if ttl_secs.__class__ is str else self._deadline(ttl_secs)
        with self._lock:
            self._keep(key, data, expires)
        return key

    def _put_if(
        self,
        key: str,
        data: bytes,
        ttl_secs: float | str,
        if_absent: bool,
        if_match: str | None,
    ) -> str:
        with self._lock:
            old = self._live(key)
            check_condition(key, _etag(old), if_absent=if_absent, if_match=if_match)
            if ttl_secs == KEEP:
                expires = None if old is None else old.expires
            else:
                expires = self._deadline(ttl_secs)
            self._keep(key, data, expires)
        return key

    def _put_file(
        self,
        key: str,
        file: Readable,
        ttl_secs: float | str = NOT_SET,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> str:
        data = read_all(file)
        return self._put(key, data, ttl_secs, if_absent=if_absent, if_match=if_match)

    def _delete(self, key: str, *, if_match: str | None = None) -> None:
        with self._lock:
            if if_match is not None:
                check_condition(key, _etag(self._live(key)), if_match=if_match)
            self._forget(key)

    def _remove(self, key: str) -> bool:
        with self._lock:
            is_there = self._live(key) is not None
            self._forget(key)
        return is_there

    def _copy(self, source: str, dest: str) -> None:
        with self._lock:
            self._copy_locked(source, dest)

    def _move(self, source: str, dest: str) -> None:
        with self._lock:
            self._copy_locked(source, dest)
            self._forget(source)

    def _copy_locked(self, source: str, dest: str) -> None:
        info = self._live(source)
        if info is None:
            raise KeyNotFound(source)
        self._keep(dest, info.value, info.expires)

    def _increment(self, key: str, delta: int) -> int:
        with self._lock:
            info = self._live(key)
            if info is None:
                raise KeyNotFound(key)
            data = add_to_number(info.value, delta)
            self._keep(key, data, info.expires)
        return int(data)

    # Time to live.

    def _touch(self, key: str, ttl_secs: float | str) -> None:
        with self._lock:
            info = self._live(key)
            if info is None:
                raise KeyNotFound(key)
            self._info[key] = info._replace(expires=self._deadline(ttl_secs))

    def _ttl(self, key: str) -> float | None:
        expires = self._found(key).expires
        return None if expires is None else max(expires.clock - self._clock(), 0.0)

    def _purge_expired(self, prefix: str) -> int:
        return sum(self._purge(key) for key in list(self.d) if key.startswith(prefix))

    def _purge(self, key: str) -> bool:
        with self._lock:
            info = self._info.get(key)
            if info is None or info.value is not self.d.get(key):
                return False
            expired = self._has_expired(info)
            if expired:
                self._forget(key)
        return expired

    # Pickle: deadlines by the clock of one machine mean nothing on another.

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_lock"]
        now = self._clock()
        with self._lock:
            state["d"] = dict(self.d)
            state["_info"] = {
                key: info._replace(expires=_add(info.expires, -now))
                for key, info in self._info.items()
                if self.d.get(key) is info.value
            }
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._after_fork()
        tell_after_fork(self)
        now = self._clock()
        self._info = {
            key: info._replace(expires=_add(info.expires, now))
            for key, info in self._info.items()
        }

    def _after_fork(self) -> None:
        self._lock = Lock()


def _etag(info: _Info | None) -> str | None:
    return None if info is None else str(info.version)


def _add(deadline: _Deadline | None, secs: float) -> _Deadline | None:
    return deadline and deadline._replace(clock=deadline.clock + secs)
