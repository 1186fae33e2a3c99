"""Uploads that a browser sends to the store itself, and what is taken of them."""

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

from minimalkv import _clock
from minimalkv._errors import (
    InvalidToken,
    KeyExists,
    KeyNotFound,
    StoreError,
    Unsupported,
    UploadIncomplete,
    UploadRefused,
    UploadTooLarge,
    WrongContentType,
)
from minimalkv._key_value_store import KeyValueStore
from minimalkv._signing import Seals
from minimalkv._sniffing import (
    BEGINNING_BYTES,
    is_declared,
    judge_content_type,
    type_of,
    usual,
    with_ending_for,
)
from minimalkv._streams import read_exactly
from minimalkv.decorator import StoreDecorator
from minimalkv.files import (
    Source,
    StoredFile,
    Types,
    UploadSource,
    check_type,
    check_upload_key,
    fitting_name,
    listed,
    shown_filename,
    unique_filename,
)

_log: Final = logging.getLogger("minimalkv")

EXPIRES_SECS: Final = 3600
ATTACH_SECS: Final = 86400
"""How long after the upload `attach` may come, and when what never came is purged."""

# No name that is made safe begins so.
_PENDING: Final = "_pending-"
_TIME_DIGITS: Final = 10


class DirectUpload(NamedTuple):
    """What a browser needs to send a file to the store itself.

    Attributes
    ----------
    url : str
        Where it sends the file as the body of the request.
    method : str
        ``PUT``.
    headers : dict of str to str
        The headers that it has to send, among them ``Content-Type``.
    token : str
        What it gives back to the application then, for `attach`.
    expires : float
        Until when it may send, in seconds since 1970.
    """

    url: str
    method: str
    headers: dict[str, str]
    token: str
    expires: float


def begin_direct_upload(
    store: KeyValueStore,
    seals: Seals,
    filename: str,
    route: Callable[[str], str],
    *,
    prefix: str = "",
    types: Types = None,
    max_bytes: int | None = None,
    content_type: str | None = None,
    expires: float = EXPIRES_SECS,
) -> DirectUpload:
    """Allow one file to be sent to the store, or to a route of ours if it signs none.

    Parameters
    ----------
    store : KeyValueStore
        Where it goes.
    seals : Seals
        Signs the token.
    filename : str
        What the sender calls it; it decides the type that has to be sent.
    route : callable
        Returns the URL of ours that takes what is sent with a token.
    prefix, types, max_bytes
        As for `store_upload`.
    content_type : str or None
        The type, if it is not to be told by the name.
    expires : float
        Seconds until it cannot be sent any more.

    Raises
    ------
    WrongContentType
        If the type is not wanted.
    """
    types = listed(types)
    shown = shown_filename(filename)
    declared = usual(content_type) if content_type else type_of(shown)
    check_type(declared, shown, types)
    now = _clock.now()
    safe = fitting_name(shown, declared, types)
    # What may be sent later is purged later: never before its token ends.
    begun = now + max(expires - ATTACH_SECS, 0)
    key = f"{prefix}{_pending_name(begun, safe)}"
    check_upload_key(key)
    facts = {"key": key, "name": shown, "type": declared, "put": int(now + expires)}
    facts |= {"prefix": prefix} | ({} if max_bytes is None else {"max": max_bytes})
    token = seals.sign(facts, now + expires + ATTACH_SECS)
    headers = {"Content-Type": declared}
    url = _presigned(store, key, declared, expires)
    if url is None:
        url = route(token)
    else:
        headers |= _put_headers(store)
    return DirectUpload(url, "PUT", headers, token, now + expires)


def receive_direct_upload(
    store: KeyValueStore,
    seals: Seals,
    token: str,
    source: Source,
    *,
    content_type: str,
    content_length: int | None,
) -> None:
    """Take what is sent to our own route.

    Raises
    ------
    InvalidToken
        If the token is none, too old, or was used already.
    UploadTooLarge, WrongContentType
        If it is not what the token allows; nothing was stored.
    UploadIncomplete
        If it ends before it is complete.
    StoreError
        If the store failed.
    """
    facts = _facts(seals, token)
    if facts["put"] <= _clock.now():
        raise InvalidToken("The time for this upload is over. Begin it again.")
    if usual(content_type) != facts["type"]:
        raise WrongContentType(
            f"The upload was announced as {facts['type']}, and is sent as "
            f"{content_type[:80]!r}."
        )
    _check_size(content_length or 0, facts)
    upload = UploadSource(source, b"", facts.get("max"), content_length)
    try:
        store.put_file(facts["key"], upload, content_type=facts["type"], if_absent=True)
    except KeyExists:
        raise InvalidToken("This upload was sent already. Begin another.") from None


def attach(
    store: KeyValueStore,
    seals: Seals,
    token: str,
    *,
    types: Types = None,
) -> StoredFile:
    """Take an upload that was sent, if it is what it was announced as.

    It gets a key that its sender cannot write to, and is looked at there once more.

    Parameters
    ----------
    store : KeyValueStore
        Where it was sent to.
    seals : Seals
        As for `begin_direct_upload`.
    token : str
        What came back from the browser.
    types : iterable of str, callable or None
        As for `store_upload`.

    Raises
    ------
    InvalidToken
        If the token is none of ours, or too old.
    UploadIncomplete
        If nothing was sent, or it was attached already.
    UploadTooLarge, WrongContentType
        If it is not what was announced; it was deleted.
    StoreError
        If the store failed; try again.
    """
    types = listed(types)
    facts = _facts(seals, token)
    key, prefix, shown = facts["key"], facts["prefix"], facts["name"]
    try:
        content_type = _looked_at(store, key, facts, types)[1]
        safe = fitting_name(shown, content_type, types)
        final = prefix + unique_filename(safe)
        store.copy(key, final)
    except KeyNotFound:
        raise UploadIncomplete(
            f"The upload of {shown!r} did not arrive, or was attached before."
        ) from None
    size = _taken_over(store, key, final, facts, types)
    return StoredFile(
        final, prefix=prefix, size=size, content_type=content_type, filename=shown
    )


def _taken_over(
    store: KeyValueStore, key: str, final: str, facts: Mapping[str, Any], types: Types
) -> int:
    """Return the size of the copy, which nobody else can change any more."""
    try:
        size, _ = _looked_at(store, final, facts, types)
    except UploadRefused:
        with suppress(StoreError):
            store.delete(key)
        raise
    except BaseException:
        with suppress(StoreError):
            store.delete(final)  # what was sent is still there for the next attempt
        raise
    with suppress(StoreError):  # it may have happened; else it is purged
        store.delete(key)
    return size


def is_pending(key: str, prefix: str) -> bool:
    """Tell whether a key is that of an upload which was not attached."""
    return key.startswith(prefix + _PENDING)


def purge_pending(
    store: KeyValueStore, prefix: str, older_than_secs: float = 2 * ATTACH_SECS
) -> int:
    """Delete the uploads that were sent and never attached.

    Parameters
    ----------
    store : KeyValueStore
        Where they are.
    prefix : str
        What the keys of the uploads begin with.
    older_than_secs : float
        Seconds since they were announced.

    Returns
    -------
    int
        How many were deleted.

    Raises
    ------
    StoreError
        If the store failed; call it again.
    """
    oldest = _clock.now() - older_than_secs
    keys = [key for key, begun in _pending(store, prefix) if begun < oldest]
    store.delete_many(keys)
    _log.info("Uploads deleted that nobody attached: %d", len(keys))
    return len(keys)


def _pending(store: KeyValueStore, prefix: str) -> Iterator[tuple[str, int]]:
    start = len(prefix + _PENDING)
    for key in store.iter_keys(prefix + _PENDING):
        try:
            yield key, int(key[start : start + _TIME_DIGITS], 16)
        except ValueError:  # somebody else's
            continue


def _pending_name(now: float, name: str) -> str:
    random = secrets.token_urlsafe(16)
    return f"{_PENDING}{int(now):0{_TIME_DIGITS}x}-{random}-{name}"


def _facts(seals: Seals, token: str) -> dict[str, Any]:
    facts = seals.read(token, _clock.now())
    if facts is None:
        raise InvalidToken(
            "The upload has no valid token, or it is too old. Begin it again."
        )
    return facts


def _looked_at(
    store: KeyValueStore,
    key: str,
    facts: Mapping[str, Any],
    types: Types,
) -> tuple[int, str]:
    """Return size and type of what was sent, or delete it."""
    meta, source = store.stream(key, 0, BEGINNING_BYTES)
    with source:
        beginning = read_exactly(source, BEGINNING_BYTES)
    try:
        _check_size(meta.size, facts)
        kept = meta.content_type if store.headers_support else None
        return meta.size, _judged(beginning, kept, facts, types)
    except UploadRefused:
        store.delete(key)
        raise


def _judged(
    beginning: bytes,
    kept: str | None,
    facts: Mapping[str, Any],
    types: Types,
) -> str:
    shown, declared = facts["name"], str(facts["type"])
    # By a name that fits: that of the sender need not tell what was announced.
    judged = judge_content_type(beginning, with_ending_for(shown, declared))
    sent = declared if kept is None else usual(kept)
    if sent != declared or not is_declared(judged, declared):
        raise WrongContentType(
            f"{shown!r} was announced as {declared}, is sent as {sent!r}, and is "
            f"{judged} by its content."
        )
    check_type(judged, shown, types)
    return declared


def _check_size(size: int, facts: Mapping[str, Any]) -> None:
    limit = facts.get("max")
    if limit is not None and size > limit:
        raise UploadTooLarge(
            f"The file has {size:,} bytes; at most {limit:,} were allowed."
        )


def _presigned(
    store: KeyValueStore, key: str, content_type: str, expires: float
) -> str | None:
    # Azure cannot bind the type, and `attach` looks at it in any case.
    for bound in ({"content_type": content_type}, {}):
        with suppress(Unsupported):
            return store.url_for(key, method="PUT", expires=expires, **bound)
    return None


def _put_headers(store: KeyValueStore) -> Mapping[str, str]:
    """Return what the service wants to be sent along to a signed URL."""
    while isinstance(store, StoreDecorator):
        store = store._dstore
    headers: Mapping[str, str] = getattr(store, "put_url_headers", {})
    return headers
