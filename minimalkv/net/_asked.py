"""A request that failed, and what there is to say about it on every service."""

from typing import Final, Generic, NamedTuple, TypeVar

from minimalkv._conditions import changed, exists
from minimalkv._errors import (
    KeyNotFound,
    MinimalkvError,
    StoreError,
    StoreUnavailable,
)
from minimalkv.net._causes import is_of_system

OperationT = TypeVar("OperationT")

BUSY_STATUS: Final = frozenset((408, 429, 500, 502, 503, 504))
"""What a server answers that may have time a moment later."""


class OutOfRange(StoreError):
    """The value has no byte where one was asked for."""


class Broken(Exception):
    """An answer of which a part is missing, or that is not what was asked for.

    Parameters
    ----------
    text : str
        What the server did, to follow its name.
    """


class Asked(NamedTuple, Generic[OperationT]):
    """A request, as far as its errors tell about it.

    Attributes
    ----------
    operation : object
        What it does.
    place : str
        What it is sent to, such as ``bucket 'photos'``.
    server : str
        Who answers.
    key : str or None
        The key that it is about.
    condition : str
        ``absent`` or ``match`` for one with a condition, else empty.
    writes : bool
        Whether it changes anything.
    """

    operation: OperationT
    place: str
    server: str
    key: str | None
    condition: str
    writes: bool

    @property
    def subject(self) -> str:
        """What it was about, for a message."""
        place = f"the {self.place}"
        return place if self.key is None else f"{self.key!r} in {place}"

    @property
    def is_conditional_write(self) -> bool:
        """Whether it must not be sent twice."""
        return self.writes and bool(self.condition)


def outcome(asked: Asked[OperationT], *, sent: bool = True) -> str:
    """Say what is known about a write that went wrong."""
    if not asked.writes:
        return ""
    return " It may have happened." if sent else " Nothing was written."


def lost(asked: Asked[OperationT]) -> MinimalkvError:
    """Make the error of a condition that was not met."""
    key = asked.key or ""
    return exists(key) if asked.condition == "absent" else changed(key)


def missing(asked: Asked[OperationT]) -> MinimalkvError:
    """Make the error of a key without a value."""
    key = asked.key or ""
    return changed(key) if asked.condition == "match" else KeyNotFound(key)


def out_of_range(asked: Asked[OperationT]) -> OutOfRange:
    """Make the error of a range that begins behind the last byte."""
    return OutOfRange(f"{asked.subject} is shorter than the range asked for.")


def missing_place(asked: Asked[OperationT]) -> StoreError:
    """Make the error of a bucket that is not there."""
    return StoreError(
        f"The {asked.place} does not exist at {asked.server}. Create it, or let "
        "create_if_missing be true."
    )


def missing_something(asked: Asked[OperationT], detail: str = "") -> StoreUnavailable:
    """Make the error of a 404 that does not say whether a key or a bucket is missing.

    It was cut short, or whoever answers is not who was meant.
    """
    told = f" ({detail})" if detail else ""
    return StoreUnavailable(
        f"{asked.server} answered 404 without saying what is missing: {asked.subject}"
        f"{told}.{outcome(asked)}"
    )


def overloaded(asked: Asked[OperationT], detail: object) -> StoreUnavailable:
    """Make the error of a server that has no time, or is broken."""
    return StoreUnavailable(
        f"{asked.server} is overloaded or failed ({detail}): {asked.subject}."
        f"{outcome(asked)}"
    )


def unreachable(
    asked: Asked[OperationT], reason: str, error: BaseException, *, sent: bool = True
) -> StoreUnavailable:
    """Make the error of a request that got no answer, or not all of one.

    Parameters
    ----------
    reason : str
        What the server did, to follow its name.
    error : BaseException
        What the SDK raised. Its type is told, and its text if it is the system's.
    sent : bool
        Whether the request may have arrived.
    """
    told = f": {error}" if is_of_system(error) else ""
    detail = "" if isinstance(error, Broken) else f" ({type(error).__name__}{told})"
    return StoreUnavailable(
        f"{asked.server} {reason}: {asked.subject}{detail}.{outcome(asked, sent=sent)}"
    )
