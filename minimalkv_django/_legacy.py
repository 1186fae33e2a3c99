"""Sessions that another engine of Django keeps, for a project that comes from it."""

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from django.conf import settings
from django.core.cache import InvalidCacheKey

from minimalkv.sessions import Legacy, SessionManager

SIGNED_COOKIES: Final = "django.contrib.sessions.backends.signed_cookies"

# The keys of all of Django's engines; what is long is a cookie with a whole session.
_KEY: Final = re.compile(r"[A-Za-z0-9._:-]{8,4096}", re.ASCII)


def may_be_old(cookie: str) -> bool:
    """Tell whether an engine of Django can have set a cookie."""
    return _KEY.fullmatch(cookie) is not None


def reader(
    engine: str, cookie: str, manager: SessionManager
) -> Callable[[], Legacy | None]:
    """Return what asks an engine for the session of a cookie.

    Parameters
    ----------
    engine : str
        Its module, as ``SESSION_ENGINE`` named it.
    cookie : str
        What the visitor sent.
    manager : SessionManager
        Where the session is taken over to.
    """
    is_all_in_cookie = engine == SIGNED_COOKIES

    def read() -> Legacy | None:
        if is_all_in_cookie and manager.is_spent(cookie):
            return None
        old = import_module(engine).SessionStore(cookie)
        old.create = _nothing  # some engines begin a new session where there is none
        data: dict[str, Any] = old.load() or _cached(old, cookie)
        return Legacy(data, forget) if data else None

    def forget() -> None:
        if is_all_in_cookie:
            manager.spend(cookie, settings.SESSION_COOKIE_AGE)
        else:
            import_module(engine).SessionStore(cookie).delete(cookie)

    return read


def _cached(old: Any, cookie: str) -> dict[str, Any]:
    """Ask the cache itself: its engine takes an outage for a missing session."""
    cache = getattr(old, "_cache", None)
    if cache is None or hasattr(old, "model"):  # where there is a table, too, it counts
        return {}
    try:
        return cache.get(old.cache_key_prefix + cookie) or {}
    except InvalidCacheKey:
        return {}


def _nothing() -> None:
    """Stand in for what an engine should not do."""
