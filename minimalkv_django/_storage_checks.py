"""What ``manage.py check`` finds about the storages of files.

Besides what there is to find about any store; see `minimalkv_django.checks`:

- ``minimalkv.E007``: a storage of files has an option or a store that it cannot have.
- ``minimalkv.W003``: a setting that Django ignores names a storage of files.
"""

from collections.abc import Iterator, Mapping
from inspect import signature
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.db.models import FileField
from django.utils.module_loading import import_string

from minimalkv_django._old_settings import OLD_SETTINGS, ignored_settings
from minimalkv_django._storage_options import ConfiguredStorage
from minimalkv_django.checks import check_memory, tried

_OPTION: Final = "minimalkv.E007"


def check_storages(**_: Any) -> list[checks.CheckMessage]:
    """Check the storages of the settings and of models; nothing connects."""
    return [*_check_settings(), *_check_fields(), *_check_ignored()]


def _check_settings() -> Iterator[checks.CheckMessage]:
    for alias, params in settings.STORAGES.items():
        backend = _backend(params)
        if backend is None:
            continue
        what = f"STORAGES[{alias!r}]"
        try:
            storage = storages[alias]
        except (ImproperlyConfigured, TypeError) as error:
            known = ", ".join(signature(backend).parameters)
            hint = f"The options of {backend.__name__} are: {known}."
            yield checks.Error(f"{what}: {error}", hint=hint, id=_OPTION)
        else:
            yield from _check_store(storage, what)


def _backend(params: Mapping[str, Any]) -> type[ConfiguredStorage] | None:
    try:
        backend = import_string(params["BACKEND"])
    except (ImportError, KeyError):
        return None  # Django tells when it is used
    is_ours = isinstance(backend, type) and issubclass(backend, ConfiguredStorage)
    return backend if is_ours else None


def _check_fields() -> Iterator[checks.CheckMessage]:
    for model in apps.get_models():
        for field in model._meta.local_fields:  # noqa: SLF001 - Django documents it
            if not isinstance(field, FileField):
                continue
            # By its type: the default storage is a proxy, and checked already.
            if issubclass(type(field.storage), ConfiguredStorage):
                yield from _check_store(field.storage, f"The storage of {field}")


def _check_store(storage: Any, what: str) -> Iterator[checks.CheckMessage]:
    store = tried(storage.find_store, f"{what}: ")
    if isinstance(store, checks.CheckMessage):
        yield store
        return
    yield from check_memory(store, f"{what} is")
    try:
        storage.check_store(store)
    except ImproperlyConfigured as error:
        yield checks.Error(f"{what}: {error}", id=_OPTION)


def _check_ignored() -> Iterator[checks.CheckMessage]:
    for name, backend in ignored_settings().items():
        alias = OLD_SETTINGS[name]
        yield checks.Warning(
            f"Django knows no {name} since version 5.1. Only storages of minimalkv are "
            "used because of it.",
            hint=f"Write STORAGES = {{{alias!r}: {{'BACKEND': {backend!r}}}, ...}}.",
            id="minimalkv.W003",
        )
