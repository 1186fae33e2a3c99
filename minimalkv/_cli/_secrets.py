"""What was typed and may be secret, to keep it out of messages; needs no click."""

from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Final

from minimalkv._masking import mask

_typed: Final[ContextVar[frozenset[str]]] = ContextVar("typed", default=frozenset())


def remember(arguments: Iterable[str]) -> None:
    """Forget the URLs of the last command and know those of this one, to mask them."""
    parts = {part for text in arguments for part in _parts(text)}
    _typed.set(frozenset(part for part in parts if _may_hold_secret(part)))


def _parts(text: str) -> Iterator[str]:
    """Yield an argument, and what may be the value of an option in it."""
    yield text
    yield text.partition("=")[2]
    if text.startswith("-"):
        yield text[2:]  # as in -j8


def hide(url: str) -> None:
    """Mask a text, too, that did not stand among the arguments."""
    _typed.set(_typed.get() | {url})


def _may_hold_secret(text: str) -> bool:
    return "://" in text or (":" in text and "@" in text)


def without_secrets(message: str) -> str:
    """Mask what was typed in a message, as it is and as Python quotes it."""
    for url in sorted(_typed.get(), key=len, reverse=True):
        for shown in (url, repr(url)[1:-1]):
            message = message.replace(shown, mask(url))
    return message
