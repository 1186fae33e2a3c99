"""The location in a store where the static files are."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, BinaryIO

from minimalkv import KeyValueStore
from minimalkv._keys import is_reserved
from minimalkv_django._static_contents import AnyFile, Facts
from minimalkv_django._storage_content import Content
from minimalkv_django._storage_names import decode, key_of


class Place:
    """A folder of a store, whose files are told by name.

    Parameters
    ----------
    store : KeyValueStore
        The store.
    location : str
        The folder; empty for the whole store, except for the keys of sessions and
        caches.
    parameters : callable
        Returns what is stored along with the file of a name.
    """

    def __init__(
        self,
        store: KeyValueStore,
        location: str,
        parameters: Callable[[str], dict[str, Any]],
    ) -> None:
        self._store = store
        self._location = location
        self._parameters = parameters

    def _key(self, name: str) -> str:
        return key_of(self._location, name)

    def list_facts(self) -> Iterator[tuple[str, Facts]]:
        """Yield the name of each file and what is known of its content."""
        prefix = f"{self._key('')}/" if self._location else ""
        for meta in self._store.iter_meta(prefix):
            name = decode(meta.key[len(prefix) :])
            if name and not is_reserved(meta.key):
                yield name, Facts(meta.size, meta.md5)

    def open(self, name: str) -> BinaryIO:
        """Open a value to read it."""
        return self._store.open(self._key(name))

    def putter(self, name: str, data: bytes) -> Callable[[], object]:
        """Return what stores a value when it is called, by any thread."""
        return partial(self._store.put, self._key(name), data, **self._parameters(name))

    def put_file(self, name: str, file: AnyFile) -> None:
        """Store what a file has."""
        source = Content(file).open()
        self._store.put_file(self._key(name), source, **self._parameters(name))

    def delete(self, names: Iterable[str]) -> None:
        """Delete files."""
        self._store.delete_many(map(self._key, names))
