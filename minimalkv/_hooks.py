"""What a backend may do its own way, and how each is done where it does not.

A backend has to bring `_delete`, `iter_keys`, `_open` and `_put_file`. Every other
hook has a correct default here; none checks its arguments, the public method of the
same name has done that. Options of a put reach a hook only when they were asked for.
"""

import contextlib
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, BinaryIO, Final, NoReturn

from minimalkv._constants import (
    FOREVER,
    MAX_KEY,
    MAX_KEY_EXTENDED,
    MAX_SEGMENT,
    NOT_SET,
    VALID_KEY_RE,
)
from minimalkv._errors import InvalidKey, StoreError, StoreUnavailable, Unsupported
from minimalkv._keys import explain_key, is_seed_key
from minimalkv._localfiles import replacing
from minimalkv._meta import ObjectMeta, guess_content_type
from minimalkv._streams import (
    Readable,
    copy,
    make_seekable,
    read_all,
    resolve_range,
    window,
)
from minimalkv._writers import AbortableWriter, SpoolSink

PING_KEY = "mkv-ping"
MOST_UNAVAILABLE: Final = 3
"""After so many keys without an answer, the others of a call are not tried: each would
wait as long, and for nothing."""
_PACKAGE = __name__.partition(".")[0]


class Hooks:
    """The hooks of `KeyValueStore`, its capabilities and its limits."""

    ttl_support: bool = False
    """Do values expire? See `TimeToLiveMixin`."""
    conditional_support: bool = False
    """Are ``if_absent`` and ``if_match`` there? See `ConditionalMixin`."""
    copy_support: bool = False
    """Does the backend copy by itself? See `CopyMixin`."""
    url_support: bool = False
    """Is there a `url_for`? See `UrlMixin`."""
    read_only: bool = False
    """Is everything refused that writes? See `ReadOnlyDecorator`."""
    headers_support: bool = False
    """Are a content type and headers kept with a value?"""
    extended_keys: bool = False
    """May keys have ``/`` and spaces?"""
    nested_keys: bool = True
    """Can ``a`` stand beside ``a/b``, where keys are extended?"""

    max_key: int = MAX_KEY
    """Longest key that this store takes, in characters."""
    max_segment: int = MAX_SEGMENT
    """Longest part of a key between two slashes, in characters."""
    default_ttl_secs: float | str = NOT_SET
    """The ``ttl_secs`` of a put that does not say."""

    _key_re: re.Pattern[str] = VALID_KEY_RE
    _has_own_limits: bool = False
    _reads_seed_keys: bool = False
    # What the backend itself holds: a wrapper's prefix may use up the difference.
    _backend_max_key: int | None = None
    _backend_max_segment: int | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # The usual limits are part of the regular expression.
        usual = (MAX_KEY_EXTENDED if cls.extended_keys else MAX_KEY, MAX_SEGMENT)
        cls._has_own_limits = (cls.max_key, cls.max_segment) != usual

    def _check_valid_key(self, key: str) -> None:
        try:
            if self._key_re.match(key):
                if self._has_own_limits:
                    self._check_key(key, self.max_key, self.max_segment)
                return
        except TypeError:
            pass
        self._refuse_key(key, self.max_key, self.max_segment)

    def _check_key(self, key: str, max_key: int, max_segment: int) -> None:
        """Check a key for a wrapper, whose limits may be others, and wider."""
        if (
            not is_seed_key(key, extended=self.extended_keys)
            or key.endswith("\n")
            or len(key) > max_key
            or any(len(part) > max_segment for part in key.split("/"))
        ):
            self._refuse_key(key, max_key, max_segment)

    def _refuse_key(self, key: object, max_key: int, max_segment: int) -> NoReturn:
        raise InvalidKey(
            explain_key(
                key,
                extended=self.extended_keys,
                max_key=max_key,
                max_segment=max_segment,
            )
        )

    def _check_readable_key(self, key: str) -> None:
        try:
            self._check_valid_key(key)
        except InvalidKey:
            seed = self._reads_seed_keys and is_seed_key(
                key, extended=self.extended_keys
            )
            if not seed:
                raise

    def _is_readable(self, key: str) -> bool:
        try:
            self._check_readable_key(key)
        except InvalidKey:
            return False
        return True

    def _is_backend_key(self, key: str) -> bool:
        """Tell whether the backend could hold the key for a wrapper."""
        longest = self._backend_max_key or self.max_key
        longest_segment = self._backend_max_segment or self.max_segment
        try:
            self._check_key(key, longest, longest_segment)
        except InvalidKey:
            return self._is_readable(key)
        return True

    # The four that a backend has to bring.

    def _delete(self, key: str, *_args: Any, **_options: Any) -> object:
        raise _not_written(self, "_delete")

    def iter_keys(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that begin with *prefix*, in no promised order.

        Parameters
        ----------
        prefix : str
            Any text; the empty one stands for all keys.

        Yields
        ------
        str
            Each key once, as it is found: nothing waits for the whole list. A key that
            is written or deleted meanwhile may be there or not.

        Raises
        ------
        StoreError
            If the backend failed, also in the middle.
        """
        raise _not_written(self, "iter_keys")

    def _open(self, key: str) -> BinaryIO:
        raise _not_written(self, "_open")

    def _put_file(
        self, key: str, file: Readable, *_args: Any, **_options: Any
    ) -> str | None:
        raise _not_written(self, "_put_file")

    # Reading.

    def _get(self, key: str) -> bytes:
        with contextlib.closing(self._open(key)) as source:
            return read_all(source)

    def _get_with_meta(self, key: str) -> tuple[bytes, ObjectMeta]:
        meta, source = self._stream(key)
        with contextlib.closing(source):
            return read_all(source), meta

    def _get_with_etag(self, key: str) -> tuple[bytes, str | None]:
        data, meta = self._get_with_meta(key)
        return data, meta.etag

    def _head(self, key: str) -> ObjectMeta:
        meta, source = self._stream(key, 0, 0)
        source.close()
        return meta

    def _has_key(self, key: str) -> bool:
        try:
            self._open(key).close()
        except KeyError:
            return False
        return True

    def _stream(
        self,
        key: str,
        start: int = 0,
        stop: int | None = None,
        if_match: str | None = None,
    ) -> tuple[ObjectMeta, BinaryIO]:
        source = make_seekable(self._open(key))
        size = source.seek(0, io.SEEK_END)
        source.seek(0)
        meta = ObjectMeta(key, size, content_type=guess_content_type(key))
        return meta, cut(source, start, stop, size)

    def _get_file(self, key: str, file: BinaryIO) -> object:
        with contextlib.closing(self._open(key)) as source:
            copy(source, file)
        return key

    def _get_filename(self, key: str, filename: str) -> object:
        with contextlib.closing(self._open(key)) as source, replacing(filename) as dest:
            copy(source, dest)
        return key

    def _iter_keys(self, prefix: str) -> Iterator[str]:
        """List for a wrapper, which may know longer keys."""
        return self.iter_keys(prefix)

    def _iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
        for key in self._iter_keys(prefix):
            with contextlib.suppress(KeyError):
                yield self._head(key)

    def _iter_prefixes(self, delimiter: str, prefix: str) -> Iterator[str]:
        seen = set()
        for key in self._iter_keys(prefix):
            position = key.find(delimiter, len(prefix))
            found = key if position < 0 else key[: position + len(delimiter)]
            if found not in seen:
                seen.add(found)
                yield found

    def _ping(self) -> None:
        self._has_key(PING_KEY)

    # Writing.

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str | None:
        return self._put_file(key, io.BytesIO(data), *args, **options)

    def _put_filename(
        self, key: str, filename: str, *args: Any, **options: Any
    ) -> str | None:
        with open(filename, "rb") as source:  # noqa: PTH123 - as upstream: any path
            return self._put_file(key, source, *args, **options)

    def _open_writer(self, key: str, *args: Any, **options: Any) -> AbortableWriter:
        def store(spool: BinaryIO) -> object:
            return self._put_file(key, spool, *args, **options)

        return AbortableWriter(SpoolSink(store))

    def _copy(self, source: str, dest: str) -> object:
        meta, file = self._stream(source)
        with contextlib.closing(file):
            return self._put_file(dest, file, **self._copy_options(source, meta))

    def _copy_options(self, source: str, meta: ObjectMeta) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if self.ttl_support:
            left = self._ttl(source)
            options["ttl_secs"] = FOREVER if left is None else left
        if self.headers_support:
            options |= {"content_type": meta.content_type, "headers": meta.headers}
        return options

    def _move(self, source: str, dest: str) -> object:
        self._copy(source, dest)
        return self._delete(source)

    # Many keys.

    def _get_many(self, keys: list[str]) -> dict[str, bytes]:
        found = {}
        for key in keys:
            with contextlib.suppress(KeyError):
                found[key] = self._get(key)
        return found

    def _put_many(self, items: Mapping[str, bytes], *args: Any, **options: Any) -> None:
        def put(key: str) -> object:
            return self._put(key, items[key], *args, **options)

        each(items, put)

    def _delete_many(self, keys: list[str]) -> None:
        each(keys, self._delete)

    # Time to live, URLs.

    def _touch(self, key: str, ttl_secs: float | str) -> None:
        raise _not_written(self, "_touch")

    def _ttl(self, key: str) -> float | None:
        raise _not_written(self, "_ttl")

    def _purge_expired(self, prefix: str) -> int:
        raise _not_written(self, "_purge_expired")

    def _url_for(self, key: str, *_args: Any, **_options: Any) -> str:
        raise _not_written(self, "_url_for")


def _not_written(store: Hooks, hook: str) -> Unsupported:
    return Unsupported(f"{type(store).__name__} has no {hook}, so it cannot do that.")


def cut(source: BinaryIO, start: int, stop: int | None, size: int) -> BinaryIO:
    """Show the range of a `stream` call in a seekable file of *size* bytes."""
    begin, end = resolve_range(start, stop, size)
    if (begin, end) == (0, size):
        return source
    return window(source, begin, end)


def each(keys: Iterable[str], action: Callable[[str], object]) -> None:
    """Do something for every key, and raise once for all those where it failed."""
    failed: dict[str, StoreError] = {}
    unavailable: list[StoreUnavailable] = []
    for key in keys:
        if len(unavailable) >= MOST_UNAVAILABLE:
            failed[key] = unavailable[-1]
            continue
        try:
            action(key)
        except StoreError as error:
            failed[key] = error
            if isinstance(error, StoreUnavailable):
                unavailable.append(error)
    if failed:
        raise_failed(failed)


def raise_failed(failed: Mapping[str, StoreError]) -> NoReturn:
    """Raise the first error, with the number of failures and ``failed_keys``."""
    key, first = next(iter(failed.items()))
    kind = type(first) if is_ours(type(first)) else StoreError
    error = kind(f"{len(failed)} of the keys failed, the first is {key!r}: {first}")
    error.failed_keys = tuple(failed)
    raise error from first


def is_ours(method_or_class: object) -> bool:
    """Tell whether something was written here, and not by the author of a subclass."""
    module: str = getattr(method_or_class, "__module__", "")
    return module.partition(".")[0] == _PACKAGE
