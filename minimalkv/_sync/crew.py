"""Threads that work side by side, on as much as memory holds."""

import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from minimalkv._clock import elapsed

TICK_SECS: Final = 0.2
"""How often somebody who waits is told how far it is."""

_BUDGET_BYTES: Final = 64 * 1024 * 1024
# What a large value takes while it streams: four parts in memory, on any store.
_MOST_BYTES: Final = 32 * 1024 * 1024
_WAITING_A_WORKER: Final = 4
_LAST_WORDS_SECS: Final = 10.0

_T = TypeVar("_T")


class Stopped(Exception):
    """The run ends before its end, so this value is left as it is."""


class Crew(Generic[_T]):
    """Workers in threads of their own, for a ``with`` block.

    Leaving the block by an exception stops them: what they stream is broken off, which
    leaves the old value, and nothing new is begun.

    Parameters
    ----------
    work : callable
        Gets one item; what it raises, but `Stopped`, is raised to whoever gives items.
    workers : int
        How many threads.
    tick : callable
        Is called now and then, in the thread that gives items and waits.
    stop : threading.Event
        Is set when they are to stop.
    """

    def __init__(
        self,
        work: Callable[[_T], None],
        workers: int,
        tick: Callable[[], None],
        stop: threading.Event,
    ) -> None:
        self._work = work
        self._tick = tick
        self._stop = stop
        self._lock = threading.Lock()
        self._has_work = threading.Condition(self._lock)
        self._has_room = threading.Condition(self._lock)
        self._items: deque[tuple[_T, int]] = deque()
        self._under_way = 0
        self._used_bytes = 0
        self._is_over = False
        self._error: BaseException | None = None
        self._most_items = workers * _WAITING_A_WORKER
        # Daemons: a call that hangs must not keep an interrupted program alive.
        self._threads = [
            threading.Thread(target=self._run, name="minimalkv-sync", daemon=True)
            for _ in range(workers)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._stop.set()
        with self._lock:
            self._is_over = True
            self._has_work.notify_all()
        deadline = elapsed() + _LAST_WORDS_SECS
        for thread in self._threads:
            thread.join(max(deadline - elapsed(), 0))

    def give(self, item: _T, size: int) -> bool:
        """Hand out an item as soon as there is room; False if the run is to stop."""
        cost = min(size, _MOST_BYTES)
        while not self._wait_for(lambda: self._is_room_for(cost)):
            self._tick()
        if self._stop.is_set():
            return False
        with self._lock:
            self._items.append((item, cost))
            self._used_bytes += cost
            self._under_way += 1
            self._has_work.notify()
        return True

    def finish(self) -> None:
        """Return when all that was handed out is done."""
        while not self._wait_for(lambda: not self._under_way):
            self._tick()

    def _wait_for(self, is_so: Callable[[], bool]) -> bool:
        with self._lock:
            self._has_room.wait_for(lambda: is_so() or self._error, TICK_SECS)
            if self._error is not None:
                raise self._error
            return is_so()

    def _is_room_for(self, cost: int) -> bool:
        if self._stop.is_set() or not self._under_way:
            return True
        fits = self._used_bytes + cost <= _BUDGET_BYTES
        return fits and self._under_way < self._most_items

    def _run(self) -> None:
        while (taken := self._take()) is not None:
            item, cost = taken
            error: BaseException | None = None
            try:
                if not self._stop.is_set():
                    self._work(item)
            except Stopped:
                pass
            except BaseException as raised:  # noqa: BLE001 - raised where items come from
                error = raised
            self._put_down(cost, error)

    def _take(self) -> tuple[_T, int] | None:
        with self._lock:
            self._has_work.wait_for(lambda: self._items or self._is_over)
            return self._items.popleft() if self._items else None

    def _put_down(self, cost: int, error: BaseException | None) -> None:
        with self._lock:
            self._under_way -= 1
            self._used_bytes -= cost
            self._error = self._error or error
            self._has_room.notify_all()
