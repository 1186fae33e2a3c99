"""Flask sessions: the cookie holds a signed id, the store holds the data."""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin
from itsdangerous import BadSignature, Signer
from werkzeug.http import dump_cookie

from minimalkv import KeyValueStore, Unsupported
from minimalkv._get_store import get_short_lived_store
from minimalkv.ttl import with_ttl
from minimalkv_flask._records import Record, decode, encode, new_id

__all__ = ["KVSession", "KVSessionInterface"]

# The id, after a p while the session is permanent: whether its cookie has to be sent
# again is known without asking the store.
_TOKEN = re.compile(rb"(p?)([A-Za-z0-9_-]{43})")


class KVSession(SessionMixin):
    """A session, used like a dict; the store is asked when it is used first.

    Values may be what Flask's own sessions take: JSON, tuples, bytes, datetimes, UUIDs
    and Markup. A change inside of a value is noticed.

    Attributes
    ----------
    modified : bool
        Whether the session was changed. Set it to send the cookie in any case.
    accessed : bool
        Whether the session was used, so that the response varies with the cookie.
    """

    modified = False
    accessed = False

    def __init__(
        self, record: Record, *, permanent: bool = False, has_cookie: bool = False
    ) -> None:
        self.record = record
        self.has_cookie = has_cookie
        self._permanent = permanent
        self._data: dict[str, Any] | None = None

    def _load(self) -> dict[str, Any]:
        self.accessed = True
        if self._data is None:
            self._data = self.record.load()
        return self._data

    def __getitem__(self, key: str) -> Any:
        return self._load()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._load()[key] = value
        self.modified = True

    def __delitem__(self, key: str) -> None:
        del self._load()[key]
        self.modified = True

    def __contains__(self, key: object) -> bool:
        return key in self._load()

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())

    def __repr__(self) -> str:
        content = "not loaded" if self._data is None else repr(self._data)
        return f"<{type(self).__name__} {content}>"

    def clear(self) -> None:
        """Remove everything; the response deletes the record and the cookie."""
        self._load().clear()
        self.modified = True

    def popitem(self) -> tuple[str, Any]:
        """Remove and return what was added last."""
        item = self._load().popitem()
        self.modified = True
        return item

    def copy(self) -> dict[str, Any]:
        """Return the data as a dict."""
        return dict(self._load())

    @property
    def loaded(self) -> bool:
        """Whether the store was asked; what it holds then is what the session knows."""
        return self._data is not None

    @property
    def sid(self) -> str:
        """The id: a secret, for whoever has it has the session."""
        self._load()
        return self.record.sid

    @property
    def new(self) -> bool:  # type: ignore[override] # known only once it is loaded
        """Whether nothing is stored yet."""
        self._load()
        return self.record.source is None

    @property
    def permanent(self) -> bool:
        """Whether the cookie outlives the browser; tells what it says until loaded."""
        if self._data is None:
            return self._permanent
        return bool(self._data.get("_permanent", False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self["_permanent"] = bool(value)

    def regenerate(self) -> None:
        """Take a new id, and end the old one with the response.

        Call it when somebody signs in: an id that others may have planted in the
        browser before is worth nothing then.
        """
        self._load()
        self.record.sid = new_id()
        self.modified = True

    def encode(self) -> bytes:
        """Return the record as it should be stored, and notice changes inside values.

        Raises
        ------
        TypeError
            If a value cannot be stored as JSON.
        """
        text = encode(self._load())
        self.modified = self.modified or self.record.differs(text)
        return text

    def write(self, text: bytes, ttl_secs: float) -> bool:
        """Store the record if it is due, and tell whether the session still exists."""
        stored = self.record.write(text, ttl_secs)
        if stored is not None and stored != text:
            self._data = decode(stored)
        return stored is not None


class KVSessionInterface(SessionInterface):
    """Keep the sessions of a Flask application in a store.

    All settings of Flask for the session cookie count. A session is stored for
    ``PERMANENT_SESSION_LIFETIME`` since it was last used, also when its cookie ends
    with the browser. While the store does not answer, a request that uses the session
    raises `StoreError` and the visitor keeps the cookie.

    Parameters
    ----------
    store : KeyValueStore or str
        A store, or the URL of one: with ``fsync=false`` for files if it does not say
        otherwise. Keys begin with ``mkv-session-``.

    Raises
    ------
    Unsupported
        If the store is read only, or cannot write on condition, so that changes would
        be lost.
    InvalidURL, UnknownScheme, MissingExtra
        If the URL opens no store.

    Examples
    --------
    >>> from flask import Flask
    >>> app = Flask("shop")
    >>> app.secret_key = "keep it out of the source"
    >>> app.session_interface = KVSessionInterface("memory://")
    """

    def __init__(self, store: KeyValueStore | str) -> None:
        if isinstance(store, str):
            store = get_short_lived_store(store)
        if store.read_only:
            raise Unsupported(f"{store!r} is read only, so no session can be kept.")
        if not store.conditional_support:
            raise Unsupported(
                f"{store!r} cannot write on condition, so two requests at once would "
                "lose changes. Keep sessions in another store."
            )
        self._store = with_ttl(store)

    def open_session(self, app: Flask, request: Request) -> KVSession | None:
        """Return the session of a request, without asking the store; see Flask.

        None without a secret key: Flask then explains that where the session is used.
        """
        signer = _signer(app)
        if signer is None:
            return None
        cookie = request.cookies.get(self.get_cookie_name(app))
        sid, permanent = _read_token(signer, cookie or "")
        record = Record(self._store, sid)
        return KVSession(record, permanent=permanent, has_cookie=cookie is not None)

    def save_session(
        self, app: Flask, session: SessionMixin, response: Response
    ) -> None:
        """Store what changed, and send or delete the cookie where needed; see Flask."""
        if not isinstance(session, KVSession):
            return  # where open_session failed, Flask passes None
        if session.accessed:
            response.vary.add("Cookie")
        if session.loaded and not session:
            self._end(app, session, response)
        elif session.loaded or session.record.source is not None:
            self._keep(app, session, response)

    def _keep(self, app: Flask, session: KVSession, response: Response) -> None:
        text = session.encode() if session.loaded else None
        # Made before the store is changed: wrong cookie settings raise here.
        cookie = None
        if self.should_set_cookie(app, session):
            cookie = self._cookie(app, session)
        ttl_secs = app.permanent_session_lifetime.total_seconds()
        if text is not None and not session.write(text, ttl_secs):
            return  # somebody ended the session meanwhile
        if cookie is not None:
            _send(response, cookie)

    def _end(self, app: Flask, session: KVSession, response: Response) -> None:
        if not session.modified:
            return
        settings = self._cookie_settings(app)
        name = self.get_cookie_name(app)
        cookie = dump_cookie(name, max_age=0, expires=0, **settings)
        session.record.delete()
        if session.has_cookie:
            _send(response, cookie)

    def _cookie(self, app: Flask, session: KVSession) -> str:
        signer = _signer(app)
        if signer is None:
            raise RuntimeError("The secret key was taken away during a request.")
        mark = "p" if session.permanent else ""
        return dump_cookie(
            self.get_cookie_name(app),
            signer.sign(mark + session.record.sid).decode(),
            expires=self.get_expiration_time(app, session),
            **self._cookie_settings(app),
        )

    def _cookie_settings(self, app: Flask) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "domain": self.get_cookie_domain(app),
            "path": self.get_cookie_path(app),
            "secure": self.get_cookie_secure(app),
            "httponly": self.get_cookie_httponly(app),
            "samesite": self.get_cookie_samesite(app),
        }
        if hasattr(self, "get_cookie_partitioned"):  # since Flask 3.1
            settings["partitioned"] = self.get_cookie_partitioned(app)
        return settings


def _send(response: Response, cookie: str) -> None:
    response.headers.add("Set-Cookie", cookie)
    response.vary.add("Cookie")


def _signer(app: Flask) -> Signer | None:
    if not app.secret_key:
        return None
    fallbacks = app.config.get("SECRET_KEY_FALLBACKS") or ()
    if isinstance(fallbacks, str | bytes):
        fallbacks = (fallbacks,)  # each of its characters would be a key otherwise
    keys = [*fallbacks, app.secret_key]  # itsdangerous signs with the last one
    return Signer(keys, salt="minimalkv.session", digest_method=sha256)


def _read_token(signer: Signer, cookie: str) -> tuple[str | None, bool]:
    """Return the id, None if we did not sign it, and whether it is permanent."""
    try:
        match = _TOKEN.fullmatch(signer.unsign(cookie))
    except BadSignature:
        return None, False
    return (match[2].decode(), bool(match[1])) if match else (None, False)
