"""Writes to Redis that count only when replicas have them, too."""

from typing import Any, NamedTuple, Self

from redis.exceptions import ResponseError

from minimalkv.memory._redis_link import (
    Reader,
    TooFewReplicas,
    Unsure,
    read_one,
    read_or_error,
)
from minimalkv.memory._redis_wire import pack

# The server has to answer before its silence is too long, also if replicas do not.
_SHARE_OF_TIMEOUT = 0.8


class Wait(NamedTuple):
    """For how many replicas a write waits, and for how long.

    Attributes
    ----------
    replicas : int
        At least 1.
    milliseconds : int
        At least 1, since 0 would be for ever.
    """

    replicas: int
    milliseconds: int

    @classmethod
    def within(cls, replicas: int, timeout: float) -> Self:
        """Return what fits into the timeout of a store, in seconds."""
        return cls(replicas, max(int(timeout * _SHARE_OF_TIMEOUT * 1000), 1))

    def after(self, pieces: list[bytes], read: Reader) -> tuple[list[bytes], Reader]:
        """Return a message of writes, and its reader, with WAIT at its end.

        WAIT is about what its own connection has written, and goes with that: so there
        is one round trip, whether of one write or of many.
        """
        wait = pack(b"WAIT", b"%d" % self.replicas, b"%d" % self.milliseconds)
        return [*pieces, *wait], self._reader(read)

    def _reader(self, read: Reader) -> Reader:
        def read_both(connection: Any) -> Any:
            try:
                answer = read(connection)
            except ResponseError:
                read_or_error(connection)
                raise
            try:
                count = read_one(connection)
            except ResponseError as error:
                # The write before it was done.
                raise Unsure(error) from error
            return answer if count >= self.replicas else self._refused(answer, count)

        return read_both

    def _refused(self, answer: Any, count: int) -> Any:
        error = TooFewReplicas(count, self.replicas)
        if isinstance(answer, list):
            return [error if _has_changed(one) else one for one in answer]
        if _has_changed(answer):
            raise error
        return answer


def _has_changed(answer: object) -> bool:
    """Tell whether a write did something: what was not to be done has none to lose."""
    return answer not in (None, 0) and not isinstance(answer, Exception)
