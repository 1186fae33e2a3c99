"""A backend as somebody else writes one: four methods, as upstream declared them."""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from minimalkv import ExtendedKeyspaceMixin, KeyNotFound, KeyValueStore
from minimalkv._hstores import HDictStore
from minimalkv.decorator import StoreDecorator


class FourMethods(KeyValueStore):
    """Keep values in a dictionary, and leave all the rest to the base class."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    def _delete(self, key: str) -> None:
        self.values.pop(key, None)

    def iter_keys(self, prefix: str = "") -> Iterator[str]:
        return iter([key for key in list(self.values) if key.startswith(prefix)])

    def _open(self, key: str) -> BinaryIO:
        if key not in self.values:
            raise KeyNotFound(key)
        return io.BytesIO(self.values[key])

    def _put_file(self, key: str, file: BinaryIO) -> str:  # type: ignore[override]  # as upstream's
        parts = []
        while part := file.read(65536):
            parts.append(part)
        self.values[key] = b"".join(parts)
        return key


class HFourMethods(ExtendedKeyspaceMixin, FourMethods):
    """The same with slashes and spaces in its keys."""


class _Masked:
    def __init__(self, source: Any) -> None:
        self._source = source

    def read(self, size: int = -1) -> bytes:
        return mask(self._source.read(size))


class Masking(StoreDecorator):
    """A wrapper in the manner of upstream's users: it overrides public verbs."""

    def get(self, key: str) -> bytes:
        return mask(self._dstore.get(key))

    def get_file(self, key: str, file: Any) -> str:
        return self._plain(key).get_file(key, file)

    def open(self, key: str) -> BinaryIO:
        return self._plain(key).open(key)

    def _plain(self, key: str) -> KeyValueStore:
        return HDictStore({key: self.get(key)})

    def put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        return self._dstore.put(key, mask(data), *args, **options)

    def put_file(self, key: str, file: Any, *args: Any, **options: Any) -> str:
        if not isinstance(file, str | os.PathLike):
            return self._dstore.put_file(key, _Masked(file), *args, **options)
        with Path(file).open("rb") as source:
            return self._dstore.put_file(key, _Masked(source), *args, **options)


def mask(data: bytes) -> bytes:
    """Turn every bit around; leave what is no bytes for the store to refuse."""
    if not isinstance(data, bytes):
        return data
    return data.translate(bytes(range(255, -1, -1)))
