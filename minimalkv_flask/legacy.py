"""Sessions of other packages, for moving from them without signing anybody out.

Give readers to `KVSessionInterface` as ``legacy=[…]``. They are asked about a cookie
that is none of ours, under the same name, when the session is used. What they find is
stored as a session of ours at once, the old record is deleted, and the old cookie leads
nowhere any more once that session has ended.
"""

import json
import pickle
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, Protocol

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadSignature, Signer, URLSafeTimedSerializer

from minimalkv import InvalidArgument, MissingExtra, _clock
from minimalkv._signing import signing_keys
from minimalkv.sessions import Legacy

__all__ = ["FlaskCookie", "FlaskKVSession", "FlaskSession"]

_SESSION_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")
_KVSESSION_ID: Final = re.compile(r"[0-9a-f]{1,200}_([0-9a-f]{1,12})")

Load = Callable[[bytes], Any]


class OldRecords(Protocol):
    """Where another package keeps its records: a client of Redis, or a store."""

    def get(self, key: str, /) -> Any:
        """Return a record, bytes; None or `KeyError` if there is none."""
        ...

    def delete(self, key: str, /) -> object:
        """Delete a record."""
        ...


class FlaskCookie:
    """Reads the sessions that Flask itself keeps in the cookie.

    Such a cookie is good for ``PERMANENT_SESSION_LIFETIME``: the reader can go after
    that time.
    """

    def read(self, app: Flask, cookie: str) -> Legacy | None:
        """Return the session in a cookie; see `LegacyReader`."""
        flask = SecureCookieSessionInterface
        serializer = URLSafeTimedSerializer(
            _keys(app),
            salt=flask.salt,
            serializer=flask.serializer,
            signer_kwargs={
                "key_derivation": flask.key_derivation,
                "digest_method": flask.digest_method,
            },
        )
        max_age = int(app.permanent_session_lifetime.total_seconds())
        try:
            data = serializer.loads(cookie, max_age=max_age)
        except BadSignature:
            return None
        return Legacy(dict(data), _do_nothing)


class FlaskSession:
    """Reads the sessions of Flask-Session.

    Parameters
    ----------
    records : OldRecords
        The client that it used, such as a `redis.Redis`.
    prefix : str
        Its ``SESSION_KEY_PREFIX``.
    signed : bool
        Its ``SESSION_USE_SIGNER``. A cookie that is not signed is not accepted then.
    formats : iterable of str
        How the records may be encoded: ``"msgpack"`` and ``"json"``, as since its
        version 0.7. ``"pickle"``, as before, runs the code of whoever can write to the
        store: name it only if that is nobody but your application.

    Raises
    ------
    InvalidArgument
        If a format is unknown.
    MissingExtra
        If msgspec, which reads what Flask-Session writes, is not installed.
    """

    def __init__(
        self,
        records: OldRecords,
        *,
        prefix: str = "session:",
        signed: bool = False,
        formats: Iterable[str] = ("msgpack", "json"),
    ) -> None:
        self._records = records
        self._prefix = prefix
        self._signed = signed
        self._loads = [_loader(name) for name in formats]

    def read(self, app: Flask, cookie: str) -> Legacy | None:
        """Return the session of a cookie; see `LegacyReader`."""
        session_id: str | None = cookie
        if self._signed:
            signer = Signer(_keys(app), salt="flask-session", key_derivation="hmac")
            session_id = _unsigned(signer, cookie)
        if session_id is None or not _SESSION_ID.fullmatch(session_id):
            return None
        return _take(self._records, self._prefix + session_id, self._loads)


class FlaskKVSession:
    """Reads the sessions of Flask-KVSession.

    Parameters
    ----------
    records : OldRecords
        The store that it used. One of ours reads what simplekv stored.
    serializer : str
        ``"json"``, or ``"pickle"``, which it uses unless it is told: that runs the code
        of whoever can write to the store, so name it only if that is nobody but your
        application.

    Raises
    ------
    InvalidArgument
        If the serializer is unknown.
    """

    def __init__(self, records: OldRecords, *, serializer: str) -> None:
        self._records = records
        self._loads = [_loader(serializer)]

    def read(self, app: Flask, cookie: str) -> Legacy | None:
        """Return the session of a cookie; see `LegacyReader`."""
        session_id = _unsigned(Signer(_keys(app)), cookie)
        match = session_id and _KVSESSION_ID.fullmatch(session_id)
        if not match:
            return None
        lifetime = app.permanent_session_lifetime.total_seconds()
        if int(match[1], 16) + lifetime < _clock.now():
            return None
        return _take(self._records, match[0], self._loads)


def _do_nothing() -> None:
    """Stand for what is not stored anywhere."""


def _keys(app: Flask) -> list[bytes]:
    return signing_keys(app.secret_key or "", app.config.get("SECRET_KEY_FALLBACKS"))


def _unsigned(signer: Signer, cookie: str) -> str | None:
    try:
        return signer.unsign(cookie).decode()
    except (BadSignature, UnicodeError):
        return None


def _take(records: OldRecords, key: str, loads: list[Load]) -> Legacy | None:
    try:
        text = records.get(key)
    except KeyError:
        return None
    data = None if text is None else _decoded(text, loads)
    if not isinstance(data, Mapping):
        return None
    return Legacy(dict(data), partial(records.delete, key))


def _decoded(text: bytes, loads: list[Load]) -> object:
    for load in loads:
        try:
            return load(text)
        except Exception:  # noqa: BLE001, S112 - loaders raise anything over other formats
            continue
    return None


def _loader(name: str) -> Load:
    if name == "msgpack":
        return _msgpack_loader()
    if name == "json":
        return json.loads
    if name == "pickle":
        return pickle.loads  # the operator named it
    raise InvalidArgument(f"Records are 'msgpack', 'json' or 'pickle', not {name!r}.")


def _msgpack_loader() -> Load:
    try:
        from msgspec import msgpack
    except ImportError as error:
        hint = "Sessions of Flask-Session are read with msgspec: pip install msgspec"
        raise MissingExtra(hint, name=error.name) from error
    load: Load = msgpack.decode
    return load
