"""What ``manage.py check`` finds in the settings, before a visitor does.

- ``minimalkv.E001``: the URL of a store has an unknown scheme.
- ``minimalkv.E002``: the URL of a store is wrong, or has an unknown option.
- ``minimalkv.E003``: a store needs a package that is not installed.
- ``minimalkv.E004``: a store is not configured, or under another alias.
- ``minimalkv.E005``: sessions cannot be kept in the store that they have.
- ``minimalkv.E006``: a setting of the sessions has a value that it cannot have.
- ``minimalkv.W001``: a store in memory, though ``DEBUG`` is off.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, Final

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

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
    checks.register(check_stores, "minimalkv")
    checks.register(check_sessions, "minimalkv")


def check_stores(**_: Any) -> list[checks.CheckMessage]:
    """Check each store that has an alias; nothing connects."""
    try:
        aliases = list(stores)
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="minimalkv.E004")]
    return [message for alias in aliases for message in _check_alias(alias)]


def _check_alias(alias: str) -> Iterator[checks.CheckMessage]:
    found = _tried(lambda: stores[alias], f"The store {alias!r}: ")
    if isinstance(found, checks.CheckMessage):
        yield found
    else:
        yield from _check_memory(found, f"The store {alias!r} is")


def check_sessions(**_: Any) -> list[checks.CheckMessage]:
    """Check what the sessions need, if they are ours; nothing connects."""
    if settings.SESSION_ENGINE != ENGINE:
        return []
    from minimalkv_django.sessions import session_manager

    found = _tried(session_manager, "The sessions: ")
    messages = [found] if isinstance(found, checks.CheckMessage) else []
    if not messages and getattr(settings, "MINIMALKV_SESSION_STORE", None):
        messages.extend(_check_memory(found.store, "The sessions are"))
    return [*messages, *_check_outage(), *_check_legacy()]


def _check_memory(store: KeyValueStore, what: str) -> Iterator[checks.CheckMessage]:
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
    try:
        is_engine = engine is None or hasattr(import_module(engine), "SessionStore")
    except Exception:  # noqa: BLE001 - whatever the import of a wrong module raises
        is_engine = False
    if not is_engine or engine == ENGINE:
        yield checks.Error(
            "MINIMALKV_SESSION_LEGACY is the engine that the sessions come from, such "
            f"as 'django.contrib.sessions.backends.db', not {engine!r}.",
            id="minimalkv.E006",
        )


def _tried(function: Callable[[], Any], what: str) -> Any:
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
