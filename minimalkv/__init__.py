"""A key-value store for bytes, over memory, files, Redis, S3, Azure and Google Cloud.

>>> from minimalkv import get_store_from_url
>>> store = get_store_from_url("memory://")
>>> store.put("hello", b"world")
'hello'
"""

from importlib import import_module

# The name is enough for type checkers; `typing` takes ten times as long to import as
# all that this module needs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from minimalkv._constants import (
        FOREVER,
        KEEP,
        NOT_SET,
        VALID_KEY_RE,
        VALID_KEY_REGEXP,
        VALID_NON_NUM,
    )
    from minimalkv._errors import (
        AccessDenied,
        InvalidArgument,
        InvalidData,
        InvalidKey,
        InvalidToken,
        InvalidURL,
        KeyConflict,
        KeyExists,
        KeyNotFound,
        MinimalkvError,
        MissingExtra,
        PreconditionFailed,
        ReadOnlyStore,
        SessionUnavailable,
        StoreError,
        StoreUnavailable,
        UnknownScheme,
        Unsupported,
        UploadIncomplete,
        UploadRefused,
        UploadTooLarge,
        VerificationException,
        WrongContentType,
    )
    from minimalkv._get_store import get_store, get_store_from_url
    from minimalkv._key_value_store import KeyValueStore, UrlKeyValueStore
    from minimalkv._meta import ObjectMeta
    from minimalkv._mixins import (
        ConditionalMixin,
        CopyMixin,
        ExtendedKeyspaceMixin,
        TimeToLiveMixin,
        UrlMixin,
    )
    from minimalkv._registry import register_store
    from minimalkv._store_creation import create_store
    from minimalkv._store_decoration import decorate_store
    from minimalkv._urls import StoreURL, url2dict

__version__ = "2.0.0"

__all__ = [
    "FOREVER",
    "KEEP",
    "NOT_SET",
    "VALID_KEY_RE",
    "VALID_KEY_REGEXP",
    "VALID_NON_NUM",
    "AccessDenied",
    "ConditionalMixin",
    "CopyMixin",
    "ExtendedKeyspaceMixin",
    "InvalidArgument",
    "InvalidData",
    "InvalidKey",
    "InvalidToken",
    "InvalidURL",
    "KeyConflict",
    "KeyExists",
    "KeyNotFound",
    "KeyValueStore",
    "MinimalkvError",
    "MissingExtra",
    "ObjectMeta",
    "PreconditionFailed",
    "ReadOnlyStore",
    "SessionUnavailable",
    "StoreError",
    "StoreURL",
    "StoreUnavailable",
    "TimeToLiveMixin",
    "UnknownScheme",
    "Unsupported",
    "UploadIncomplete",
    "UploadRefused",
    "UploadTooLarge",
    "UrlKeyValueStore",
    "UrlMixin",
    "VerificationException",
    "WrongContentType",
    "create_store",
    "decorate_store",
    "get_store",
    "get_store_from_url",
    "register_store",
    "url2dict",
]

# Where a name lives, if not among the errors. Nothing is imported before it is used.
_HOMES = {
    "FOREVER": "_constants",
    "KEEP": "_constants",
    "NOT_SET": "_constants",
    "VALID_KEY_RE": "_constants",
    "VALID_KEY_REGEXP": "_constants",
    "VALID_NON_NUM": "_constants",
    "get_store": "_get_store",
    "get_store_from_url": "_get_store",
    "KeyValueStore": "_key_value_store",
    "UrlKeyValueStore": "_key_value_store",
    "ObjectMeta": "_meta",
    "ConditionalMixin": "_mixins",
    "CopyMixin": "_mixins",
    "ExtendedKeyspaceMixin": "_mixins",
    "TimeToLiveMixin": "_mixins",
    "UrlMixin": "_mixins",
    "register_store": "_registry",
    "create_store": "_store_creation",
    "decorate_store": "_store_decoration",
    "StoreURL": "_urls",
    "url2dict": "_urls",
}


if not TYPE_CHECKING:  # else every name would seem to be there

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = import_module(f"{__name__}.{_HOMES.get(name, '_errors')}")
        value = globals()[name] = getattr(home, name)
        return value


def __dir__() -> list[str]:
    return __all__
