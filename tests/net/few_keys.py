"""A few of the nasty keys, one of each idea, for wrappers of stores far away.

A wrapper changes keys or forgets to: what a key may be is asked of the bare stores,
with all of `NASTY_KEYS`.
"""

from typing import Final

_PATHS: Final = (".", "..", "../x", "a/../b", "%2e%2e/x", "/", "/x", "x/", "y//z")
_SIGNS: Final = ("q\\r", "%zz", "%00", "a%20b", "a+b", "h[ae]llo")
_MEANT: Final = ("e?f#g", "a&amp;b", '"', ";locks", "mkv-ping")
_HIDDEN: Final = ("", " u", "u ", "u v", "w/ ", "\0", "x\n", "\u200b")
_UNICODE: Final = ("\u00e4", "a\u0308", "\uff0e\uff0e", "\U0001f600", "\ud800")
_CASES: Final = ("K", "k", "k.", "m:n")
_LONG: Final = (
    *("n" * length for length in (250, 251)),
    "\u00e4" * 42,  # encoded, longer than any segment
    f"{'p' * 249}/p",
    f"r/{'r' * 251}",
    "/".join(["s" * 203] * 5)[:1018] + "/" + "s" * 5,
    "/".join(["t" * 203] * 5)[:1018] + "/" + "t" * 6,
)

FEW_KEYS: Final = (
    *_PATHS,
    *_SIGNS,
    *_MEANT,
    *_HIDDEN,
    *_UNICODE,
    *_CASES,
    *_LONG,
)
"""Texts that somebody might try as a key: fewer than 50, each once."""
