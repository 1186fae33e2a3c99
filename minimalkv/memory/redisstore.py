"""Values in Redis or Valkey: one server, a cluster, or what sentinels watch over."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final, Self, TypeVar

from minimalkv._clock import now
from minimalkv._conditions import changed, exists
from minimalkv._constants import NOT_SET
from minimalkv._errors import (
    AccessDenied,
    InvalidArgument,
    InvalidData,
    KeyNotFound,
)
from minimalkv._hooks import raise_failed
from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import ObjectMeta, guess_content_type
from minimalkv._mixins import ConditionalMixin, CopyMixin, TimeToLiveMixin
from minimalkv._streams import BytesReader, Readable, chunks, resolve_range
from minimalkv.memory import _redis_many as many
from minimalkv.memory import _redis_same as same
from minimalkv.memory import _redis_wire as wire
from minimalkv.memory._redis_calls import Calls
from minimalkv.memory._redis_link import read_all
from minimalkv.memory._redis_listing import Recent, pattern_of, texts
from minimalkv.memory._redis_url import settings_of, settings_of_url
from minimalkv.memory._redis_wire import pack, pack_all

__all__ = ["RedisStore"]

_T = TypeVar("_T")

# The server hashes as many values before it sends the first answer.
_HEADS_AT_ONCE: Final = 64
_UNASKED: Final = KeyError()
_NO_END: Final = -1


class RedisStore(KeyValueStore, TimeToLiveMixin, ConditionalMixin, CopyMixin):
    """Store values in Redis 6.2 or later, or in Valkey.

    Every call is one command, transaction or script, so one round trip. A value has
    512 MiB at most and is held in memory as a whole, also by `put_file` and `open`.

    An etag is the SHA-1 of the bytes, so equal bytes are the same version. A value
    above 16 MiB has none: ``if_match`` and `update` cannot replace it.

    A listing looks at all keys of the database, and leaves out what is no string or no
    key here. It may give a key twice if nine of ten are deleted meanwhile.

    Parameters
    ----------
    redis : redis.Redis, redis.cluster.RedisCluster or str
        A client, whose connections are used and stay open; or a URL such as
        ``redis://user:password@localhost:6379/0``, with ``rediss`` for TLS, with
        several hosts and ``?cluster=true``, or with sentinels and ``?sentinel=NAME``.
        ``?timeout=`` (5) is how many seconds Redis may be silent, and for how long a
        call is tried again while a cluster or sentinels replace a lost server;
        ``?max_connections=`` (100) is how many may be open to a server at a time.
        With ``?wait=N`` a write is acknowledged when N replicas have it too, and is
        else a `StoreUnavailable` which says that it may have happened.

    Raises
    ------
    InvalidURL
        If a URL is wrong, or has wrappers, or belongs to another store.
    InvalidArgument
        If *redis* is neither a URL nor a client that waits for its answers.

    Examples
    --------
    >>> from minimalkv.memory.redisstore import RedisStore
    >>> RedisStore("redis://:password@localhost/1")
    <RedisStore of localhost:6379/1>
    """

    _reads_seed_keys = True
    _backend_max_key = many.LARGEST_VALUE_BYTES
    _backend_max_segment = many.LARGEST_VALUE_BYTES

    def __init__(self, redis: Any) -> None:
        if isinstance(redis, str):
            redis = settings_of_url(redis, extended=self.extended_keys)
        self._calls = Calls(redis)
        # Until it is refused: a user may be one who can do no more than read.
        self._may_script = True

    @classmethod
    def _from_params(cls, **params: Any) -> Self:
        return cls(settings_of(params))

    @property
    def redis(self) -> Any:
        """The client: the given one, or one that is made and closed by the store.

        Raises
        ------
        StoreError
            If there is none yet, and no server of the cluster can be reached.
        """
        return self._calls.client

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._calls.place}>"

    def close(self) -> None:  # noqa: D102 - inherited
        self._calls.close()

    # Reading.

    def _get(self, key: str) -> bytes:
        data: bytes | None = self._calls.ask(key, pack(b"GET", key.encode()))
        if data is None:
            raise KeyNotFound(key)
        return data

    def _open(self, key: str) -> BinaryIO:
        return BytesReader(self._get(key))

    def _has_key(self, key: str) -> bool:
        kind = self._calls.ask(key, pack(b"TYPE", key.encode()))
        if kind not in (b"string", b"none"):
            raise self._calls.wrong_kind(key)
        return bool(kind == b"string")

    def _get_with_meta(self, key: str) -> tuple[bytes, ObjectMeta]:
        data, life_ms = self._value_and_life(key)
        return data, _meta(key, len(data), life_ms, wire.etag_of(data))

    def _get_with_etag(self, key: str) -> tuple[bytes, str | None]:
        data = self._get(key)
        return data, wire.seen_etag_of(data) or None

    def _value_and_life(self, key: str) -> tuple[bytes, int]:
        name = key.encode()
        reads = ((b"GET", name), (b"PTTL", name))
        together = ((b"MULTI",), *reads, (b"EXEC",))
        data, life_ms = self._in_one_step(
            lambda: self._calls.ask(key, pack_all(together), read_all(4))[-1],
            lambda: self._calls.ask_all(key, reads),
        )
        if data is None:
            raise KeyNotFound(key)
        return data, life_ms

    def _in_one_step(self, step: Callable[[], _T], steps: Callable[[], _T]) -> _T:
        """Do it by a script or transaction, or else as a user can who may only read.

        Then the expiry may be that of a value that was put a moment later.
        """
        if not self._may_script:
            return steps()
        try:
            return step()
        except AccessDenied:
            found = steps()
            self._may_script = False
            return found

    def _head(self, key: str) -> ObjectMeta:
        return self._part(key, 0, 0)[0]

    def _stream(
        self,
        key: str,
        start: int = 0,
        stop: int | None = None,
        if_match: str | None = None,
    ) -> tuple[ObjectMeta, BinaryIO]:
        try:
            meta, data = self._part(key, start, stop)
        except KeyNotFound:
            if if_match is None:
                raise
            raise changed(key) from None
        if if_match is not None and meta.etag != if_match:
            raise changed(key)
        return meta, BytesReader(data)

    def _part(self, key: str, start: int, stop: int | None) -> tuple[ObjectMeta, bytes]:
        if start == 0 and stop is None:
            return self._part_of_whole(key, start, stop)
        return self._in_one_step(
            lambda: self._part_by_script(key, start, stop),
            lambda: self._part_of_whole(key, start, stop),
        )

    def _part_by_script(
        self, key: str, start: int, stop: int | None
    ) -> tuple[ObjectMeta, bytes]:
        end = b"" if stop is None else b"%d" % stop
        found = self._calls.run(wire.READ, [key], b"%d" % start, end)
        if found is None:
            raise KeyNotFound(key)
        *facts, data = found
        return _meta(key, *facts), data

    def _part_of_whole(
        self, key: str, start: int, stop: int | None
    ) -> tuple[ObjectMeta, bytes]:
        data, meta = self._get_with_meta(key)
        begin, end = resolve_range(start, stop, len(data))
        return meta, data[begin:end]

    def _get_many(self, keys: list[str]) -> dict[str, bytes]:
        return many.get_many(self._calls, keys)

    # Listing.

    def iter_keys(self, prefix: str = "") -> Iterator[str]:  # noqa: D102 - inherited
        for page in self._pages(prefix):
            yield from page

    def _pages(self, prefix: str) -> Iterator[list[str]]:
        if not prefix.isascii():
            return
        recent = Recent()
        for names in self._calls.pages(pattern_of(prefix)):
            yield list(filter(self._is_readable, recent.new_of(texts(names))))

    def _iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
        for page in self._pages(prefix):
            for keys in many.slices(page, _HEADS_AT_ONCE):
                answers = self._ask_heads(keys)
                for key, found in zip(keys, answers, strict=True):
                    with contextlib.suppress(KeyNotFound):
                        yield self._found_head(key, found)

    def _ask_heads(self, keys: Sequence[str]) -> list[Any]:
        """Ask the server that has these keys for what it knows about all of them."""
        if not self._may_script:
            return [_UNASKED] * len(keys)
        names = [key.encode() for key in keys]
        calls = [wire.READ.call([name], b"0", b"0") for name in names]
        # So that the server remembers the script for the others.
        calls[0] = wire.READ.first_call(names[:1], b"0", b"0")
        commands = list(zip(names, calls, strict=True))
        return self._calls.ask_each(commands, writes=False, once=False)

    def _found_head(self, key: str, found: Any) -> ObjectMeta:
        if isinstance(found, Exception):
            return self._head(key)
        if found is None:
            raise KeyNotFound(key)
        return _meta(key, *found[:3])

    # Writing.

    def _put(
        self,
        key: str,
        data: bytes,
        ttl_secs: float | str = NOT_SET,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> None:
        many.check_size(key, len(data))
        if ttl_secs == 0:
            self._put_nothing([key], if_absent=if_absent, if_match=if_match)
        elif if_match is not None:
            same.replace(self._calls, key, if_match, data, ttl_secs)
        else:
            command = many.set_command(key, data, ttl_secs, if_absent=if_absent)
            done = self._calls.ask(key, pack(*command), writes=True, once=if_absent)
            if done is None:
                raise exists(key)

    def _put_nothing(
        self, keys: list[str], *, if_absent: bool, if_match: str | None = None
    ) -> None:
        """Put values that are gone at once."""
        if if_match is not None:
            self._delete(keys[0], if_match=if_match)
        elif not if_absent:
            self._delete_many(keys)
        elif failed := {key: exists(key) for key in keys if self._has_key(key)}:
            raise_failed(failed)

    def _put_file(self, key: str, file: Readable, *args: Any, **options: Any) -> None:
        parts: list[bytes] = []
        size = 0
        for part in chunks(file):
            size += len(part)
            many.check_size(key, size)
            parts.append(part)
        self._put(key, b"".join(parts), *args, **options)

    def _put_many(
        self,
        items: Mapping[str, bytes],
        ttl_secs: float | str = NOT_SET,
        *,
        if_absent: bool = False,
    ) -> None:
        for key, data in items.items():
            many.check_size(key, len(data))
        if ttl_secs == 0:
            self._put_nothing(list(items), if_absent=if_absent)
        else:
            many.put_many(self._calls, items, ttl_secs, if_absent=if_absent)

    def _delete(self, key: str, *, if_match: str | None = None) -> None:
        if if_match is not None:
            same.delete(self._calls, key, if_match)
        else:
            command = pack(b"DEL", key.encode())
            self._calls.ask(key, command, writes=True, once=self._calls.waits)

    def _remove(self, key: str) -> bool:
        # Done twice, the second would not find what the first deleted.
        command = pack(b"DEL", key.encode())
        return bool(self._calls.ask(key, command, writes=True, once=True))

    def _delete_many(self, keys: list[str]) -> None:
        many.delete_many(self._calls, keys)

    def _copy(self, source: str, dest: str) -> None:
        if source == dest:
            copied = self._has_key(source)
        elif self._calls.are_together(source, dest):
            command = pack(b"COPY", source.encode(), dest.encode(), b"REPLACE")
            copied = self._calls.ask(source, command, writes=True)
        else:
            data, life_ms = self._value_and_life(source)
            life = NOT_SET if life_ms == _NO_END else max(life_ms, 1) / 1000
            self._put(dest, data, life)
            copied = True
        if not copied:
            raise KeyNotFound(source)

    def _move(self, source: str, dest: str) -> None:
        if not self._calls.are_together(source, dest):
            super()._move(source, dest)
            return
        if not self._calls.run(wire.MOVE, [source, dest], writes=True, once=True):
            raise KeyNotFound(source)

    def _increment(self, key: str, delta: int) -> int:
        amount = b"%d" % delta
        found = self._calls.run(wire.ADD, [key], amount, writes=True, once=True)
        if found is None:
            raise KeyNotFound(key)
        if found == wire.NO_NUMBER:
            raise InvalidData(
                f"The value of {key!r} is no decimal number of 64 bits, so it cannot "
                "be incremented. Store one first: put(key, b'0')."
            )
        if found == wire.OVERFLOW:
            raise InvalidArgument(
                f"The sum of {key!r} and {delta} does not fit into a signed 64-bit "
                "number."
            )
        return int(found)

    # Time to live: Redis deletes what has expired by itself.

    def _touch(self, key: str, ttl_secs: float | str) -> None:
        if isinstance(ttl_secs, str):
            done = self._calls.run(wire.PERSIST, [key], writes=True)
        else:
            life = many.milliseconds(ttl_secs)
            command = pack(b"PEXPIRE", key.encode(), life)
            # Done twice, zero would not find the key that it deleted before.
            once = ttl_secs == 0
            done = self._calls.ask(key, command, writes=True, once=once)
        if not done:
            raise KeyNotFound(key)

    def _ttl(self, key: str) -> float | None:
        life_ms: int = self._calls.ask(key, pack(b"PTTL", key.encode()))
        if life_ms == _NO_END:
            return None
        if life_ms < 0:
            raise KeyNotFound(key)
        return max(life_ms, 1) / 1000

    def _purge_expired(self, prefix: str) -> int:
        del prefix
        return 0


def _meta(key: str, size: int, life_ms: int, etag: str | bytes) -> ObjectMeta:
    expires = None
    if life_ms != _NO_END:
        expires = datetime.fromtimestamp(now() + max(life_ms, 0) / 1000, UTC)
    text = etag if isinstance(etag, str) else etag.decode()
    kind = guess_content_type(key)
    return ObjectMeta(key, size, text or None, content_type=kind, expires=expires)
