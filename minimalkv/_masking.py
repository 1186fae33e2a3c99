"""URLs that can be printed: whatever may be a secret in them is ``***``."""

import re
from typing import Final
from urllib.parse import quote, unquote

from minimalkv._errors import InvalidURL
from minimalkv._options import (
    KNOWN_OPTIONS,
    find_option,
    holds_secret,
    is_plain,
    is_sensitive,
)
from minimalkv._url_text import CONTROL

LOCAL_SCHEMES: Final = frozenset(
    ("memory", "hmemory", "fs", "hfs", "file", "hfile", "filesystem")
)
"""Schemes without host, user and password, where ``@`` and ``:`` belong to a path."""

MIGRATE: Final = "migrate"
"""The wrapper whose argument is the URL of another store."""

_MASK = "***"
_WRAPPER = r"[A-Za-z_]\w*(?:\([^()@:]*\))?"
SCHEME: Final = re.compile(rf"([A-Za-z][\w.-]*)((?:\+{_WRAPPER})*)", re.ASCII)
"""What stands before ``://``: a scheme and its wrappers."""
FRAGMENT: Final = re.compile(rf"wrap:({_WRAPPER}(?:\+{_WRAPPER})*)", re.ASCII)
"""What may stand behind ``#``."""

_ARGUMENTS = re.compile(r"(\w+)\(([^()]*)\)")
_NAME = re.compile(r"\w{1,40}")
_HOST = r"([$\w.-]{0,255}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?"
_HOSTS = re.compile(rf"{_HOST}(,{_HOST})*")
_USERINFO = re.compile(r"[^/?#]*:.*@", re.DOTALL)


class StoreURL(str):
    """A store URL that prints without its secrets and works like the text it is.

    It equals, hashes and compares as the whole text, and everything that takes a URL
    takes it. ``repr()``, ``str()``, f-strings and ``%s`` give `mask` of it. Text built
    by other means, such as ``+``, slices, ``join`` and `json.dumps`, is the whole one.

    Parameters
    ----------
    url : str
        Any text; it is checked only when a store is made of it.

    Raises
    ------
    InvalidURL
        If it is no text.

    Examples
    --------
    >>> StoreURL("redis://user:pw@localhost/0?timeout=2")
    StoreURL('redis://***@localhost/0?timeout=2')
    >>> StoreURL("hfs://./data") == "hfs://./data"
    True
    """

    __slots__ = ()

    def __new__(cls, url: str) -> "StoreURL":
        return super().__new__(cls, plain_text(url))

    def reveal(self) -> str:
        """Return the whole text, secrets included."""
        return plain_text(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({mask(self)!r})"

    def __str__(self) -> str:
        return mask(self)

    def __format__(self, format_spec: str) -> str:
        return format(mask(self), format_spec)

    def __reduce__(self) -> tuple[type["StoreURL"], tuple[str]]:
        return type(self), (self.reveal(),)


def plain_text(url: object) -> str:
    """Return the whole text of a URL, also of a `StoreURL`.

    Raises
    ------
    InvalidURL
        If it is no text; the message names its type.
    """
    if isinstance(url, str):
        return str.__str__(url)
    raise InvalidURL(
        f"A store URL is text such as 'hfs://./data', not {type(url).__name__}."
    )


def mask(url: str) -> str:
    """Return a URL with ``***`` for everything in it that may be a secret.

    Hidden are the user name and password, the values of options that hold secrets or
    that no built-in store knows, a port that is no number, and all of a text that is
    too broken to tell where a secret ends. The same in a URL that is the argument of a
    wrapper.

    Parameters
    ----------
    url : str
        Any text at all.

    Returns
    -------
    str
        One line, for logs and messages.

    Raises
    ------
    InvalidURL
        If it is no text.
    """
    text = plain_text(url)
    scheme, mark, rest = text.partition("://")
    match = SCHEME.fullmatch(scheme)
    if not mark or match is None:
        return _MASK
    scheme = mask_wrappers(scheme)
    if CONTROL.search(rest):
        return f"{scheme}://{_MASK}"
    if match[1].lower() in LOCAL_SCHEMES and not _USERINFO.match(rest):
        return f"{scheme}://{_mask_tail(rest)}"
    return f"{scheme}://{_mask_network(rest)}"


def mask_wrappers(text: str) -> str:
    """Return the names and arguments of wrappers, with every URL in them masked."""
    return _ARGUMENTS.sub(_mask_argument, text)


def _mask_argument(match: re.Match[str]) -> str:
    name, inside = match.groups()
    argument = unquote(inside)
    if name.lower() != MIGRATE and "://" not in argument:
        return match[0]
    return f"{name}({quote(mask(argument), safe='*')})"


def _mask_network(rest: str) -> str:
    head, at, tail = rest.rpartition("@")
    if at:
        # With a raw ? or # in front of it, this @ may be in the middle of a secret.
        broken = "?" in head or "#" in head
        return _MASK if broken else f"{_MASK}@{_mask_tail(tail)}"
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    return _mask_tail(rest) if _HOSTS.fullmatch(authority) else _MASK


def _mask_tail(tail: str) -> str:
    body, hash_mark, fragment = tail.partition("#")
    path, question, query = body.partition("?")
    wraps = mask_wrappers(fragment) if FRAGMENT.fullmatch(fragment) else _MASK
    return path + question + _mask_query(query) + (hash_mark and hash_mark + wraps)


def _mask_query(query: str) -> str:
    shown: list[str] = []
    after_secret = False
    for pair in query.split("&"):
        name = pair.partition("=")[0]
        # Behind a secret, what nobody knows is its rest after a raw ampersand.
        if not after_secret or find_option(KNOWN_OPTIONS, name):
            shown.append(_mask_pair(pair))
        after_secret = after_secret or holds_secret(name)
    return "&".join(shown)


def _mask_pair(pair: str) -> str:
    name, equals, value = pair.partition("=")
    is_known = find_option(KNOWN_OPTIONS, name) and not is_sensitive(name)
    if is_known and is_plain(value):
        return pair
    shown_name = name if _NAME.fullmatch(name) else name and _MASK
    return shown_name + (equals and f"={_MASK}")
