"""Keys that the store makes: the hash of the value, or a UUID.

These wrappers stand outermost, since they take None as a key.

>>> from minimalkv.idgen import HashDecorator
>>> from minimalkv.memory import DictStore
>>> store = HashDecorator(DictStore())
>>> store.put(None, b"my_data")
'ab0c15b6029fdffce16b393f2d27ca839a76249e'
"""

import hashlib
import os
import stat
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minimalkv._errors import InvalidData
from minimalkv._key_value_store import KeyValueStore
from minimalkv._streams import Readable, chunks, new_spool
from minimalkv.decorator import StoreDecorator

__all__ = ["HashDecorator", "UUIDDecorator"]


class HashDecorator(StoreDecorator):
    """Store under the hash of the value where the key is None: equal values once.

    Parameters
    ----------
    decorated_store : KeyValueStore
        The store to pass on to.
    hashfunc : callable
        A hash function as `hashlib` has them. SHA-1, the default, is upstream's;
        choose ``hashlib.sha256`` where the values come from strangers.
    template : str
        What the hash is put into, in the place of ``{}``, such as ``{}.jpg``.
    """

    def __init__(
        self,
        decorated_store: KeyValueStore,
        hashfunc: Callable[..., Any] = hashlib.sha1,
        template: str = "{}",
    ) -> None:
        super().__init__(decorated_store)
        self.hashfunc = hashfunc
        self._template = template

    def put(self, key: str | None, data: bytes, *args: Any, **options: Any) -> str:
        """Store a value under a key, or under its hash.

        Parameters
        ----------
        key : str or None
            None for the hash of *data* in the template.
        data : bytes
            The value.
        *args, **options : object
            As for `KeyValueStore.put`.

        Returns
        -------
        str
            The key.

        Raises
        ------
        InvalidKey, InvalidData, InvalidArgument, Unsupported, StoreError
            As for `KeyValueStore.put`.
        """
        if key is None:
            self._check_data(data)
            key = self._template.format(self.hashfunc(data).hexdigest())
        return super().put(key, data, *args, **options)

    def put_file(
        self,
        key: str | None,
        file: str | os.PathLike[str] | Readable,
        *args: Any,
        **options: Any,
    ) -> str:
        """Store what a file has under a key, or under its hash.

        Parameters
        ----------
        key : str or None
            None for the hash of the content in the template. A file-like object waits
            on disk then, since the key is known only at its end.
        file : str, os.PathLike or file-like object
            As for `KeyValueStore.put_file`.
        *args, **options : object
            As for `KeyValueStore.put_file`.

        Returns
        -------
        str
            The key.

        Raises
        ------
        InvalidKey, InvalidData, InvalidArgument, Unsupported, StoreError
            As for `KeyValueStore.put_file`.
        """
        if key is not None:
            return super().put_file(key, file, *args, **options)
        if not isinstance(file, str | os.PathLike):
            return self._put_spooled(file, *args, **options)
        with Path(file).open("rb") as source:
            before = os.fstat(source.fileno())
            if not stat.S_ISREG(before.st_mode):
                return self._put_spooled(source, *args, **options)
            key = self._key_of(source)
            if _changed(before, os.fstat(source.fileno())):
                raise InvalidData(f"{file!r} was written to while it was read.")
        return super().put_file(key, file, *args, **options)

    def _put_spooled(self, source: Readable, *args: Any, **options: Any) -> str:
        """Store what can be read only once: its key is known at its end."""
        with new_spool() as spool:
            key = self._key_of(source, spool.write)
            spool.seek(0)
            return super().put_file(key, spool, *args, **options)

    def _key_of(self, source: Readable, keep: Callable[[bytes], object] = len) -> str:
        digest = self.hashfunc()
        for chunk in chunks(source):
            digest.update(chunk)
            keep(chunk)
        return self._template.format(digest.hexdigest())


def _changed(before: os.stat_result, after: os.stat_result) -> bool:
    return (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size)


class UUIDDecorator(StoreDecorator):
    """Store under a new UUID where the key is None.

    As upstream has it, a key that is given is put into the template, too.

    Parameters
    ----------
    store : KeyValueStore
        The store to pass on to.
    template : str
        What the UUID is put into, in the place of ``{}``, such as ``{}.jpg``.

    Attributes
    ----------
    uuidfunc : str
        The function of the module `uuid`. ``uuid1``, the default, is upstream's and
        tells the time and the machine; set ``uuid4`` where nobody should guess keys.
    """

    uuidfunc = "uuid1"

    def __init__(self, store: KeyValueStore, template: str = "{}") -> None:
        super().__init__(store)
        self._template = template

    def put(self, key: str | None, data: bytes, *args: Any, **options: Any) -> str:
        """Store a value under a key, or under a new one.

        Parameters
        ----------
        key : str or None
            What is put into the template; None for a new UUID.
        data : bytes
            The value.
        *args, **options : object
            As for `KeyValueStore.put`.

        Returns
        -------
        str
            The key.

        Raises
        ------
        InvalidKey, InvalidData, InvalidArgument, Unsupported, StoreError
            As for `KeyValueStore.put`.
        """
        return super().put(self._filled(key), data, *args, **options)

    def put_file(
        self,
        key: str | None,
        file: str | os.PathLike[str] | Readable,
        *args: Any,
        **options: Any,
    ) -> str:
        """Store what a file has under a key, or under a new one.

        Parameters
        ----------
        key : str or None
            What is put into the template; None for a new UUID.
        file : str, os.PathLike or file-like object
            As for `KeyValueStore.put_file`.
        *args, **options : object
            As for `KeyValueStore.put_file`.

        Returns
        -------
        str
            The key.

        Raises
        ------
        InvalidKey, InvalidData, InvalidArgument, Unsupported, StoreError
            As for `KeyValueStore.put_file`.
        """
        return super().put_file(self._filled(key), file, *args, **options)

    def _filled(self, key: str | None) -> str:
        if key is None:
            key = str(getattr(uuid, self.uuidfunc)())
        # Anything but text is left for the check of keys to refuse.
        return self._template.format(key) if isinstance(key, str) else key
