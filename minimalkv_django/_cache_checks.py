"""What ``manage.py check`` finds about the caches.

Besides what there is to find about any store; see `minimalkv_django.checks`:

- ``minimalkv.E008``: a cache has an option or a store that it cannot have.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from minimalkv import Unsupported
from minimalkv_django.checks import check_memory, tried

if TYPE_CHECKING:
    from minimalkv_django._cache_base import CacheBase

_OPTION: Final = "minimalkv.E008"


def check_caches(**_: Any) -> list[checks.CheckMessage]:
    """Check the caches that are ours; nothing connects."""
    return [
        message
        for alias, params in settings.CACHES.items()
        if is_ours(params)
        for message in _check(params, f"CACHES[{alias!r}]")
    ]


def is_ours(params: Mapping[str, Any]) -> bool:
    """Tell whether a cache is a `KVCache`, or of a class that is made of it."""
    backend = params.get("BACKEND", "")
    if backend.startswith("django."):
        return False  # nothing of it has to be loaded to know that
    from minimalkv_django.cache import KVCache

    try:
        found = import_string(backend)
    except ImportError:
        return False  # Django tells when it is used
    return isinstance(found, type) and issubclass(found, KVCache)


def _check(params: Mapping[str, Any], what: str) -> Iterator[checks.CheckMessage]:
    rest = {k: v for k, v in params.items() if k not in ("BACKEND", "LOCATION")}
    backend = import_string(params["BACKEND"])
    try:
        cache = backend(params.get("LOCATION", ""), rest)
    except (ImproperlyConfigured, TypeError) as error:
        yield checks.Error(f"{what}: {error}", id=_OPTION)
    else:
        yield from _check_store(cache, what)


def _check_store(cache: "CacheBase", what: str) -> Iterator[checks.CheckMessage]:
    store = tried(cache.open_store, f"{what}: ")
    if isinstance(store, checks.CheckMessage):
        yield store
        return
    yield from check_memory(store, f"{what} is")
    try:
        cache.check_store()
    except Unsupported as error:
        yield checks.Error(f"{what}: {error}", id=_OPTION)
