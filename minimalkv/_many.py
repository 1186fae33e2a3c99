"""The verbs about many keys: one round trip where the backend has one."""

from collections.abc import Iterable, Mapping
from itertools import islice

from minimalkv._errors import StoreError
from minimalkv._hooks import raise_failed
from minimalkv._put_checks import PutChecks

_BATCH_KEYS = 1000


class Many(PutChecks):
    """The verbs about many keys. They are many steps, not one."""

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values of those keys that have one.

        Parameters
        ----------
        keys : iterable of str
            Any number of keys; all values are held in memory at once.

        Returns
        -------
        dict of str to bytes
            In the order of *keys*; keys without a value are not in it.

        Raises
        ------
        InvalidKey
            If a key is unusable; nothing was read.
        StoreError
            If the backend failed.
        """
        return self._get_many(self._readable(keys))

    def _readable(self, keys: Iterable[str]) -> list[str]:
        """Check keys, and return each once."""
        listed = list(keys)
        for key in listed:
            self._check_readable_key(key)
        return list(dict.fromkeys(listed))

    def put_many(
        self,
        items: Mapping[str, bytes],
        ttl_secs: float | str | None = None,
        *,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        if_absent: bool = False,
    ) -> None:
        """Store many values. Each is one atomic step, all together are not.

        Parameters
        ----------
        items : mapping of str to bytes
            Keys and values.
        ttl_secs, content_type, headers, if_absent
            As for `put`, for every value.

        Raises
        ------
        InvalidKey, InvalidData, InvalidArgument, Unsupported
            If any argument is unusable; nothing was written.
        KeyExists
            If *if_absent* and some keys had a value; the others were written.
        StoreError
            If some values could not be stored; the others were. Either error has them
            as ``failed_keys``. After three without an answer, the rest is among them,
            untried.
        """
        for key, data in items.items():
            self._check_valid_key(key)
            self._check_data(data)
        options = self._put_options(
            ttl_secs, content_type=content_type, headers=headers, if_absent=if_absent
        )
        self._put_many(items, **options)

    def delete_many(self, keys: Iterable[str]) -> None:
        """Delete many values; a key without a value is no error.

        Parameters
        ----------
        keys : iterable of str
            Any number of keys.

        Raises
        ------
        InvalidKey
            If a key is unusable; nothing was deleted.
        StoreError
            If some could not be deleted, with them as ``failed_keys``; the others were.
            After three without an answer, the rest is among them, untried.
        """
        self._delete_many(self._readable(keys))

    def delete_prefix(self, prefix: str) -> int:
        """Delete all values whose keys begin with a prefix, in bounded memory.

        Parameters
        ----------
        prefix : str
            Any text; the empty one stands for all keys.

        Returns
        -------
        int
            How many keys were deleted. One that is written meanwhile may survive.

        Raises
        ------
        StoreError
            If some could not be deleted, with them as ``failed_keys``.
        """
        count = 0
        failed: dict[str, StoreError] = {}
        keys = self.iter_keys(prefix)
        while batch := list(islice(keys, _BATCH_KEYS)):
            try:
                self._delete_many(batch)
            except StoreError as error:
                failed |= dict.fromkeys(error.failed_keys or batch, error)
            count += len(batch)
        if failed:
            raise_failed(failed)
        return count
