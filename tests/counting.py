"""A store that writes down what reaches its backend."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from minimalkv import ObjectMeta
from minimalkv._streams import Readable
from minimalkv.decorator import StoreDecorator


class CountingDecorator(StoreDecorator):
    """Pass everything on, and note the name of each hook that was called in `calls`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.calls: list[str] = []

    def take_calls(self) -> list[str]:
        """Return the calls since this was asked last."""
        calls, self.calls = self.calls, []
        return calls

    def _note(self, call: str) -> None:
        self.calls.append(call)

    def _get(self, key: str) -> bytes:
        self._note("get")
        return super()._get(key)

    def _get_with_meta(self, key: str) -> tuple[bytes, ObjectMeta]:
        self._note("get_with_meta")
        return super()._get_with_meta(key)

    def _get_many(self, keys: list[str]) -> dict[str, bytes]:
        self._note("get_many")
        return super()._get_many(keys)

    def _head(self, key: str) -> ObjectMeta:
        self._note("head")
        return super()._head(key)

    def _has_key(self, key: str) -> bool:
        self._note("has_key")
        return super()._has_key(key)

    def _open(self, key: str) -> BinaryIO:
        self._note("open")
        return super()._open(key)

    def _stream(self, key: str, *args: Any) -> tuple[ObjectMeta, BinaryIO]:
        self._note("stream")
        return super()._stream(key, *args)

    def iter_keys(self, prefix: str = "") -> Iterator[str]:
        self._note("iter_keys")
        return super().iter_keys(prefix)

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str | None:
        self._note("put")
        return super()._put(key, data, *args, **options)

    def _put_file(
        self, key: str, file: Readable, *args: Any, **options: Any
    ) -> str | None:
        self._note("put_file")
        return super()._put_file(key, file, *args, **options)

    def _delete(self, key: str, *args: Any, **options: Any) -> object:
        self._note("delete")
        return super()._delete(key, *args, **options)

    def _ping(self) -> None:
        self._note("ping")
        super()._ping()
