"""A new store before an old one: a live site moves from the one to the other."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import Any, BinaryIO, Final, TypeVar

from minimalkv._carrying import Fingerprint, carry_missing, fingerprint
from minimalkv._conditions import changed, check_condition, exists
from minimalkv._errors import (
    InvalidArgument,
    KeyExists,
    KeyNotFound,
    PreconditionFailed,
    StoreError,
    Unsupported,
)
from minimalkv._get_store import get_store_from_url
from minimalkv._hooks import each, raise_failed
from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import ObjectMeta
from minimalkv._old_store import OldStore, Seen, Within, ttl_of
from minimalkv._put_checks import check_etag
from minimalkv._streams import Readable
from minimalkv._writers import AbortableWriter, WriterSink
from minimalkv.decorator import StoreDecorator

__all__ = ["MigrationDecorator"]

_T = TypeVar("_T")
_Options = Mapping[str, Any]

# How often a value is looked for while others move it to and fro.
_MOST_TRIES: Final = 10


class MigrationDecorator(StoreDecorator):
    """Use a new store, with all the values that are still in an old one.

    Reading asks the new store first, and the old one for what is not there. Writing
    writes the new one, and deletes the old copy then; what depends on the value that is
    there (``if_match``, `touch`, `increment`, `copy`) copies it up first. Deleting
    deletes from both. A listing has the keys of both. Nothing is ever written to the
    old store, only deleted.

    So a site goes on while its values are copied. Processes with the roles of the two
    stores exchanged may use them at the same time: what the one has written or deleted,
    the other sees. Once all is in the new store, and nothing in the old one any more,
    this wrapper is taken away. No process may write to the old store without it.

    Its capabilities and limits are those of the new store. A key that the new store
    does not take is not seen. An outage of either store is an error, never a value that
    is missing; what the new store has is read without the old one.

    Parameters
    ----------
    old : KeyValueStore or str
        The store that is left, or its URL; closed with the wrapper.
    store : KeyValueStore
        The store that takes its place.

    Raises
    ------
    Unsupported
        If the new store cannot write on condition: then a value that is copied up could
        replace a newer one.
    InvalidArgument
        If the old store is read only: what is deleted would come back.

    Examples
    --------
    >>> from minimalkv.memory import DictStore
    >>> old, new = DictStore({"a": b"1", "b": b"2"}), DictStore()
    >>> store = MigrationDecorator(old, new)
    >>> store.put("b", b"new"), store.get("a"), sorted(store.keys())
    ('b', b'1', ['a', 'b'])
    >>> store.delete("a")
    >>> old.keys(), new.keys()
    ([], ['b'])
    """

    def __init__(self, old: KeyValueStore | str, store: KeyValueStore) -> None:
        super().__init__(store)
        self.old = get_store_from_url(old) if isinstance(old, str) else old
        if not self.conditional_support:
            raise Unsupported(
                f"{store!r} cannot write on condition, so a value that is moved into "
                "it could replace a newer one. Use sync while nobody writes."
            )
        if self.old.read_only:
            raise InvalidArgument(
                f"{self.old!r} is read only, so what is deleted would come back from "
                "it. Use it without 'readonly'."
            )
        self._old = OldStore(self.old, self._inner)
        self._new = Within(store)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._dstore!r} before {self.old!r}>"

    # Reading. Values only ever move up. So one that is in neither store, if the new one
    # is asked first, has moved in between, or there is none.

    def _read(self, key: str, read: Callable[[KeyValueStore], _T]) -> _T:
        with suppress(KeyError):
            return read(self._inner)
        with suppress(KeyError):
            return read(self._old.reader(key))
        return read(self._inner)

    def _get(self, key: str) -> bytes:
        return self._read(key, lambda store: store._get(key))

    def _open(self, key: str) -> BinaryIO:
        return self._read(key, lambda store: store._open(key))

    def _get_file(self, key: str, file: BinaryIO) -> object:
        return self._read(key, lambda store: store._get_file(key, file))

    def _get_filename(self, key: str, filename: str) -> object:
        return self._read(key, lambda store: store._get_filename(key, filename))

    def _has_key(self, key: str) -> bool:
        has_key = self._inner._has_key
        return has_key(key) or self._old.has(key) or has_key(key)

    def _get_many(self, keys: list[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        new = self._inner._get_many
        for get_many in (new, self._old.get_many, new):
            if missing := [key for key in keys if key not in found]:
                found.update(get_many(missing))
        return {key: found[key] for key in keys if key in found}

    def _ttl(self, key: str) -> float | None:
        return self._read(key, lambda store: ttl_of(store, key))

    # Reading with the version: that of an old value is marked.

    def _read_version(
        self, key: str, read: Callable[[KeyValueStore], _T], mark: Callable[[_T], _T]
    ) -> _T:
        with suppress(KeyError):
            return read(self._inner)
        if not self._old.has_versions:
            self._carry_up(key)
            return read(self._inner)
        with suppress(KeyError):
            return mark(read(self._old.reader(key)))
        return read(self._inner)

    def _head(self, key: str) -> ObjectMeta:
        return self._read_version(key, lambda store: store._head(key), self._old.marked)

    def _get_with_meta(self, key: str) -> tuple[bytes, ObjectMeta]:
        return self._read_version(
            key,
            lambda store: store._get_with_meta(key),
            lambda found: (found[0], self._old.marked(found[1])),
        )

    def _get_with_etag(self, key: str) -> tuple[bytes, str | None]:
        return self._read_version(
            key,
            lambda store: store._get_with_etag(key),
            lambda found: (found[0], self._old.mark(found[1])),
        )

    def _stream(
        self,
        key: str,
        start: int = 0,
        stop: int | None = None,
        if_match: str | None = None,
    ) -> tuple[ObjectMeta, BinaryIO]:
        if if_match is None:
            return self._read_version(
                key,
                lambda store: store._stream(key, start, stop),
                lambda found: (self._old.marked(found[0]), found[1]),
            )
        if self._old.is_version(if_match) and not self._inner._has_key(key):
            return self._old.stream(key, start, stop, if_match)
        return self._inner._stream(key, start, stop, self._version(key, if_match))

    # Listing.

    def _iter_keys(self, prefix: str) -> Iterator[str]:
        # The old store first: what moves meanwhile is then in the listing of one.
        seen = Seen()
        for key in self._old.store._iter_keys(prefix):
            if self._inner._is_backend_key(key):
                seen.add(key)
                yield key
        yield from (key for key in self._inner._iter_keys(prefix) if key not in seen)

    def _iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
        # And again the new store, for what moved meanwhile.
        new = self._inner._iter_meta
        passes: list[Seen] = []
        for iter_meta in (new, self._old.iter_meta, new):
            seen = Seen()
            for meta in iter_meta(prefix):
                if not any(meta.key in before for before in passes):
                    seen.add(meta.key)
                    yield meta
            passes.append(seen)

    def _iter_prefixes(self, delimiter: str, prefix: str) -> Iterator[str]:
        if self.old.extended_keys and not self.extended_keys:
            # Nothing may be in a folder of the old store that the new one can have.
            yield from KeyValueStore._iter_prefixes(self, delimiter, prefix)
            return
        seen = set()
        for store in (self._old.store, self._inner):
            for found in store._iter_prefixes(delimiter, prefix):
                if found not in seen:
                    seen.add(found)
                    yield found

    # Copying up.

    def _carry_up(self, key: str) -> bool:
        """Let the new store have a value, if there is one; tell whether there is."""
        if not self._old.takes(key):
            return False
        try:
            carry_missing(self._old.store, self._new, key)
        except KeyNotFound:
            return False
        except (KeyExists, PreconditionFailed):
            pass
        return True

    def _on_new(self, key: str, act: Callable[[], _T]) -> _T:
        for _ in range(_MOST_TRIES):
            with suppress(KeyNotFound):
                return act()
            if not self._carry_up(key):
                break
        return act()

    def _version(self, key: str, etag: str) -> str:
        """Return the version in the new store that an etag stands for.

        A value of the old store is there then, too.

        Raises
        ------
        PreconditionFailed
            If somebody has replaced or deleted it.
        """
        if not self._old.is_version(etag):
            return etag
        try:
            value = self._carried(key, self._old.stored_version(key, etag))
            found = fingerprint(self._new, key)
        except KeyNotFound:
            raise changed(key) from None
        # It may be another's by now.
        if not found.is_same_value(value):
            raise changed(key)
        return check_etag(found.etag)

    def _carried(self, key: str, version: str) -> Fingerprint:
        old = self._old.store
        try:
            return carry_missing(old, self._new, key, version=version).value
        except KeyExists:
            value = fingerprint(old, key)
            if value.etag != version:
                raise changed(key) from None
            return value

    # Writing. An old copy would be seen again when the new value ends, and by who has
    # the roles exchanged, so it is deleted. Only afterwards: a crash loses neither.

    def _write(
        self, key: str, put: Callable[..., _T], args: tuple[Any, ...], options: _Options
    ) -> _T:
        with self._old.replacing(key) as copies:
            # A copy may have expired.
            if copies and options.get("if_absent") and self._old.has(key):
                raise exists(key)
            if "if_match" in options:
                version = self._version(key, options["if_match"])
                options = {**options, "if_match": version}
            return put(*args, **options)

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str | None:
        return self._write(key, super()._put, (key, data, *args), options)

    def _put_file(
        self, key: str, file: Readable, *args: Any, **options: Any
    ) -> str | None:
        return self._write(key, super()._put_file, (key, file, *args), options)

    def _put_filename(
        self, key: str, filename: str, *args: Any, **options: Any
    ) -> str | None:
        return self._write(key, super()._put_filename, (key, filename, *args), options)

    def _open_writer(self, key: str, *args: Any, **options: Any) -> AbortableWriter:
        if options.keys() & {"if_absent", "if_match"}:
            # They are looked at when it is published.
            return KeyValueStore._open_writer(self, key, *args, **options)
        writer = super()._open_writer(key, *args, **options)
        return AbortableWriter(_Sink(writer, partial(self._old.replacing, key)))

    def _put_many(self, items: Mapping[str, bytes], *args: Any, **options: Any) -> None:
        if options.get("if_absent"):
            each(items, lambda key: self._put(key, items[key], *args, **options))
            return
        failure: StoreError | None = None
        with self._old.replacing(*items) as copies:
            try:
                super()._put_many(items, *args, **options)
            except StoreError as error:
                failure = error
                failed = set(error.failed_keys or items)
                copies[:] = [key for key in copies if key not in failed]
        if failure is not None:
            raise failure

    def _copy(self, source: str, dest: str) -> object:
        with self._old.replacing(dest):
            return self._on_new(source, lambda: self._inner._copy(source, dest))

    def _move(self, source: str, dest: str) -> object:
        return KeyValueStore._move(self, source, dest)

    def _increment(self, key: str, delta: int) -> int:
        with self._old.replacing(key):
            return self._on_new(key, lambda: self._inner._increment(key, delta))

    def _touch(self, key: str, ttl_secs: float | str) -> None:
        with self._old.replacing(key):
            self._on_new(key, lambda: self._inner._touch(key, ttl_secs))

    def _purge_expired(self, prefix: str) -> int:
        return self._old.purge_expired(prefix) + super()._purge_expired(prefix)

    # Deleting: the old copy first, or it would be seen again in between, and stay if
    # this process ends there. And last again: with the roles exchanged, somebody may
    # have copied the new one there in between.

    def _delete(self, key: str, if_match: str | None = None) -> object:
        if if_match is None:
            return self._delete_all(key)
        if self._old.is_version(if_match) and self._old.delete_expired(key, if_match):
            return None
        version = self._version(key, if_match)
        self._check_version(key, version)
        return self._delete_all(key, if_match=version)

    def _delete_all(self, key: str, **conditions: str) -> object:
        self._old.delete(key)
        deleted = self._inner._delete(key, **conditions)
        self._old.delete(key)
        return deleted

    def _check_version(self, key: str, version: str) -> None:
        """Look before the old copy is deleted, which may be all there is."""
        try:
            current = self._inner._head(key).etag
        except KeyError:
            current = None
        check_condition(key, current, if_match=version)

    def _delete_many(self, keys: list[str]) -> None:
        failed: dict[str, StoreError] = {}
        old = self._old.delete_many
        for delete_many in (old, self._inner._delete_many, old):
            rest = [key for key in keys if key not in failed]
            try:
                delete_many(rest)
            except StoreError as error:
                failed |= dict.fromkeys(error.failed_keys or rest, error)
        if failed:
            raise_failed(failed)

    # The rest.

    def _url_for(self, key: str, *args: Any, **options: Any) -> str:
        is_for_reading = options.get("method", "GET") == "GET"
        if is_for_reading and not self._inner._has_key(key):
            self._carry_up(key)
        return super()._url_for(key, *args, **options)

    def _ping(self) -> None:
        self._old.store._ping()
        super()._ping()

    def close(self) -> None:  # noqa: D102 - inherited
        try:
            self.old.close()
        finally:
            super().close()


class _Sink(WriterSink):
    """A sink whose value replaces another when it is published."""

    def __init__(
        self,
        writer: AbortableWriter,
        replacing: Callable[[], AbstractContextManager[object]],
    ) -> None:
        super().__init__(writer)
        self._replacing = replacing

    def publish(self) -> None:
        with self._replacing():
            super().publish()
