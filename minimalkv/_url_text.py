"""The letters of a URL: percent-encoding, what may not be in it, words for errors."""

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Final
from urllib.parse import unquote

from minimalkv._errors import InvalidURL

CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters, line ends and lone surrogates: nowhere in a URL as such."""

_BAD_PERCENT = re.compile("%(?![0-9A-Fa-f]{2}).{0,2}")
_LONGEST_SHOWN = 60


def percent_decode(text: str, part: str, *, secret: bool = True) -> str:
    """Return the text that ``%XX`` stands for; ``+`` stays a plus sign.

    Parameters
    ----------
    text : str
        A part of a URL, already cut at its delimiters.
    part : str
        What the part is, for the message.
    secret : bool
        Whether the message has to keep quiet about the text.

    Raises
    ------
    InvalidURL
        If a percent sign has no two hex digits behind it, or the bytes are not UTF-8.
    """
    bad = _BAD_PERCENT.search(text)
    if bad is None:
        # The error of the codec carries the bytes, so it may not become a context.
        with suppress(UnicodeDecodeError):
            return unquote(text, errors="strict")
    found = "A sequence" if secret else show(bad[0] if bad else text)
    raise InvalidURL(
        f"{found} in the {part} is not percent-encoded UTF-8. "
        "Write a percent sign itself as %25."
    )


def show(value: object) -> str:
    """Return the repr of a value that is no secret, cut where it gets long."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """Return the sentences that help somebody who mistyped a name."""
    from difflib import get_close_matches  # only for errors; costs an import

    names = sorted(known)
    close = get_close_matches(name.lower(), names, n=1)
    question = f" Did you mean {close[0]!r}?" if close else ""
    return f"Unknown {kind} {show(name)}.{question} Known: {', '.join(names)}."
