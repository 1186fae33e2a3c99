"""A store that is watched, and fails when it is told to."""

from typing import Any

from minimalkv import KeyValueStore, StoreUnavailable
from tests.counting import CountingDecorator

EVERY_CALL = frozenset(("get", "put", "delete"))

_WHAT = {"put": "put", "put_file": "put", "delete": "delete", "ping": "ping"}


class WatchedStore(CountingDecorator):
    """Note what reaches the store, and fail calls of the kinds that are in `failing`.

    ``"get"`` stands for all that reads. Of as many puts as `lost_replies` says, the
    reply is lost.
    """

    def __init__(self, store: KeyValueStore) -> None:
        super().__init__(store)
        self.failing: frozenset[str] | set[str] = frozenset()
        self.lost_replies = 0

    def fail(self) -> None:
        self.failing = EVERY_CALL

    def recover(self) -> None:
        self.failing = frozenset()

    def _note(self, call: str) -> None:
        super()._note(call)
        kind = _WHAT.get(call, "get")
        if kind in self.failing:
            raise StoreUnavailable(f"The store does not answer a {kind}.")

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str | None:
        done = super()._put(key, data, *args, **options)
        if self.lost_replies:
            self.lost_replies -= 1
            raise StoreUnavailable("It may have happened.")
        return done
