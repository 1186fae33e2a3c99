"""The application that ``INSTALLED_APPS`` names."""

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig
from django.conf import settings

from minimalkv import StoreURL


class MinimalkvConfig(AppConfig):
    """Adds the system checks, and keeps secrets off Django's pages."""

    name = "minimalkv_django"
    verbose_name = "minimalkv"

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
    for name in ("MINIMALKV_URL", "MINIMALKV_STORES", "MINIMALKV_SESSION_STORE"):
        value = getattr(settings, name, None)
        if value is not None:
            setattr(settings, name, _hidden(value))


def _hidden(value: Any) -> Any:
    if isinstance(value, str):
        return StoreURL(value) if "://" in value else value
    if isinstance(value, Mapping):
        return {alias: _hidden(store) for alias, store in value.items()}
    return value
