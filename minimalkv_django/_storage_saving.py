"""The attempt to save a file under a name that nobody else has."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, NamedTuple


class Attempt(NamedTuple):
    """The saving of one file.

    Attributes
    ----------
    storage : object
        By whom.
    max_length : int or None
        Longest name, in characters.
    taken : set of str
        The names that other files are known to have.
    """

    storage: object
    max_length: int | None
    taken: set[str]


_current: Final[ContextVar[Attempt | None]] = ContextVar("attempt", default=None)
_answer: Final[ContextVar[AbstractSet[str] | None]] = ContextVar("answer", default=None)


def current_attempt(storage: object) -> Attempt | None:
    """Return what a storage is saving at the moment."""
    attempt = _current.get()
    return attempt if attempt is not None and attempt.storage is storage else None


@contextmanager
def attempting(storage: object, max_length: int | None) -> Iterator[Attempt]:
    """Let `current_attempt` return a new one within a block."""
    attempt = Attempt(storage, max_length, set())
    token = _current.set(attempt)
    try:
        yield attempt
    finally:
        _current.reset(token)


def known_names() -> AbstractSet[str] | None:
    """Return the names that are to count for taken, all others being free, if any."""
    return _answer.get()


@contextmanager
def taking_for_taken(names: AbstractSet[str]) -> Iterator[None]:
    """Let `known_names` return names within a block.

    Django asks whether a file exists before it saves one. In between another may be
    saved, so the answer is of no use where the store itself refuses to overwrite, and
    the request is saved.
    """
    token = _answer.set(names)
    try:
        yield
    finally:
        _answer.reset(token)
