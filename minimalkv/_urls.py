"""Store URLs: text -> `ParsedURL` -> typed parameters."""

import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple, TypeAlias

from minimalkv._errors import InvalidURL
from minimalkv._masking import (
    FRAGMENT,
    LOCAL_SCHEMES,
    SCHEME,
    StoreURL,
    mask,
    plain_text,
)
from minimalkv._options import KNOWN_OPTIONS, UNIVERSAL, check_names, find_option
from minimalkv._registry import find
from minimalkv._schemes import Params, typed_params
from minimalkv._store_decoration import read_wrapper, split_wrappers
from minimalkv._url_text import CONTROL, percent_decode, show

__all__ = ["ParsedURL", "StoreURL", "mask", "parse_url", "url2dict"]

Host: TypeAlias = tuple[str, int | None]

_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[^:\[\]]*)(:[^:]*)?")
_PORT = re.compile(r":[0-9]{1,5}")
_GENERIC = ("username", "password", "host", "port", "path")
_UPSTREAM_LISTS: Final = ("max_block_size", "max_single_put_size", "socket_timeout")


class ParsedURL(NamedTuple):
    """The parts of a store URL, percent-decoded; prints masked.

    Attributes
    ----------
    url : StoreURL
        The whole.
    scheme : str
        In lower case, without wrappers.
    wrappers : tuple of str
        Such as ``"readonly"`` and ``"prefix(a%2Fb)"``, the innermost first.
    username, password : str or None
        What stands before and behind the first ``:`` of the user information.
    hosts : tuple of (str, int or None)
        Each with its port. On memory and filesystem URLs there is none.
    path : str
        From the first ``/`` on. On filesystem URLs all of the folder.
    pairs : tuple of (str, str)
        The options, in their order; a bare name has an empty value.
    """

    url: StoreURL
    scheme: str
    wrappers: tuple[str, ...] = ()
    username: str | None = None
    password: str | None = None
    hosts: tuple[Host, ...] = ()
    path: str = ""
    pairs: tuple[tuple[str, str], ...] = ()

    @property
    def host(self) -> str:
        """The first host, in its own capitals; empty when there is none."""
        return self.hosts[0][0] if self.hosts else ""

    @property
    def port(self) -> int | None:
        """The port of the first host, 1 to 65535, when it has one."""
        return self.hosts[0][1] if self.hosts else None

    @property
    def options(self) -> dict[str, str]:
        """The options by name; of one that is given twice, the last counts."""
        return dict(self.pairs)

    def __repr__(self) -> str:
        return f"ParsedURL({mask(self.url)!r})"


def parse_url(url: str) -> ParsedURL:
    """Split a store URL at its delimiters and decode the parts.

    Parameters
    ----------
    url : str
        ``scheme[+wrapper…]://[user[:password]@][host[:port],…][/path]``, then
        ``[?name=value&…]`` and ``[#wrap:wrapper+…]``.

    Returns
    -------
    ParsedURL
        The parts. Whether the scheme exists and takes them is not checked.

    Raises
    ------
    InvalidURL
        If the text is no such URL. The message says what to write instead, and
        nothing that may be a secret.
    """
    text = _check_text(url)
    head, mark, rest = text.partition("://")
    if not mark:
        raise InvalidURL("A store URL has a scheme and '://', such as 'hfs://./data'.")
    scheme, wrappers = split_scheme(head)
    if scheme not in LOCAL_SCHEMES:
        _refuse_raw_at(text, rest)
    body, hash_mark, fragment = rest.partition("#")
    place, _, query = body.partition("?")
    if hash_mark:
        wrappers = choose_wrappers(wrappers, _read_fragment(fragment))
    parsed = ParsedURL(StoreURL(text), scheme, wrappers, pairs=_read_query(query))
    if scheme in LOCAL_SCHEMES:
        return parsed._replace(path=percent_decode(place, "path", secret=False))
    return _with_network(parsed, place)


def split_scheme(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the scheme of ``scheme+outer+inner`` and its wrappers, innermost first.

    Raises
    ------
    InvalidURL
        If the text is malformed or a wrapper unknown.
    """
    match = SCHEME.fullmatch(plain_text(text))
    if match is None:
        raise InvalidURL(
            "A scheme is letters, digits and '_.-', with wrappers behind plus signs, "
            "such as 'hfs' or 'redis+readonly+prefix(a-)'."
        )
    specs = split_wrappers(match[2].removeprefix("+")) if match[2] else []
    return match[1].lower(), check_wrappers(reversed(specs))


def check_wrappers(specs: Iterable[str]) -> tuple[str, ...]:
    """Return the wrappers as they are.

    Raises
    ------
    InvalidURL
        If one is unknown or has the wrong number of arguments.
    """
    wrappers = tuple(specs)
    for spec in wrappers:
        read_wrapper(spec)
    return wrappers


def choose_wrappers(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """Return the wrappers of the one place that has some.

    Raises
    ------
    InvalidURL
        If both have, since nobody could tell the order.
    """
    if first and second:
        raise InvalidURL(
            "Name wrappers behind the scheme or after '#wrap:', not in both places."
        )
    return first or second


def url_params(url: ParsedURL, *, strict: bool = True) -> Params:
    """Return the typed parameters that a URL gives to its store.

    Parameters
    ----------
    url : ParsedURL
        With a known scheme. A third party's gets its parts and options as text.
    strict : bool
        Whether to refuse unknown options instead of ignoring them.

    Raises
    ------
    InvalidURL
        If a part or an option is wrong for the scheme.
    """
    family = find(url.scheme).family
    known = {**UNIVERSAL, **(family.options if family else {})}
    if family is None:
        parts = {name: getattr(url, name) for name in _GENERIC}
        return {k: v for k, v in parts.items() if v not in (None, "")} | url.options
    if strict:
        check_names((name for name, _ in url.pairs), known)
    given = {k: v for k, v in url.options.items() if find_option(known, k)}
    return typed_params(family, {**family.read_url(url), **given})


def url2dict(url: str, raise_on_extra_params: bool = False) -> dict[str, Any]:
    """Return what `get_store` needs to open the store of a URL.

    Parameters
    ----------
    url : str
        As for `get_store_from_url`.
    raise_on_extra_params : bool
        Whether to refuse options that the scheme does not know, as
        `get_store_from_url` does, instead of ignoring them.

    Returns
    -------
    dict
        ``type`` is the scheme, ``wrap`` the wrappers if there are any, and
        ``create_if_missing`` is there when the URL has it. Sizes and
        ``socket_timeout`` are lists of one text, which `get_store` takes.

    Raises
    ------
    InvalidURL
        If the URL is wrong; `UnknownScheme` if nothing opens it.

    Examples
    --------
    >>> url2dict("redis://localhost:6379/2#wrap:readonly")
    {'type': 'redis', 'wrap': 'readonly', 'host': 'localhost', 'port': 6379, 'db': 2}
    """
    parsed = parse_url(url)
    params: dict[str, Any] = {"type": parsed.scheme}
    if parsed.wrappers:
        params["wrap"] = "+".join(parsed.wrappers)
    params |= url_params(parsed, strict=raise_on_extra_params)
    lists = (name for name in _UPSTREAM_LISTS if name in params)
    return params | {name: [parsed.options[name]] for name in lists}


def _check_text(url: str) -> str:
    text = plain_text(url)
    if not text:
        raise InvalidURL("The store URL is empty; write one such as 'hfs://./data'.")
    if text != text.strip():
        raise InvalidURL("The store URL begins or ends with white space: remove it.")
    if CONTROL.search(text):
        raise InvalidURL(
            "The store URL contains a control character, such as a line end or NUL: "
            "remove it, or percent-encode it in a password."
        )
    return text


def _refuse_raw_at(text: str, rest: str) -> None:
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    if rest.count("@") > 1 or ("@" in rest and "@" not in authority):
        raise InvalidURL(
            f"In '{mask(text)}' an @ stands where none can. Percent-encode credentials "
            "(/ as %2F, ? as %3F, # as %23, @ as %40), and an @ anywhere else."
        )


def _read_fragment(fragment: str) -> tuple[str, ...]:
    match = FRAGMENT.fullmatch(fragment)
    if match is None:
        raise InvalidURL(
            "Behind the # of a store URL stand wrappers, as in '#wrap:readonly+ttl'. "
            "Any other # is percent-encoded as %23."
        )
    return check_wrappers(split_wrappers(match[1]))


def _read_query(query: str) -> tuple[tuple[str, str], ...]:
    if "?" in query:
        raise InvalidURL(
            "Options follow one '?', with '&' between them; a '?' in a value is %3F."
        )
    pairs = []
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        name = percent_decode(name, "name of an option")
        # An unknown name may be the rest of a secret after a raw ampersand.
        which = repr(name) if find_option(KNOWN_OPTIONS, name) else "an option"
        pairs.append((name, percent_decode(value, f"value of {which}")))
    return tuple(pairs)


def _with_network(parsed: ParsedURL, place: str) -> ParsedURL:
    authority, slash, path = place.partition("/")
    userinfo, at, hosts = authority.rpartition("@")
    user, colon, password = userinfo.partition(":")
    part = "user or password"
    return parsed._replace(
        username=percent_decode(user, part) if at else None,
        password=percent_decode(password, part) if colon else None,
        hosts=tuple(_read_host(host, may_show=bool(at)) for host in hosts.split(",")),
        path=percent_decode(slash + path, "path"),
    )


def _read_host(text: str, *, may_show: bool) -> Host:
    """Without user information, what follows the colon may be a forgotten password."""
    match = _HOST_PORT.fullmatch(text)
    if match is None:
        raise InvalidURL(
            "A host has one colon at most, before its port; only an IPv6 address "
            "stands in brackets, as in 'redis://[::1]:6379'. Percent-encode a password."
        )
    host = percent_decode(match[1].strip("[]"), "host")
    if match[2] is None:
        return host, None
    port = int(match[2][1:]) if _PORT.fullmatch(match[2]) else 0
    if 0 < port < 2**16:
        return host, port
    shown = f", not {show(match[2][1:])}" if may_show else ""
    raise InvalidURL(
        f"A port is a number from 1 to 65535{shown}. A password stands before an @, "
        "as in 'redis://:password@host'."
    )
