"""A key-value store for bytes, over memory, files, Redis, S3, Azure and Google Cloud.

>>> from minimalkv import get_store_from_url
>>> store = get_store_from_url("memory://")
>>> store.put("hello", b"world")
'hello'
"""

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
    InvalidURL,
    KeyConflict,
    KeyExists,
    KeyNotFound,
    MinimalkvError,
    MissingExtra,
    PreconditionFailed,
    ReadOnlyStore,
    StoreError,
    StoreUnavailable,
    UnknownScheme,
    Unsupported,
    VerificationException,
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
    "StoreError",
    "StoreURL",
    "StoreUnavailable",
    "TimeToLiveMixin",
    "UnknownScheme",
    "Unsupported",
    "UrlKeyValueStore",
    "UrlMixin",
    "VerificationException",
    "create_store",
    "decorate_store",
    "get_store",
    "get_store_from_url",
    "url2dict",
]
