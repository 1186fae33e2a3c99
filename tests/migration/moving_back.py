"""A site whose values are always found in the old store, whatever was written."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from threading import RLock
from typing import Any, Final

from minimalkv import KeyNotFound, KeyValueStore
from minimalkv._carrying import carry
from minimalkv._fork import tell_after_fork
from minimalkv._old_store import OldStore, Within
from minimalkv.migration import MigrationDecorator

_READING: Final = "_get _get_with_meta _get_with_etag _head _has_key _open _stream"
_OTHERS: Final = "_get_file _get_filename _get_many _ttl _delete _delete_many"
_WRITING: Final = "_put _put_file _put_filename _increment _touch"


class MovingBack(MigrationDecorator):
    """Move every value that was written back into the old store, at once.

    So each call finds what the wrapper has to find before anything is moved. Only one
    thread is in it at a time: what moves back and forth cannot be read in between.
    """

    def __init__(self, old: KeyValueStore, store: KeyValueStore) -> None:
        super().__init__(old, store)
        self._old = _Keeping(self.old, self._inner)
        self._after_fork()
        tell_after_fork(self)

    def _after_fork(self) -> None:
        self._lock = RLock()
        self._depth = 0

    @contextmanager
    def _alone(self, *written: str) -> Iterator[None]:
        with self._lock:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                # What a source stores while it is read is not moved under the nose of
                # who reads it.
                for key in written if not self._depth else ():
                    self._move_back(key)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._after_fork()

    def _move_back(self, key: str) -> None:
        with suppress(KeyNotFound):
            carry(Within(self._dstore), Within(self.old), key)
            self._inner._delete(key)

    def _put_many(self, items: Any, *args: Any, **options: Any) -> None:
        with self._alone(*items):
            super()._put_many(items, *args, **options)

    def _copy(self, source: str, dest: str) -> object:
        with self._alone(dest):
            return super()._copy(source, dest)


class _Keeping(OldStore):
    """Keep the old copy of what is moved back upon it: a forked child sees no gap."""

    def __init__(self, old: KeyValueStore, new: KeyValueStore) -> None:
        super().__init__(old, new)
        self._new = new

    def _drop(self, key: str, version: str | None) -> None:
        if not self._new._has_key(key):  # it has ended already
            super()._drop(key, version)


def _alone(name: str, *, writes: bool) -> Callable[..., Any]:
    hook = getattr(MigrationDecorator, name)

    @wraps(hook)
    def alone(store: MovingBack, key: Any, *args: Any, **options: Any) -> Any:
        with store._alone(*((key,) if writes else ())):
            return hook(store, key, *args, **options)

    return alone


for _name in _WRITING.split():
    setattr(MovingBack, _name, _alone(_name, writes=True))
for _name in f"{_READING} {_OTHERS}".split():
    setattr(MovingBack, _name, _alone(_name, writes=False))
