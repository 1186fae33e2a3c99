"""A store that remembers what it gave to read."""

from typing import Any, BinaryIO

from minimalkv import KeyValueStore, ObjectMeta
from minimalkv.decorator import StoreDecorator


class LendingDecorator(StoreDecorator):
    """Pass everything on, and keep the files that were streamed in `bodies`."""

    def __init__(self, store: KeyValueStore) -> None:
        super().__init__(store)
        self.bodies: list[BinaryIO] = []

    def _stream(self, *args: Any, **options: Any) -> tuple[ObjectMeta, BinaryIO]:
        meta, body = super()._stream(*args, **options)
        self.bodies.append(body)
        return meta, body
