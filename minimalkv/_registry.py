"""Scheme -> store class: a table of names, imported on use, and third parties."""

import re
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from minimalkv import _schemes as schemes
from minimalkv._errors import InvalidArgument, MissingExtra, UnknownScheme
from minimalkv._options import UNIVERSAL, Options
from minimalkv._schemes import Family
from minimalkv._url_text import show, unknown_name

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

    from minimalkv._key_value_store import KeyValueStore

ENTRY_POINT_GROUP: Final = "minimalkv.stores"
"""Entry points of this group add schemes: ``name = "module:Class"``."""

_NONE: Mapping[str, object] = MappingProxyType({})
_H = "minimalkv._hstores"


class Backend(NamedTuple):
    """Where the store of a scheme is.

    Attributes
    ----------
    module, name : str
        The class, imported when the first store of it is made.
    extra : str or None
        What to install with ``pip install 'minimalkv[extra]'``.
    family : Family or None
        What the URL means; None for a third party, whose class knows that.
    preset : mapping of str to object
        Parameters that the scheme itself decides.
    """

    module: str
    name: str
    extra: str | None = None
    family: Family | None = None
    preset: Mapping[str, object] = _NONE

    @property
    def options(self) -> Options:
        """Return what a URL may have behind the question mark."""
        return {**UNIVERSAL, **(self.family.options if self.family else {})}


_TLS: Final = {"tls": True}
_MEMORY = schemes.MEMORY
_FS = schemes.FS
_REDIS = schemes.REDIS
_S3 = schemes.S3
_AZURE = schemes.AZURE
_GCS = schemes.GCS

BACKENDS: Final = {
    "memory": Backend("minimalkv.memory", "DictStore", None, _MEMORY),
    "hmemory": Backend(_H, "HDictStore", None, _MEMORY),
    "fs": Backend("minimalkv.fs", "FilesystemStore", None, _FS),
    "hfs": Backend(_H, "HFilesystemStore", None, _FS),
    "redis": Backend("minimalkv.memory.redisstore", "RedisStore", "redis", _REDIS),
    "hredis": Backend(_H, "HRedisStore", "redis", _REDIS),
    "rediss": Backend(
        "minimalkv.memory.redisstore", "RedisStore", "redis", _REDIS, _TLS
    ),
    "hrediss": Backend(_H, "HRedisStore", "redis", _REDIS, _TLS),
    "s3": Backend("minimalkv.net.boto3store", "Boto3Store", "s3", _S3),
    "hs3": Backend(_H, "HBoto3Store", "s3", _S3),
    "azure": Backend(
        "minimalkv.net.azurestore", "AzureBlockBlobStore", "azure", _AZURE
    ),
    "hazure": Backend(_H, "HAzureBlockBlobStore", "azure", _AZURE),
    "gcs": Backend("minimalkv.net.gcstore", "GoogleCloudStore", "gcs", _GCS),
    "hgcs": Backend(_H, "HGoogleCloudStore", "gcs", _GCS),
}
"""Every scheme that is built in."""

ALIASES: Final = {"boto": "hs3", "file": "fs", "filesystem": "hfs", "hfile": "hfs"}
"""Other names of built-in schemes, from earlier versions."""

_SCHEME = re.compile(r"[a-z][a-z0-9_.-]{0,39}")
_TARGET = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_]\w*)")
_registered: dict[str, Backend] = {}


def register_store(scheme: str, target: str) -> None:
    """Let a scheme open a store of your own, in this process.

    A package does the same for all programs by an entry point of the group
    ``minimalkv.stores``. Registering a scheme again replaces it.

    Parameters
    ----------
    scheme : str
        1 to 40 lower-case letters, digits and ``_.-``, a letter first.
    target : str
        ``"module:Class"``; imported when the first store is made.

    Raises
    ------
    InvalidArgument
        If the scheme is built in, or one of the two is malformed.
    """
    if not _SCHEME.fullmatch(scheme):
        raise InvalidArgument(f"{show(scheme)} is no scheme: write it as 'my-store'.")
    if scheme in BACKENDS or scheme in ALIASES:
        raise InvalidArgument(f"The scheme {scheme!r} is built in: take another name.")
    match = _TARGET.fullmatch(target)
    if match is None:
        raise InvalidArgument(f"{show(target)} is not of the form 'module:Class'.")
    _registered[scheme] = Backend(match[1], match[2])


def find(scheme: str) -> Backend:
    """Return where the store of a scheme is; nothing of it is imported.

    Parameters
    ----------
    scheme : str
        Built in, an alias, registered, or an entry point of an installed package.

    Raises
    ------
    UnknownScheme
        If it is none of these; the message lists the known ones.
    """
    backend = BACKENDS.get(ALIASES.get(scheme, scheme)) or _registered.get(scheme)
    return backend or _installed(scheme)


def _installed(scheme: str) -> Backend:
    from importlib.metadata import entry_points  # reads the disk: only when needed

    found = entry_points(group=ENTRY_POINT_GROUP)
    match = None
    for entry_point in found:
        if entry_point.name == scheme:
            match = _TARGET.fullmatch(entry_point.value)
    if match is None:
        raise _unknown_scheme(scheme, found)
    return Backend(match[1], match[2])


def _unknown_scheme(scheme: str, installed: "EntryPoints") -> UnknownScheme:
    if not _SCHEME.fullmatch(scheme):
        return UnknownScheme("That is no scheme; it is not shown, it may be a secret.")
    known = {*BACKENDS, *_registered, *installed.names}
    return UnknownScheme(unknown_name("scheme", scheme, known))


def load(scheme: str) -> "type[KeyValueStore]":
    """Import and return the store class of a scheme.

    Parameters
    ----------
    scheme : str
        As for `find`.

    Raises
    ------
    UnknownScheme
        If no store is registered under it, or the registered class does not exist.
    MissingExtra
        If a package that the store needs is not installed; the message says which.
    """
    backend = find(scheme)
    try:
        store = getattr(import_module(backend.module), backend.name, None)
    except ImportError as error:
        raise _import_problem(backend, error) from error
    if store is None:
        raise _missing_class(scheme, backend)
    cls: type[KeyValueStore] = store
    return cls


def _import_problem(backend: Backend, error: ImportError) -> Exception:
    missing = error.name or "another package"
    cure = "install the package that has this module"
    if backend.extra:
        cure = f"pip install 'minimalkv[{backend.extra}]'"
    return MissingExtra(f"{backend.name} needs {missing}: {cure}", name=error.name)


def _missing_class(scheme: str, backend: Backend) -> Exception:
    return UnknownScheme(
        f"The scheme {scheme!r} is registered as '{backend.module}:{backend.name}', "
        "but that module has no such class."
    )
