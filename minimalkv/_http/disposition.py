"""The header that has a browser show a file or save it, and under which name."""

import re
from typing import Final, NamedTuple
from unicodedata import bidirectional, category
from urllib.parse import quote, unquote

from minimalkv._errors import InvalidArgument

INLINE: Final = "inline"
ATTACHMENT: Final = "attachment"

# File systems hold no longer names, and the header stays within the 4 KiB that a proxy
# has for all headers together.
_LONGEST_BYTES: Final = 255
_LONGEST_ENDING_BYTES: Final = 20
_NO_NAME: Final = "download"

# Characters that print nothing, end lines, or are halves of others.
_INVISIBLE: Final = frozenset(("Cc", "Cs", "Zl", "Zp"))
# With these, what ends in "exe" reads as if it ended in "gpj".
_TURNING: Final = frozenset(
    ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
)
_IN_PLAIN: Final = frozenset('"\\%')

_LONGEST_STORED: Final = 2000
_KIND: Final = re.compile(r"\s*([A-Za-z]+)\s*(?:;|$)")
_EXACT: Final = re.compile(r";\s*filename\*\s*=\s*UTF-8'[^']*'([^;\s]+)", re.I)
_PLAIN: Final = re.compile(
    r';\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))', re.I
)


def content_disposition(kind: str, name: str) -> str:
    """Return the value of a ``Content-Disposition`` header, as RFC 6266 has it.

    Parameters
    ----------
    kind : str
        ``inline`` to show the file, ``attachment`` to save it.
    name : str
        The filename to save it under; any text. Slashes, what cannot be printed and
        what turns the direction of reading become ``_``, and what is longer than 255
        bytes in UTF-8 is cut before its ending.

    Returns
    -------
    str
        Printable ASCII: the name plainly, and exactly in ``filename*``.

    Raises
    ------
    InvalidArgument
        If *kind* is another.
    """
    if kind not in (INLINE, ATTACHMENT):
        raise InvalidArgument(f"kind is 'inline' or 'attachment', not {kind!r}.")
    name = safe_name(name)
    plain = "".join(c if " " <= c <= "~" and c not in _IN_PLAIN else "_" for c in name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def safe_name(name: str) -> str:
    """Return a filename without what a browser, a shell or a reader would trip over."""
    clean = "".join(map(_harmless, name[: 4 * _LONGEST_BYTES])).strip(". ")
    return _shortened(clean) or _NO_NAME


def _harmless(character: str) -> str:
    if (
        character in "/\\"
        or category(character) in _INVISIBLE
        or bidirectional(character) in _TURNING
    ):
        return "_"
    return character


def _shortened(name: str) -> str:
    if len(name.encode()) <= _LONGEST_BYTES:
        return name
    stem, dot, ending = name.rpartition(".")
    tail = f"{dot}{ending}".encode()
    if len(tail) > _LONGEST_ENDING_BYTES:
        stem, tail = name, b""
    kept = stem.encode()[: _LONGEST_BYTES - len(tail)]
    return kept.decode("utf-8", "ignore") + tail.decode()


class Stored(NamedTuple):
    """What a header says that was stored with a value; None for what it does not."""

    kind: str | None = None
    name: str | None = None


def read_disposition(header: str | None) -> Stored:
    """Read a ``Content-Disposition`` that somebody stored; it may be anything."""
    if not header or len(header) > _LONGEST_STORED:
        return Stored()
    kind = _KIND.match(header)
    return Stored(kind[1].lower() if kind else None, _name_in(header))


def _name_in(header: str) -> str | None:
    if exact := _EXACT.search(header):
        return unquote(exact[1])
    if plain := _PLAIN.search(header):
        quoted, token = plain.groups()
        return token or re.sub(r"\\(.)", r"\1", quoted or "") or None
    return None
