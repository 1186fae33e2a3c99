"""What files hold: how it is compared, and where it is until it is uploaded."""

from collections.abc import Iterable, Iterator
from hashlib import md5
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, Final, NamedTuple, TypeAlias

from django.core.files import File

from minimalkv._streams import chunks

AnyFile: TypeAlias = "File[Any]"

LARGEST_BYTES: Final = 4 * 2**20
"""What is larger is not taken into memory, but streamed, one at a time."""

_MOST_HELD_BYTES: Final = 32 * 2**20


class Facts(NamedTuple):
    """What contents are compared by: the size in bytes, and the MD5 if it is known."""

    size: int
    md5: str | None


def look_at(content: AnyFile) -> tuple[Facts, bytes | None]:
    """Read a file that seeks from its start to its end, and go back to the start.

    Returns
    -------
    tuple of Facts and bytes or None
        The facts, and the content unless it is larger than `LARGEST_BYTES`.
    """
    parts: list[bytes] = []

    def read() -> Iterator[bytes]:
        size = 0
        for chunk in content.chunks():
            part = chunk.encode() if isinstance(chunk, str) else chunk
            size += len(part)
            if size <= LARGEST_BYTES:
                parts.append(part)
            yield part

    facts = _facts(read())
    content.seek(0)
    return facts, b"".join(parts) if facts.size <= LARGEST_BYTES else None


def facts_of(value: BinaryIO) -> Facts:
    """Return the facts about what a file has left to read."""
    return _facts(chunks(value))


def facts_of_bytes(data: bytes) -> Facts:
    """Return the facts about a content."""
    return _facts((data,))


def _facts(parts: Iterable[bytes]) -> Facts:
    digest = md5(usedforsecurity=False)
    size = 0
    for part in parts:
        digest.update(part)
        size += len(part)
    return Facts(size, digest.hexdigest())


class Held:
    """Contents that may change again before they are uploaded, by name.

    A stylesheet gets another content, and so another name, whenever the name of what it
    refers to becomes known. From 32 MiB on, they are in an unnamed temporary file.
    """

    def __init__(self) -> None:
        self._file: Any = None
        self._places: dict[str, tuple[int, Facts]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def put(self, name: str, data: bytes, facts: Facts) -> None:
        """Hold a content; the same one again takes no more room."""
        known = self._places.get(name)
        if known is not None and known[1] == facts:
            return
        if self._file is None:
            self._file = SpooledTemporaryFile(_MOST_HELD_BYTES)  # noqa: SIM115 - until clear()
        self._places[name] = self._file.seek(0, 2), facts
        self._file.write(data)

    def get(self, name: str) -> bytes:
        """Return a content that is held."""
        start, facts = self._places[name]
        self._file.seek(start)
        data: bytes = self._file.read(facts.size)
        return data

    def discard(self, name: str) -> None:
        """Forget a content, if it is held."""
        self._places.pop(name, None)

    def clear(self) -> None:
        """Forget everything."""
        self._places.clear()
        if self._file is not None:
            self._file.close()
            self._file = None
