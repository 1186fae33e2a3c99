"""The stores that the settings name, each opened once in a process."""

from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from minimalkv import KeyValueStore
from minimalkv._aliases import AliasedStores

__all__ = ["Stores", "stores"]

SETTINGS: Final = ("MINIMALKV_URL", "MINIMALKV_STORES", "MINIMALKV_SESSION_STORE")
"""The settings that name stores; each may have a password in a URL."""


class Stores(AliasedStores):
    """The stores by alias, from ``MINIMALKV_STORES`` and ``MINIMALKV_URL``.

    The latter is the store of the alias ``default``. The aliases ``sessions``,
    ``uploads`` and ``cache`` give that one, too, if they are not configured. A store is
    opened when it is asked for first; all threads and tasks of the process share it.
    That of the alias ``sessions`` is the one that the sessions are kept in: where a URL
    does not say otherwise, with ``fsync=false`` for files and ``timeout=2`` (seconds)
    for a network. ``MINIMALKV_OBSERVER``, a function or the dotted path of one, is told
    of every call; see `minimalkv.observing.StoreCall`.
    """

    def __init__(self) -> None:
        super().__init__(_read_settings, ImproperlyConfigured, _observer)

    def __getitem__(self, alias: str) -> KeyValueStore:
        """Return the store of an alias.

        Raises
        ------
        ImproperlyConfigured
            If there is no such alias; the message lists those that there are.
        InvalidURL, UnknownScheme, MissingExtra
            If its URL opens no store.
        """
        return self.get(alias)


def _read_settings() -> tuple[Any, Any]:
    url = getattr(settings, "MINIMALKV_URL", None)
    return url, getattr(settings, "MINIMALKV_STORES", None)


def _observer() -> Any:
    return getattr(settings, "MINIMALKV_OBSERVER", None)


stores: Final = Stores()
"""The stores of this project: ``stores["uploads"].put("key", b"value")``."""


def _forget_stores(*, setting: str, **_: Any) -> None:
    # Any other setting of ours leaves them, or what is in memory would be lost.
    if setting in SETTINGS:
        stores.reset()


setting_changed.connect(_forget_stores)
