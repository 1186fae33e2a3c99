"""What the headers of an answer say about a value."""

import re
from typing import Final, NamedTuple

from minimalkv._errors import InvalidArgument
from minimalkv._http.conditions import date_of, etag_of
from minimalkv._http.disposition import (
    ATTACHMENT,
    INLINE,
    content_disposition,
    read_disposition,
)
from minimalkv._http.types import PDF, is_safe_inline, media_type, served_type
from minimalkv._meta import ObjectMeta

Headers = list[tuple[str, str]]

# Whoever may see a file now need not be allowed to tomorrow: ask, and get a 304.
_ASK_AGAIN: Final = "no-cache"
_NO_SNIFFING: Final = ("X-Content-Type-Options", "nosniff")
# The pages that browsers make of an image, a film or a text use these, and nothing of
# what would let the file itself act.
_POLICY: Final = (
    "{}; default-src 'none'; img-src 'self' data:; media-src 'self'; "
    "style-src 'unsafe-inline'"
)
_SANDBOX: Final = _POLICY.format("sandbox")
# The page that Chromium makes of a film asks for it again, as the same origin or never.
_PLAYER: Final = _POLICY.format("sandbox allow-same-origin")
_ENCODING: Final = re.compile(r"[A-Za-z0-9-]{1,20}(?:, ?[A-Za-z0-9-]{1,20}){0,3}")
_CACHE_CONTROL: Final = re.compile(r"[\x20-\x7e]{1,500}")


class Wanted(NamedTuple):
    """What the application says about an answer; None leaves it to the value."""

    download_name: str | None = None
    as_attachment: bool | None = None
    content_type: str | None = None
    cache_control: str | None = None


class Shown(NamedTuple):
    """How a value is shown.

    Attributes
    ----------
    kind : str
        ``inline`` or ``attachment``.
    name : str
        The filename to save it under.
    content_type : str
        The header to send.
    """

    kind: str
    name: str
    content_type: str

    @property
    def disposition(self) -> str:
        """The header that says so."""
        return content_disposition(self.kind, self.name)

    def headers(self) -> Headers:
        """Return the headers that keep a browser to it."""
        headers = [
            ("Content-Type", self.content_type),
            ("Content-Disposition", self.disposition),
            _NO_SNIFFING,
        ]
        policy = self._policy()
        if policy:
            headers.append(("Content-Security-Policy", policy))
        return headers

    def _policy(self) -> str | None:
        name = media_type(self.content_type)
        # The viewers of PDF are programs of the browser, and do not start in a sandbox.
        if self.kind != INLINE or name == PDF:
            return None
        return _PLAYER if name.startswith(("audio/", "video/")) else _SANDBOX


def show(meta: ObjectMeta, wanted: Wanted) -> Shown:
    """Decide how a value is shown: inline only what cannot act in a browser."""
    content_type = meta.content_type
    if wanted.content_type is not None:
        content_type = wanted.content_type
    stored = read_disposition(_stored(meta, "Content-Disposition"))
    is_saved = wanted.as_attachment
    if is_saved is None:
        is_saved = stored.kind == ATTACHMENT
    kind = INLINE if is_safe_inline(content_type) and not is_saved else ATTACHMENT
    name = wanted.download_name or stored.name or meta.key.rpartition("/")[2]
    return Shown(kind, name, served_type(content_type))


def validators(meta: ObjectMeta, wanted: Wanted) -> Headers:
    """Return the headers by which a client keeps a value, and asks for it again."""
    headers = [("Cache-Control", caching(meta, wanted))]
    if etag := etag_of(meta):
        headers.append(("ETag", etag))
    if date := date_of(meta):
        headers.append(("Last-Modified", date))
    return headers


def caching(meta: ObjectMeta, wanted: Wanted) -> str:
    """Return the ``Cache-Control`` of a value.

    Raises
    ------
    InvalidArgument
        If the application gave one that is no header.
    """
    given = wanted.cache_control
    if given is not None:
        if not _CACHE_CONTROL.fullmatch(given):
            raise InvalidArgument(
                "cache_control is a header such as 'private, max-age=60', not "
                f"{given!r}."
            )
        return given
    stored = _stored(meta, "Cache-Control")
    return stored if _CACHE_CONTROL.fullmatch(stored) else _ASK_AGAIN


def encoding(meta: ObjectMeta) -> Headers:
    """Return the ``Content-Encoding`` with which a value was stored, if with one."""
    stored = _stored(meta, "Content-Encoding")
    return [("Content-Encoding", stored)] if _ENCODING.fullmatch(stored) else []


def _stored(meta: ObjectMeta, name: str) -> str:
    return meta.headers.get(name) or ""
