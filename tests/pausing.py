"""A store in which something else happens in the middle of an operation."""

from collections.abc import Callable
from typing import Any

from minimalkv import KeyValueStore, ObjectMeta
from tests.counting import CountingDecorator


class PausingDecorator(CountingDecorator):
    """Do something once, right before or right after one call of the backend.

    What it does may use the store as well: `number` counts only the calls of others.
    It may also raise: before the call as a store does that is down, and after it as one
    whose reply was lost.
    """

    def __init__(self, store: KeyValueStore) -> None:
        super().__init__(store)
        self.number = 0
        self._at: tuple[int, str] | None = None
        self._action: Callable[[], object] = list
        self._is_acting = False
        self.has_paused = False

    def pause(self, number: int, when: str, action: Callable[[], object]) -> None:
        """Do it ``"before"`` or ``"after"`` the call of that number, from 1 on."""
        self.number, self.has_paused = 0, False
        self._at, self._action = (number, when), action

    def stop(self) -> None:
        """Do nothing any more, if that call has not come yet."""
        self._at = None

    def _call(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if self._is_acting:
            return function(*args, **options)
        self.number += 1
        number = self.number
        self._meanwhile(number, "before")
        try:
            result = function(*args, **options)
        finally:
            self._meanwhile(number, "after")
        return result

    def _meanwhile(self, number: int, when: str) -> None:
        if self._at == (number, when):
            self._at, self._is_acting, self.has_paused = None, True, True
            try:
                self._action()
            finally:
                self._is_acting = False

    def _get(self, key: str) -> bytes:
        found: bytes = self._call(super()._get, key)
        return found

    def _get_with_meta(self, key: str) -> tuple[bytes, ObjectMeta]:
        found: tuple[bytes, ObjectMeta] = self._call(super()._get_with_meta, key)
        return found

    def _put(self, *args: Any, **options: Any) -> str | None:
        done: str | None = self._call(super()._put, *args, **options)
        return done

    def _delete(self, *args: Any, **options: Any) -> object:
        return self._call(super()._delete, *args, **options)
