"""The 'h' stores: the same stores, with ``/`` and space in their keys."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from minimalkv._mixins import ExtendedKeyspaceMixin
from minimalkv.fs import FilesystemStore
from minimalkv.memory import DictStore

if TYPE_CHECKING:
    from minimalkv._key_value_store import KeyValueStore

__all__ = ["HDictStore", "HFilesystemStore"]

# Made on first use: their SDKs take longer to import than all the rest.
_NETWORK: Final = {
    "HRedisStore": ("minimalkv.memory.redisstore", "RedisStore"),
    "HBoto3Store": ("minimalkv.net.boto3store", "Boto3Store"),
    "HBotoStore": ("minimalkv.net.botostore", "BotoStore"),
    "HS3FSStore": ("minimalkv.net.s3fsstore", "S3FSStore"),
    "HAzureBlockBlobStore": ("minimalkv.net.azurestore", "AzureBlockBlobStore"),
    "HGoogleCloudStore": ("minimalkv.net.gcstore", "GoogleCloudStore"),
}


class HDictStore(ExtendedKeyspaceMixin, DictStore):
    """A `DictStore` with ``/`` and space in its keys."""


class HFilesystemStore(ExtendedKeyspaceMixin, FilesystemStore):
    """A `FilesystemStore` with ``/`` and space in its keys: a slash makes a folder."""

    def size(self, key: str) -> int:
        """Return the bytes of a value, as ``head(key).size`` does.

        Raises
        ------
        KeyNotFound, InvalidKey, StoreError
            As for `head`.
        """
        return self.head(key).size


def __getattr__(name: str) -> Any:
    if name not in _NETWORK:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, base = _NETWORK[name]
    store: type[KeyValueStore] = getattr(import_module(module), base)
    made = type(name, (ExtendedKeyspaceMixin, store), {"__module__": __name__})
    globals()[name] = made
    return made


def __dir__() -> list[str]:
    return sorted([*__all__, *_NETWORK])
