"""What ``manage.py check`` finds in the settings, before a visitor does.

- ``minimalkv.E001``: the URL of a store has an unknown scheme.
- ``minimalkv.E002``: the URL of a store is wrong, or has an unknown option.
- ``minimalkv.E003``: a store needs a package that is not installed.
- ``minimalkv.E004``: a store is not configured, or under another alias.
- ``minimalkv.E005``: sessions cannot be kept in the store that they have.
- ``minimalkv.E006``: a setting of the sessions has a value that it cannot have.
- ``minimalkv.E009``: ``MINIMALKV_OBSERVER`` is no function, and leads to none.
- ``minimalkv.W001``: a store in memory, though ``DEBUG`` is off.
- ``minimalkv.W002``: the middleware for outages stands where it misses some.
"""

from collections.abc import Callable, Iterator
from functools import cache, wraps
from importlib import import_module
from typing import Any, Final

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from minimalkv import (
    InvalidArgument,
    InvalidURL,
    KeyValueStore,
    MissingExtra,
    UnknownScheme,
    Unsupported,
)
from minimalkv.decorator import StoreDecorator
from minimalkv.memory import DictStore
from minimalkv_django.stores import stores

ENGINE: Final = "minimalkv_django.sessions"
OUTAGES: Final = (None, "error", "anonymous")

_Check = Callable[..., list[checks.CheckMessage]]

_OUTAGE_MIDDLEWARE: Final = "minimalkv_django.middleware.SessionOutageMiddleware"
_SESSION_MIDDLEWARE: Final = "django.contrib.sessions.middleware.SessionMiddleware"

_IDS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (UnknownScheme, "minimalkv.E001"),
    (InvalidURL, "minimalkv.E002"),
    (MissingExtra, "minimalkv.E003"),
    (ImproperlyConfigured, "minimalkv.E004"),
    (Unsupported, "minimalkv.E005"),
    (InvalidArgument, "minimalkv.E006"),
)


def connect() -> None:
    """Let Django run the checks."""
    from minimalkv_django._cache_checks import check_caches
    from minimalkv_django._storage_checks import check_storages

    checks.register(check_observer, "minimalkv")
    for check in (check_stores, check_sessions, check_storages, check_caches):
        checks.register(_with_an_observer(check), "minimalkv")


def check_observer(**_: Any) -> list[checks.CheckMessage]:
    """Check what is told of the calls of the stores."""
    try:
        stores.check_observer()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="minimalkv.E009")]
    return []


@cache  # Django keeps each function once, however often it is registered
def _with_an_observer(check: _Check) -> _Check:
    """Return a check that is silent where each store would say the same again."""

    @wraps(check)
    def checked(**options: Any) -> list[checks.CheckMessage]:
        return [] if check_observer() else check(**options)

    return checked


def check_stores(**_: Any) -> list[checks.CheckMessage]:
    """Check each store that has an alias; nothing connects."""
    try:
        aliases = list(stores)
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="minimalkv.E004")]
    return [message for alias in aliases for message in _check_alias(alias)]


def _check_alias(alias: str) -> Iterator[checks.CheckMessage]:
    found = tried(lambda: stores[alias], f"The store {alias!r}: ")
    if isinstance(found, checks.CheckMessage):
        yield found
    else:
        yield from check_memory(found, f"The store {alias!r} is")


def check_sessions(**_: Any) -> list[checks.CheckMessage]:
    """Check what the sessions need, if they are ours; nothing connects."""
    if settings.SESSION_ENGINE != ENGINE:
        return []
    found = [*_check_serializer()] or [*_check_manager()]
    return [*found, *_check_outage(), *_check_legacy(), *_check_middleware()]


def _check_serializer() -> Iterator[checks.CheckMessage]:
    try:
        import_string(settings.SESSION_SERIALIZER)
    except (ImportError, AttributeError) as error:
        yield checks.Error(f"SESSION_SERIALIZER: {error}", id="minimalkv.E006")


def _check_manager() -> Iterator[checks.CheckMessage]:
    from minimalkv_django.sessions import session_manager

    found = tried(session_manager, "The sessions: ")
    if isinstance(found, checks.CheckMessage):
        yield found
    elif getattr(settings, "MINIMALKV_SESSION_STORE", None):
        yield from check_memory(found.store, "The sessions are")


def check_memory(store: KeyValueStore, what: str) -> Iterator[checks.CheckMessage]:
    """Check that a store outlives its process, unless the site is being developed."""
    if settings.DEBUG or not _is_in_memory(store):
        return
    yield checks.Warning(
        f"{what} in the memory of each process: the processes do not share it, and a "
        "restart loses it.",
        hint="Name another store, such as hfs:///var/lib/site or redis://localhost.",
        id="minimalkv.W001",
    )


def _check_outage() -> Iterator[checks.CheckMessage]:
    outage = getattr(settings, "MINIMALKV_SESSION_OUTAGE", None)
    if outage not in OUTAGES:
        yield checks.Error(
            f"MINIMALKV_SESSION_OUTAGE is 'error' or 'anonymous', not {outage!r}.",
            id="minimalkv.E006",
        )


def _check_legacy() -> Iterator[checks.CheckMessage]:
    engine = getattr(settings, "MINIMALKV_SESSION_LEGACY", None)
    why = "" if engine is None else _why_unusable(engine)
    if why:
        yield checks.Error(
            "MINIMALKV_SESSION_LEGACY is the engine that the sessions come from, such "
            f"as 'django.contrib.sessions.backends.db'; of no use is {engine!r}: {why}",
            id="minimalkv.E006",
        )


def _why_unusable(engine: str) -> str:
    if engine == ENGINE:
        return "It is where they go."
    try:
        old = import_module(engine).SessionStore()
        getattr(old, "model", None)  # raises where the table has no application
    except Exception as error:  # noqa: BLE001 - whatever the import of a wrong module raises
        return f"{type(error).__name__}: {error}"
    return ""


def _check_middleware() -> Iterator[checks.CheckMessage]:
    found = [
        name
        for name in settings.MIDDLEWARE
        if name in (_OUTAGE_MIDDLEWARE, _SESSION_MIDDLEWARE)
    ]
    if found == [_SESSION_MIDDLEWARE, _OUTAGE_MIDDLEWARE]:
        yield checks.Warning(
            "SessionOutageMiddleware stands after SessionMiddleware: where a session "
            "cannot be saved, the answer is 500 instead of 503.",
            hint="Move it to the beginning of MIDDLEWARE.",
            id="minimalkv.W002",
        )


def tried(function: Callable[[], Any], what: str) -> Any:
    """Return what a function does, or the message about how it failed."""
    try:
        return function()
    except tuple(kind for kind, _ in _IDS) as error:
        number = next(id_ for kind, id_ in _IDS if isinstance(error, kind))
        return checks.Error(f"{what}{error}", id=number)


def _is_in_memory(store: KeyValueStore) -> bool:
    while isinstance(store, StoreDecorator):
        store = store._dstore  # noqa: SLF001 - what it wraps has no other name
    return isinstance(store, DictStore)
