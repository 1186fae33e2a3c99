"""``DEFAULT_FILE_STORAGE`` and ``STATICFILES_STORAGE``, which Django 5.1 gave up.

It ignores them without a word: files would go to the local disk.
"""

import sys
from typing import Final

import django
from django.conf import global_settings, settings
from django.core.files.storage import default_storage, storages
from django.utils.functional import empty

OLD_SETTINGS: Final = {
    "DEFAULT_FILE_STORAGE": "default",
    "STATICFILES_STORAGE": "staticfiles",
}
"""The names of the settings, each with the alias that it has in ``STORAGES``."""

_OURS: Final = "minimalkv_django."


def ignored_settings() -> dict[str, str]:
    """Return the old settings that Django ignores, with what they name."""
    if django.VERSION < (5, 1):
        return {}
    found = {name: getattr(settings, name, None) for name in OLD_SETTINGS}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def honour_old_settings() -> None:
    """Put those that name a storage of ours into ``STORAGES``, unless that does.

    It is called before models are loaded, which take the default storage.
    """
    for name, backend in ignored_settings().items():
        alias = OLD_SETTINGS[name]
        usual = global_settings.STORAGES[alias]
        if backend.startswith(_OURS) and settings.STORAGES.get(alias, usual) == usual:
            settings.STORAGES = {**settings.STORAGES, alias: {"BACKEND": backend}}
            _forget(alias)


def _forget(alias: str) -> None:
    """Let Django make the storage anew, as it does when a test changes the setting."""
    vars(storages).pop("backends", None)
    vars(storages)["_storages"].pop(alias, None)
    static = sys.modules.get("django.contrib.staticfiles.storage")
    for lazy in (default_storage, getattr(static, "staticfiles_storage", None)):
        if lazy is not None:
            vars(lazy)["_wrapped"] = empty
