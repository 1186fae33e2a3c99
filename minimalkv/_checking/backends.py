"""What there is to know about each kind of store; the files ``of_*`` know more."""

import pickle
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from minimalkv._key_value_store import KeyValueStore
from minimalkv.decorator import StoreDecorator

if TYPE_CHECKING:
    from minimalkv._checking.visit import Step

_OF_REQUESTS: Final = "REQUESTS_CA_BUNDLE"
_NONE: Final[Mapping[str, str]] = {}


class Endpoint(NamedTuple):
    """A server that the store talks to.

    Attributes
    ----------
    host, port : str and int
        Where it is.
    tls : bool
        Whether to speak TLS.
    language : str
        ``http`` or ``redis``.
    ca_file : str or None
        The file, or folder, of certificates to trust; None for those of the system.
    verify : bool
        Whether its certificate has to be right.
    variable : str
        What names other certificates to trust, in the environment.
    """

    host: str
    port: int
    tls: bool
    language: str = "http"
    ca_file: str | None = None
    verify: bool = True
    variable: str = _OF_REQUESTS

    @property
    def takes_folder(self) -> bool:
        """Whether certificates may be files of a folder: for requests, not botocore."""
        return self.variable == _OF_REQUESTS

    @property
    def place(self) -> str:
        """Host and port, for a message."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Backend:
    """A store without its wrappers; this one is any that is not built in.

    Parameters
    ----------
    store : KeyValueStore
        The store.

    Attributes
    ----------
    place : str
        What holds the values: a bucket, a folder.
    needs : mapping of str to str
        The permission for ``list``, ``write``, ``read`` and ``delete``, by the name
        that the provider gives it.
    never : str
        An etag that no value has and that the server looks at; empty if there is no way
        to try a write that changes nothing.
    asks : str
        Whom to ask for permissions.
    plain_tls, needs_tls : str
        What to type where the server speaks no TLS, and where it speaks nothing else.
    no_host : str
        What else it may mean that the host has no address.
    is_remote : bool
        Whether it takes a network.
    """

    place = "store"
    needs: Mapping[str, str] = _NONE
    never = ""
    asks = "whoever looks after it"
    plain_tls = ""
    needs_tls = ""
    no_host = ""
    is_remote = False

    def __init__(self, store: KeyValueStore) -> None:
        self.store: Any = store

    def tame(self, timeout_secs: float) -> None:
        """Let the store wait no longer; nothing was asked yet."""

    def create_nothing(self) -> None:
        """Let the store create no bucket; nothing was asked yet."""

    def location(self) -> tuple[str, str]:
        """Return what holds the values, and what their names begin with there.

        Two stores with the same holder have one space of names. It is empty where
        nobody knows. It may raise what the store raises.
        """
        return "", ""

    def hides(self, key: str) -> bool:
        """Tell whether something is under a key that no listing shows."""
        del key
        return False

    def endpoints(self) -> list[Endpoint]:
        """Return the servers that are named; may raise what the store raises."""
        return []

    def is_stranger(self, error: Exception) -> bool:
        """Tell whether the server does not know who asks, or does not believe it."""
        del error
        return False

    def lacks_place(self, error: Exception) -> bool:
        """Tell whether the bucket or its like is missing."""
        del error
        return False

    def cure_for_credentials(self, error: Exception) -> str:
        """Return what to do where the server does not accept who asks."""
        del error
        return "Correct the user and the secret."

    def cure_for_place(self) -> str:
        """Return what to do where the bucket or its like is missing."""
        return ""

    def cure_for_permission(self, name: str) -> str:
        """Return what to do where *name*, such as ``write``, is not allowed."""
        needed = self.needs.get(name)
        return f"Ask {self.asks} for {needed}." if needed else ""

    def cure_for(self, name: str, error: Exception) -> str:
        """Return what to do where something failed, and not for a permission."""
        del name, error
        return ""

    def write_nothing(self, key: str) -> None:
        """Try a write that changes nothing, since its condition is not met.

        Raises
        ------
        PreconditionFailed
            If it may be done; or nothing is raised.
        """
        self.store.put(key, b"", if_match=self.never)

    def names(self) -> "Iterator[tuple[str, bool]]":
        """Yield all names, each with whether it is that of a value."""
        for key in self.store.iter_keys():
            yield key, True

    def before(self) -> "list[Step]":
        """Return the steps that come before the first call of the store."""
        return []

    def after(self) -> "list[Step]":
        """Return the steps that come behind the permissions."""
        return []


def copy_of(store: KeyValueStore) -> KeyValueStore | None:
    """Return a store with the same settings, which has not connected yet.

    It is None for one that is made of a client, which has no other.
    """
    with suppress(Exception):
        copy: KeyValueStore = pickle.loads(pickle.dumps(store))  # noqa: S301 - our own
        return copy
    return None


_KINDS: Final = {
    "minimalkv.fs": "of_fs",
    "minimalkv.memory.redisstore": "of_redis",
    "minimalkv.net.boto3store": "of_s3",
    "minimalkv.net.azurestore": "of_azure",
    "minimalkv.net.gcstore": "of_gcs",
}


def backend_of(store: KeyValueStore) -> Backend:
    """Return what is known about the store in the middle of wrappers.

    Parameters
    ----------
    store : KeyValueStore
        With wrappers or without.
    """
    inner = store
    while isinstance(inner, StoreDecorator):
        inner = inner._dstore
    for cls in type(inner).__mro__:
        # By name: whoever has one of them has loaded its SDK, and nobody else should.
        if cls.__module__ in _KINDS:
            module = import_module(f"minimalkv._checking.{_KINDS[cls.__module__]}")
            backend: Backend = module.Checked(inner)
            return backend
    return Backend(inner)
