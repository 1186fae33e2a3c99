"""The application that ``INSTALLED_APPS`` names."""

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig
from django.conf import settings

from minimalkv import StoreURL
from minimalkv_django._old_settings import honour_old_settings
from minimalkv_django.stores import SETTINGS


class MinimalkvConfig(AppConfig):
    """Adds the system checks, and keeps secrets off Django's pages."""

    name = "minimalkv_django"
    verbose_name = "minimalkv"

    def __init__(self, app_name: str, app_module: Any) -> None:
        super().__init__(app_name, app_module)
        honour_old_settings()

    def ready(self) -> None:
        """Run when all applications are loaded; see Django."""
        from minimalkv_django import checks

        checks.connect()
        hide_secrets()


def hide_secrets() -> None:
    """Let the URLs in the settings print without their passwords.

    Django's page for errors and its ``diffsettings`` print what their names do not mark
    as secret.
    """
    for name in SETTINGS:
        value = getattr(settings, name, None)
        if value is not None:
            setattr(settings, name, _hidden(value))
    found = {alias: _hidden_options(p) for alias, p in settings.STORAGES.items()}
    if any(found[alias] is not params for alias, params in settings.STORAGES.items()):
        settings.STORAGES = found
    caches = {alias: _hidden_location(p) for alias, p in settings.CACHES.items()}
    if any(caches[alias] is not params for alias, params in settings.CACHES.items()):
        settings.CACHES = caches


def _hidden_location(params: Mapping[str, Any]) -> Mapping[str, Any]:
    from minimalkv_django._cache_checks import is_ours

    # Other caches may take the URL apart, and find what it prints.
    if "LOCATION" not in params or not is_ours(params):
        return params
    return {**params, "LOCATION": _hidden(params["LOCATION"])}


def _hidden_options(params: Mapping[str, Any]) -> Mapping[str, Any]:
    options = params.get("OPTIONS") or {}
    if "store" not in options:
        return params
    return {**params, "OPTIONS": {**options, "store": _hidden(options["store"])}}


def _hidden(value: Any) -> Any:
    if isinstance(value, str):
        return StoreURL(value) if "://" in value else value
    if isinstance(value, Mapping):
        return {alias: _hidden(store) for alias, store in value.items()}
    return value
