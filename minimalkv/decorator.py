"""Wrappers: stores that pass on to a store, with other keys or fewer rights."""

from collections.abc import Iterator
from typing import Any, NoReturn
from urllib.parse import quote_plus, unquote_plus

from minimalkv._errors import InvalidKey, ReadOnlyStore
from minimalkv._foreign import check_inner
from minimalkv._hooks import PING_KEY
from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import ObjectMeta
from minimalkv._passing_on import StoreDecorator

__all__ = [
    "KeyTransformingDecorator",
    "PrefixDecorator",
    "ReadOnlyDecorator",
    "StoreDecorator",
    "URLEncodeKeysDecorator",
]


class KeyTransformingDecorator(StoreDecorator):
    """Store under other keys: the base of the wrappers that do.

    A subclass has ``_map_key`` and its inverse ``_unmap_key``; ``_map_key_prefix``
    where the beginning of a key is mapped otherwise than a key; and ``_filter`` where
    the inner store has keys that are not ours.
    """

    def _iter_keys(self, prefix: str) -> Iterator[str]:
        return filter(self._is_backend_key, super()._iter_keys(prefix))

    def _iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
        return (m for m in super()._iter_meta(prefix) if self._is_backend_key(m.key))

    def _iter_prefixes(self, delimiter: str, prefix: str) -> Iterator[str]:
        return KeyValueStore._iter_prefixes(self, delimiter, prefix)


class PrefixDecorator(KeyTransformingDecorator):
    """Put a prefix before every key: a store of one's own inside a store.

    Keys that begin otherwise cannot be reached. A key is as much shorter as the backend
    has no room for the prefix: see ``max_key`` and ``max_segment``.

    Parameters
    ----------
    prefix : str
        What every inner key begins with, such as ``uploads-`` or, on an 'h' store,
        ``uploads/``.
    store : KeyValueStore
        The store to pass on to.

    Raises
    ------
    InvalidKey
        If no key can begin with *prefix*, or none would fit behind it.

    Examples
    --------
    >>> from minimalkv.decorator import PrefixDecorator
    >>> from minimalkv.memory import DictStore
    >>> everything = DictStore()
    >>> uploads = PrefixDecorator("uploads-", everything)
    >>> uploads.put("cat.png", b"...")
    'cat.png'
    >>> everything.keys()
    ['uploads-cat.png']
    """

    def __init__(self, prefix: str, store: KeyValueStore) -> None:
        super().__init__(store)
        if not isinstance(prefix, str):
            raise InvalidKey(f"prefix is a text, such as 'uploads-', not {prefix!r}.")
        self.prefix = prefix
        longest = self._backend_max_key or self.max_key
        longest_segment = self._backend_max_segment or self.max_segment
        self._longest = (longest, longest_segment)
        self._check_mapped(f"{prefix}x")
        self._backend_max_key = longest - len(prefix)
        self._backend_max_segment = longest_segment - len(prefix.rpartition("/")[2])
        self.max_segment = min(self.max_segment, self._backend_max_segment)
        self.max_key = min(self.max_key, self._backend_max_key)
        if not self.extended_keys:
            self.max_key = min(self.max_key, self.max_segment)

    def _check_key(self, key: str, max_key: int, max_segment: int) -> None:
        super()._check_key(key, max_key, max_segment)
        self._check_mapped(self.prefix + key)

    def _check_mapped(self, key: str) -> None:
        """Check a key as the inner store will see it; an encoding may lengthen it."""
        check_inner(self._inner, key, *self._longest)

    def _filter(self, key: str) -> bool:
        return key.startswith(self.prefix)

    def _map_key(self, key: str) -> str:
        return self.prefix + key

    def _unmap_key(self, key: str) -> str:
        return key.removeprefix(self.prefix)

    def _iter_prefixes(self, delimiter: str, prefix: str) -> Iterator[str]:
        if delimiter != "/" or not self.prefix.endswith("/"):
            # What follows the prefix may be no key of ours, such as "/x".
            return super()._iter_prefixes(delimiter, prefix)
        inner = self._inner._iter_prefixes(delimiter, self._map_key(prefix))
        return (self._unmap_key(key) for key in inner)


class URLEncodeKeysDecorator(KeyTransformingDecorator):
    """Take any text as a key, and store it under its URL encoding.

    A key is shorter by what the encoding takes: two more characters for every byte of
    its UTF-8 that is neither letter, digit nor one of ``_.-~``; a space becomes ``+``.
    """

    def __init__(self, store: KeyValueStore) -> None:
        super().__init__(store)
        self.extended_keys = True
        self.nested_keys = True
        self._reads_seed_keys = False

    def _check_key(self, key: str, max_key: int, max_segment: int) -> None:
        if not isinstance(key, str):
            check_inner(self._inner, key, max_key, max_segment)
        try:
            encoded = self._map_key(key)
        except UnicodeEncodeError as error:
            raise InvalidKey(f"{key!r} is no text: it has half a character.") from error
        check_inner(self._inner, encoded, max_key, max_segment)

    def _map_key(self, key: str) -> str:
        return quote_plus(key)

    def _unmap_key(self, key: str) -> str:
        return unquote_plus(key)

    def _map_key_prefix(self, key_prefix: str) -> str:
        return quote_plus(key_prefix, errors="surrogatepass")

    def _filter(self, key: str) -> bool:
        return quote_plus(unquote_plus(key)) == key


class ReadOnlyDecorator(StoreDecorator):
    """Refuse everything that writes, with `ReadOnlyStore` (an AttributeError too).

    It protects against mistakes, not against malice: the inner store can be reached.
    Its ``read_only`` is true.
    """

    def __init__(self, store: KeyValueStore) -> None:
        super().__init__(store)
        self.read_only = True

    def _ping(self) -> None:
        # Not that of the inner store, which may make a folder.
        self._has_key(PING_KEY)

    def _refuse(self, *_args: object, **_options: object) -> NoReturn:
        raise ReadOnlyStore(
            f"{self!r} is read only. Write through the store that it wraps."
        )

    _put = _put_file = _put_filename = _open_writer = _put_many = _refuse
    _delete = _delete_many = _copy = _move = _increment = _refuse
    _touch = _purge_expired = _refuse

    def _url_for(self, key: str, *args: Any, **options: Any) -> str:
        if options.get("method", "GET") != "GET":
            self._refuse()
        return super()._url_for(key, *args, **options)
