"""What is to be saved: read in pieces, and again if the name was taken."""

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final, Protocol, cast

from minimalkv import KeyValueStore
from minimalkv._http.types import UNKNOWN, is_safe_inline, media_type
from minimalkv._meta import guess_content_type
from minimalkv._streams import ChunkReader

LARGE_BYTES: Final = 4 * 1024 * 1024
"""What is larger takes S3 more than one request."""

_HELD_BYTES: Final = 1024 * 1024


class Movable(Protocol):
    """A file that is in a store already, such as one that was uploaded into it."""

    def move_to(self, store: KeyValueStore, key: str) -> bool:
        """Become the value of a key; False, and nothing else, if it has to be read."""


def movable_in(file: Any) -> Movable | None:
    """Return what can be moved of a file, which the file of a model wraps."""
    # Not its attributes: some of them open it.
    inner = getattr(file, "__dict__", {})
    for found in (file, inner.get("_file"), inner.get("file")):
        if hasattr(found, "move_to"):
            return cast("Movable", found)
    return None


class Content:
    """A file of Django as the bytes that it has from its beginning.

    What cannot go back to its beginning is held in memory if it is at most 1 MiB.

    Parameters
    ----------
    file : File
        With ``chunks()`` of bytes or text; it is not closed.

    Attributes
    ----------
    can_repeat : bool
        Whether it can be opened more than once.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._held: list[bytes] | None = None
        self._rest: Iterator[bytes] = iter(())
        self.can_repeat = _goes_back(file)
        if not self.can_repeat:
            self._hold()

    def _hold(self) -> None:
        self._held = []
        self._rest = self._chunks()
        held_bytes = 0
        for chunk in self._rest:
            self._held.append(chunk)
            held_bytes += len(chunk)
            if held_bytes > _HELD_BYTES:
                return
        self.can_repeat = True

    def _chunks(self) -> Iterator[bytes]:
        for chunk in self._file.chunks():
            yield chunk.encode() if isinstance(chunk, str) else chunk

    @property
    def is_large(self) -> bool:
        """Whether it is so large that it should not be sent in vain."""
        size = getattr(self._file, "size", None)
        return isinstance(size, int) and size > LARGE_BYTES

    def open(self) -> ChunkReader:
        """Return a source of all its bytes; where not `can_repeat`, once."""
        if self._held is None:
            return ChunkReader(self._chunks())
        return ChunkReader(chain(self._held, self._rest))

    def content_type(self, name: str) -> str:
        """Return the type that came with it, else the one that a name stands for.

        What came with it is what a sender says. That cannot make a page with scripts of
        a name that browsers show, such as that of an image.
        """
        given = media_type(str(getattr(self._file, "content_type", "")))
        usual = guess_content_type(name)
        is_better = given != UNKNOWN and (
            is_safe_inline(given) or not is_safe_inline(usual)
        )
        return given if is_better else usual


def _goes_back(file: Any) -> bool:
    try:
        file.seek(0)
    except (AttributeError, OSError):
        return False
    return True
