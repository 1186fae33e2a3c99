"""How much memory large values take: ``python -m tests.net.large URL MIB``.

It prints by how many bytes the peak of the process grew after each call.
"""

import hashlib
import io
import resource
import sys
import tempfile
from collections.abc import Callable
from typing import Any, Final

from minimalkv import get_store_from_url

_PIECE: Final = bytes(range(256)) * 400
_READ_BYTES: Final = 300_000


class Source:
    """A large source that gives odd pieces and can do nothing but read."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int, /) -> bytes:
        given = min(size, self._left, len(_PIECE))
        self._left -= given
        return _PIECE[:given]


class Target:
    """A destination that keeps nothing but a hash."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        self.size += len(data)
        return len(data)

    def drain(self, source: Any) -> None:
        while piece := source.read(_READ_BYTES):
            self.write(piece)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Uses:
    """Calls of a store with a large value, which each leave it under ``large``."""

    def __init__(self, store: Any, size: int) -> None:
        self._store = store
        self._size = size
        self._expected = Target()
        self._expected.drain(Source(size))

    def put_file(self) -> None:
        self._store.put_file("large", Source(self._size))

    def get_file(self) -> None:
        target = Target()
        self._store.get_file("large", target)
        self._check(target)

    def open(self) -> None:
        with self._store.open("large") as file:
            self._drain(file)

    def stream(self) -> None:
        with self._store.stream("large")[1] as file:
            self._drain(file)

    def put_file_that_seeks(self) -> None:
        self._store.delete("large")
        with tempfile.TemporaryFile() as file:
            for _ in range(self._size // 2**20):
                file.write(bytes(2**20))
            file.seek(0)
            self._store.put_file("large", file)
        assert self._store.head("large").size == self._size

    def put_file_if_absent(self) -> None:
        self._store.delete("large")
        self._store.put_file("large", Source(self._size), if_absent=True)
        self.get_file()

    def open_writer(self) -> None:
        self._store.delete("large")
        with self._store.open_writer("large", if_absent=True) as writer:
            source = Source(self._size)
            while piece := source.read(_READ_BYTES):
                writer.write(piece)
        self.get_file()

    def _drain(self, file: io.IOBase) -> None:
        target = Target()
        target.drain(file)
        self._check(target)

    def _check(self, target: Target) -> None:
        assert target.size == self._size
        assert target.hash.digest() == self._expected.hash.digest()


def main(url: str, mib: str) -> None:
    """Do all of it, and print."""
    with get_store_from_url(url) as store:
        store.put("small", b"value")
        store.get("small")
        uses = Uses(store, int(mib) * 2**20)
        before = _peak()
        calls: list[Callable[[], None]] = [
            uses.put_file,
            uses.get_file,
            uses.open,
            uses.stream,
            uses.put_file_that_seeks,
            uses.put_file_if_absent,
            uses.open_writer,
        ]
        for call in calls:
            call()
            print(call.__name__, _peak() - before)


if __name__ == "__main__":
    main(*sys.argv[1:])
