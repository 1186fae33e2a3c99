"""What the settings say of sessions."""

from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from minimalkv import InvalidArgument
from minimalkv._sessions.records import OUR_JSON, Serializer
from minimalkv._signing import SessionTokens, session_tokens
from minimalkv.sessions import Session, SessionManager
from minimalkv_django import _legacy
from minimalkv_django.stores import stores

_SETTINGS: Final = {
    "lifetime_secs": "SESSION_COOKIE_AGE",
    "absolute_secs": "MINIMALKV_SESSION_ABSOLUTE_LIFETIME",
    "touch_secs": "MINIMALKV_SESSION_TOUCH_INTERVAL",
}
_DJANGOS_JSON: Final = "django.contrib.sessions.serializers.JSONSerializer"


@lru_cache(maxsize=1)
def tokens() -> SessionTokens:
    """Return what signs the keys of sessions and checks them."""
    return session_tokens(settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=1)
def session_manager() -> SessionManager:
    """Return the sessions of this project, to list, count, show and revoke them.

    Raises
    ------
    ImproperlyConfigured, InvalidURL, UnknownScheme, MissingExtra
        If the settings name no store.
    Unsupported
        If sessions cannot be kept in it.
    InvalidArgument
        If a setting is no number of seconds above 0.
    """
    chosen = getattr(settings, "MINIMALKV_SESSION_STORE", None)
    store = stores.get("sessions" if chosen is None else chosen, short_lived=True)
    secs: dict[str, Any] = {name: _secs(_SETTINGS[name]) for name in _SETTINGS}
    try:
        return SessionManager(store, **secs, serializer=_serializer())
    except InvalidArgument as error:
        name, _, expected = str(error).partition(" ")
        raise InvalidArgument(f"{_SETTINGS.get(name, name)} {expected}") from None


def _secs(name: str) -> Any:
    value = getattr(settings, name, None)
    return value.total_seconds() if isinstance(value, timedelta) else value


@lru_cache(maxsize=1)
def _serializer() -> Serializer:
    if settings.SESSION_SERIALIZER == _DJANGOS_JSON:
        return OUR_JSON  # it can do more, and Flask reads it, too
    serializer: Serializer = import_string(settings.SESSION_SERIALIZER)()
    return serializer


def encode(data: dict[str, Any]) -> bytes:
    """Return the bytes that stand for what a session holds."""
    return _serializer().dumps(data)


def open_session(cookie: str, session_id: str | None) -> Session:
    """Return the session of a cookie, also of one that another engine set.

    Parameters
    ----------
    cookie : str
        What the visitor sent.
    session_id : str or None
        The id in it, if we signed it.
    """
    manager = session_manager()
    old = None if session_id else id_of_old(cookie)
    if old is None:
        return manager.open(session_id)
    engine = settings.MINIMALKV_SESSION_LEGACY
    return manager.open(old, legacy=_legacy.reader(engine, cookie, manager))


def id_of_old(cookie: str) -> str | None:
    """Return the id for the session of another engine; None if it is none's cookie."""
    if getattr(settings, "MINIMALKV_SESSION_LEGACY", None) is None:
        return None
    return tokens().id_for(cookie) if _legacy.may_be_old(cookie) else None


def _forget_manager(*, setting: str, **_: Any) -> None:
    if setting.startswith(("MINIMALKV_", "SESSION_")):
        session_manager.cache_clear()
        _serializer.cache_clear()
    if setting.startswith("SECRET_KEY"):
        tokens.cache_clear()


setting_changed.connect(_forget_manager)
