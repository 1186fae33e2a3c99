"""Links to files, signed here where the store signs none, that end after a time."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from minimalkv import _clock
from minimalkv._errors import InvalidToken, Unsupported
from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import guess_content_type
from minimalkv._signing import Seals
from minimalkv.files import shown_filename
from minimalkv.http import check_public_key, is_safe_inline

EXPIRES_SECS: Final = 3600
# A link stays the same for this part of its life, so that browsers can cache what it
# leads to; it lives that much longer at most.
_STEPS: Final = 4


class Link(NamedTuple):
    """What a link of ours says.

    Attributes
    ----------
    store : str
        The alias of the store.
    key : str
        The key of the file.
    name : str or None
        What it is called when it is saved.
    as_attachment : bool or None
        Whether it is saved rather than shown; None leaves that to its type.
    until : float
        When the link ends, in seconds since 1970.
    """

    store: str
    key: str
    name: str | None
    as_attachment: bool | None
    until: float


def link_to(
    store: KeyValueStore,
    alias: str,
    key: str,
    seals: Seals,
    route: Callable[[str, str], str],
    *,
    expires: float = EXPIRES_SECS,
    download_name: str | None = None,
    as_attachment: bool | None = None,
    presigned: bool = True,
) -> str:
    """Return a URL under which whoever has it gets a file, for a time.

    Parameters
    ----------
    store : KeyValueStore
        Where the file is.
    alias : str
        The name under which our route finds the store again.
    key : str
        The key of the file; it need not be there.
    seals : Seals
        Signs.
    route : callable
        Returns the URL of ours for a token and a filename; it quotes the latter.
    expires : float
        Seconds that it is of use at least; up to a quarter longer, so that the same
        link is given for a while and browsers can cache what it leads to.
    download_name : str or None
        What a browser saves the file as.
    as_attachment : bool or None
        Whether it is saved rather than shown. None: what is safe to show is shown.
    presigned : bool
        Whether the store may sign the URL, if it can, so that the bytes do not pass
        through the application.

    Raises
    ------
    InvalidKey, InvalidArgument, KeyNotFound
        If the key cannot be that of a file, or `expires` is not more than 0.
    """
    check_public_key(key)
    name = shown_filename(download_name or key) or "file"
    if presigned:
        try:
            return _presigned(store, key, name, expires, as_attachment)
        except Unsupported:
            pass
    until = _rounded(_clock.now() + expires, expires)
    facts: dict[str, Any] = {"s": alias, "k": key}
    facts |= {"n": download_name} if download_name else {}
    facts |= {} if as_attachment is None else {"a": as_attachment}
    return route(seals.sign(facts, until), name)


def read_link(token: str, seals: Seals) -> Link:
    """Return what a token says that `link_to` made.

    Raises
    ------
    InvalidToken
        If it was not signed here, was altered, or is too old.
    """
    now = _clock.now()
    facts = seals.read(token, now)
    if facts is None:
        raise InvalidToken("This link is not valid, or its time is over.")
    return Link(facts["s"], facts["k"], facts.get("n"), facts.get("a"), facts["until"])


def _presigned(
    store: KeyValueStore,
    key: str,
    name: str,
    expires: float,
    as_attachment: bool | None,
) -> str:
    is_shown = not as_attachment and is_safe_inline(guess_content_type(key))
    given = {} if is_shown else {"download_name": name}
    return store.url_for(key, expires=expires, **given)


def _rounded(until: float, expires: float) -> float:
    step = max(expires / _STEPS, 1)
    return -(-until // step) * step
