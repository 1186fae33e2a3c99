"""One call of a store, from its beginning until somebody is told of it."""

import logging
import os
from collections.abc import Callable, Iterator
from threading import local
from time import perf_counter
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, TypeVar

_T = TypeVar("_T")

_log: Final = logging.getLogger("minimalkv")
_END: Final = object()
# What a callback asks of observed stores is not told, or it would never end.
_thread: Final = local()


class StoreCall(NamedTuple):
    """What an observer is told of one call of a store."""

    operation: str
    """The verb as the API has it, such as ``put``; ``contains`` stands for ``in``."""
    store: str
    """The ``repr()`` of the store: where it is, and no secret."""
    key: str | None
    """The key, for `copy` and `move` that of the source; None where there is none or
    are many."""
    seconds: float
    """What the store took. Not what the caller's files, functions and loops did."""
    bytes: int | None = None
    """How many bytes of values were read or stored; None if none were, or unknown."""
    keys: int | None = None
    """How many keys there were, in listings and the verbs about many keys."""
    error: BaseException | None = None
    """What the call raised, `KeyNotFound` too, which is often a good answer."""


Callback = Callable[[StoreCall], object]


class Observer:
    """A callback, and the name of the store that it is told about.

    Parameters
    ----------
    callback : callable
        Gets every `StoreCall`, in the thread of the call.
    store : str
        What the store is called there.
    """

    def __init__(self, callback: Callback, store: str) -> None:
        self.callback = callback
        self.store = store
        self._has_failed = False

    def tell(self, call: StoreCall) -> None:
        """Call back, whatever happens there; its first failure is logged."""
        if getattr(_thread, "is_telling", False):
            return
        _thread.is_telling = True
        try:
            self.callback(call)
        except Exception:  # noqa: BLE001 - whatever it is, the caller's call went well
            # Once, for it is likely to fail at every call.
            if not self._has_failed:
                self._has_failed = True
                _log.exception("An observer failed; more of its failures are not told.")
        finally:
            _thread.is_telling = False


class Call:
    """A call that works now and then: in each ``with`` block its time is counted.

    The outcome of the last block that failed is the error of the call. Nobody is told
    before `tell`.
    """

    __slots__ = (
        "_began",
        "_error",
        "_key",
        "_observer",
        "_operation",
        "_pid",
        "bytes",
        "keys",
        "seconds",
    )

    def __init__(self, observer: Observer, operation: str, key: Any) -> None:
        self._observer: Observer | None = observer
        self._operation = operation
        self._key = key if isinstance(key, str) else None
        self._pid = os.getpid()
        self._error: BaseException | None = None
        self.bytes: int | None = None
        self.keys: int | None = None
        self.seconds = 0.0

    def __enter__(self) -> Self:
        self._began = perf_counter()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.seconds += perf_counter() - self._began
        if error is not None:
            self._error = error

    def outside(self, function: Callable[..., _T], *args: Any) -> _T:
        """Do what the store waits for, and what is not its work."""
        began = perf_counter()
        try:
            return function(*args)
        finally:
            self.seconds -= perf_counter() - began

    def count(self, size: int) -> None:
        """Count bytes of the value."""
        self.bytes = size + (self.bytes or 0)

    def through(self, found: Iterator[_T]) -> Iterator[_T]:
        """Pass on what a listing finds, and tell when it ends or is left."""
        self.keys = 0
        try:
            while True:
                with self:
                    item: Any = next(found, _END)
                if item is _END:
                    return
                self.keys += 1
                yield item
        finally:
            # A filter has nothing to close.
            getattr(found, "close", bool)()
            self.tell()

    def tell(self) -> None:
        """Tell the observer, the first time; but not in a child that was forked."""
        observer, self._observer = self._observer, None
        if observer is None or os.getpid() != self._pid:
            return
        # Threads of a backend may work while the caller's file makes one wait.
        seconds = max(self.seconds, 0.0)
        call = (self._operation, observer.store, self._key, seconds)
        observer.tell(StoreCall(*call, self.bytes, self.keys, self._error))


class WholeCall(Call):
    """A call that is over at the end of its ``with`` block."""

    __slots__ = ()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, traceback)
        if error is not None:
            self.bytes = None
        self.tell()
