"""Listings, which come page by page."""

from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, TypeVar

from minimalkv._errors import StoreUnavailable

FoundT = TypeVar("FoundT")


class Page(NamedTuple, Generic[FoundT]):
    """A page of a listing.

    Attributes
    ----------
    objects : list of tuple
        Names, each with what the listing says about the object.
    folders : list of str
        What names begin with, up to and with a slash, where they were cut there.
    token : str or None
        With what to ask for the next page; None or empty if this is the last.
    """

    objects: list[tuple[str, FoundT]]
    folders: list[str]
    token: str | None


def pages(ask: Callable[[str], Page[FoundT]]) -> Iterator[Page[FoundT]]:
    """Yield the pages of a listing, each when it is asked for.

    Parameters
    ----------
    ask : callable
        Gets the token of a page, empty for the first, and returns the page.

    Raises
    ------
    StoreUnavailable
        If a page names itself as the next, so that there would be no end.
    """
    token: str | None = ""
    while token is not None:
        page = ask(token)
        yield page
        if page.token and page.token == token:
            raise StoreUnavailable("The server sent a page of a listing twice.")
        token = page.token or None


def may_be_prefix(prefix: str) -> bool:
    """Tell whether there may be keys that begin so; most texts no server lists by."""
    # The keys of version 1 could end with a newline.
    text = prefix.removesuffix("\n")
    return text.isascii() and text.isprintable() and ";" not in text
