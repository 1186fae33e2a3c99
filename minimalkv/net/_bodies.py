"""The body of an answer: all of it, and as it was stored, or an error."""

import io
from base64 import b64encode
from collections.abc import Callable
from hashlib import md5
from typing import Any, BinaryIO, Final, NoReturn, Protocol, cast

from minimalkv._streams import write_all
from minimalkv.net._asked import Broken

_BUFFER_BYTES: Final = 64 * 1024
_CHUNK_BYTES: Final = 1024 * 1024


class Sum(Protocol):
    """A checksum that grows with the bytes."""

    name: str

    def update(self, data: bytes) -> None:
        """Take more bytes."""

    @property
    def text(self) -> str:
        """The checksum in Base64."""


class MD5:
    """A checksum that services know from a time when it was good for more."""

    name = "MD5"

    def __init__(self, data: bytes = b"") -> None:
        self._hash = md5(data, usedforsecurity=False)

    def update(self, data: bytes) -> None:
        self._hash.update(data)

    @property
    def text(self) -> str:
        return b64encode(self._hash.digest()).decode()


class Verifier:
    """Compares a value, while it arrives, with its length and its checksum.

    Parameters
    ----------
    length : int or None
        How many bytes are to come; None where the transport knows their end.
    checksum : Sum or None
        What computes the checksum, where it is known.
    expected : str or None
        The checksum in Base64.
    """

    def __init__(
        self,
        length: int | None,
        checksum: Sum | None = None,
        expected: str | None = None,
    ) -> None:
        self._left = length
        self._sum = checksum
        self._expected = expected

    def take(self, data: bytes) -> bytes:
        """Take what came next; nothing at the end.

        Raises
        ------
        Broken
            If it is the end and something is missing, or other than it should be.
        """
        is_end = not data
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0 or (self._left and is_end):
                raise Broken("broke off within its answer")
            is_end = not self._left
        if self._sum is not None:
            self._sum.update(data)
            if is_end and self._sum.text != self._expected:
                raise Broken(f"sent what does not match its {self._sum.name}")
        return data

    def take_all(self, data: bytes) -> bytes:
        """Take a whole value; raises as `take` does."""
        if data:
            self.take(data)
        self.take(b"")
        return data


class BodyReader(io.RawIOBase):
    """The body of an answer as a file to read forwards, once.

    Parameters
    ----------
    body : object
        What has ``read`` and ``close``, and gives the bytes as they were sent.
    verifier : Verifier
        Checks them.
    failures : tuple of type
        Everything that reading raises on purpose.
    fail : callable
        Gets one of them, and raises ours.
    """

    def __init__(
        self,
        body: Any,
        verifier: Verifier,
        failures: tuple[type[Exception], ...],
        fail: Callable[[Exception], NoReturn],
    ) -> None:
        self._body = body
        self._verifier = verifier
        self._failures = failures
        self._fail = fail

    def readable(self) -> bool:
        return True

    def read_chunk(self, size: int | None) -> bytes:
        """Read as many bytes, or all that are left; fewer at the end only."""
        self._checkClosed()
        try:
            data: bytes = self._body.read(size)
            return self._verifier.take(data) if data or size != 0 else data
        except self._failures as error:
            failure = error
        # It raises; not within the clause, since what an SDK raised may show a token.
        return self._fail(failure)

    def check(self, data: bytes) -> bytes:
        """Take what comes next of the value and came by another answer; or its end.

        Raises
        ------
        StoreUnavailable
            If it is not what this answer says of the value.
        """
        try:
            return self._verifier.take(data)
        except self._failures as error:
            failure = error
        return self._fail(failure)

    def readinto(self, buffer: Any, /) -> int:
        data = self.read_chunk(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        data = self.read_chunk(None)
        if data:
            self.read_chunk(None)
        return data

    def write_to(self, write: Callable[[Any], int | None]) -> None:
        """Hand all that is left to a function that may take a part of it at a time."""
        while data := self.read_chunk(_CHUNK_BYTES):
            write_all(write, data)

    def close(self) -> None:
        if not self.closed:
            self._body.close()
        super().close()


def buffered(body: BodyReader) -> BinaryIO:
    """Return a body as a file that is read in pieces of any size."""
    return cast("BinaryIO", io.BufferedReader(body, _BUFFER_BYTES))
