"""What the settings say of sessions."""

from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from minimalkv._sessions.records import OUR_JSON, Serializer
from minimalkv._signing import SessionTokens, session_tokens
from minimalkv.sessions import Session, SessionManager
from minimalkv_django import _legacy
from minimalkv_django.stores import stores

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
    """
    chosen = getattr(settings, "MINIMALKV_SESSION_STORE", None)
    return SessionManager(
        stores.get("sessions" if chosen is None else chosen, short_lived=True),
        lifetime_secs=settings.SESSION_COOKIE_AGE,
        absolute_secs=_secs("MINIMALKV_SESSION_ABSOLUTE_LIFETIME"),
        touch_secs=_secs("MINIMALKV_SESSION_TOUCH_INTERVAL"),
        serializer=_serializer(),
    )


def _secs(name: str) -> float | None:
    value: float | timedelta | None = getattr(settings, name, None)
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
    engine = getattr(settings, "MINIMALKV_SESSION_LEGACY", None)
    if session_id is None and engine and _legacy.may_be_old(cookie):
        legacy = _legacy.reader(engine, cookie, manager)
        return manager.open(tokens().id_for(cookie), legacy=legacy)
    return manager.open(session_id)


def _forget_manager(*, setting: str, **_: Any) -> None:
    if setting.startswith(("MINIMALKV_", "SESSION_")):
        session_manager.cache_clear()
        _serializer.cache_clear()
    if setting.startswith("SECRET_KEY"):
        tokens.cache_clear()


setting_changed.connect(_forget_manager)
