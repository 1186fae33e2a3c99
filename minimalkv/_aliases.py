"""The stores that a configuration names, the same ones in every framework."""

from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

from minimalkv._errors import InvalidArgument
from minimalkv._fork import tell_after_fork
from minimalkv._get_store import get_short_lived_store, get_store_from_url
from minimalkv._key_value_store import KeyValueStore
from minimalkv._masking import mask, plain_text
from minimalkv._urls import parse_url
from minimalkv.sessions import TIMEOUT_SECS

if TYPE_CHECKING:
    from minimalkv._observing.configured import Observed

DEFAULT: Final = "default"
SESSIONS: Final = "sessions"
ROOMS: Final = ("cache", SESSIONS, "uploads")
"""What takes the store of its own name, and else the default one."""

Source = str | KeyValueStore

_MEMORY: Final = ("memory", "hmemory")
# In place of a timeout: what the URL says, or the store's own.
_LONG_LIVED: Final = 0.0


class _Process:
    """One store, with its connections, for all who name the same URL in a process."""

    def __init__(self) -> None:
        self._stores: WeakValueDictionary[tuple[str, float], KeyValueStore]
        self._stores = WeakValueDictionary()
        self._after_fork()
        tell_after_fork(self)

    def _after_fork(self) -> None:
        self.lock = Lock()

    def open(self, url: str, timeout_secs: float) -> KeyValueStore:
        store = self._stores.get((url, timeout_secs))
        if store is None:
            store = self._stores[url, timeout_secs] = _open(url, timeout_secs)
        return store


_process: Final = _Process()


class AliasedStores:
    """The stores of one application, opened when they are asked for.

    Threads, tasks and all applications of a process share one store for each URL;
    those in memory belong to their alias here.

    Parameters
    ----------
    read : callable
        Returns what is configured at the moment: the URL of the default store, or what
        counts as false, and the mapping of each alias to a URL or a store, or None.
    error : type
        What is raised if the configuration is of no use.
    observer : callable
        Returns what ``MINIMALKV_OBSERVER`` is at the moment, or None.
    """

    def __init__(
        self,
        read: Callable[[], tuple[Any, Any]] = lambda: (None, None),
        error: type[Exception] = InvalidArgument,
        observer: Callable[[], Any] = lambda: None,
    ) -> None:
        self._read = read
        self._error = error
        self._observer = observer
        self._observed: Observed | None = None
        self._opened: dict[tuple[str, str, float], KeyValueStore] = {}

    def sources(self) -> dict[str, Source]:
        """Return what each alias stands for; raises `error` if that is no mapping."""
        url, by_alias = self._read()
        if not isinstance(by_alias, Mapping | None):
            raise self._error(
                "MINIMALKV_STORES has a store for each alias, as in "
                f"{{'default': 'hfs://./data'}}, and is no {type(by_alias).__name__}."
            )
        return {**({DEFAULT: url} if url else {}), **(by_alias or {})}

    def __iter__(self) -> Iterator[str]:
        return iter(self.sources())

    def __len__(self) -> int:
        return len(self.sources())

    def __contains__(self, alias: object) -> bool:
        found = self.sources()
        return alias in found or (alias in ROOMS and DEFAULT in found)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {', '.join(self)}>"

    def get(
        self,
        wanted: Source,
        *,
        short_lived: bool = False,
        timeout_secs: float = TIMEOUT_SECS,
    ) -> KeyValueStore:
        """Return a store by its alias or URL, or as it is.

        Parameters
        ----------
        wanted : str or KeyValueStore
            What names it.
        short_lived : bool
            Whether it is for what a power cut may cost, and no request should wait for:
            a URL that does not say otherwise gets ``fsync=false`` for files, and
            *timeout_secs* for a network. Always so for the alias ``sessions``.
        timeout_secs : float
            The timeout of what is short-lived, in seconds, 2 if it is not told.

        Raises
        ------
        InvalidURL, UnknownScheme, MissingExtra, Unsupported
            If the URL opens no store; `error` if nothing is known under the alias, or
            there is no such observer.
        """
        store = self._get(wanted, timeout_secs, short_lived=short_lived)
        observer = self._observer()
        if observer is None:
            return store
        # What is given here may be another one at every call.
        keep = store is not wanted
        return self._watching().around(store, observer, keep=keep)

    def check_observer(self) -> None:
        """Raise `error` if ``MINIMALKV_OBSERVER`` is of no use."""
        observer = self._observer()
        if observer is not None:
            self._watching().callback(observer)

    def _watching(self) -> "Observed":
        # Who observes nothing does not pay for the import.
        from minimalkv._observing.configured import Observed

        if self._observed is None:
            self._observed = Observed(self._error)
        return self._observed

    def _get(
        self, wanted: Source, timeout_secs: float, *, short_lived: bool
    ) -> KeyValueStore:
        if isinstance(wanted, KeyValueStore):
            return wanted
        alias, source = self._find(plain_text(wanted))
        if isinstance(source, KeyValueStore):
            return source
        url = plain_text(source)
        # Two stores in memory have nothing in common but the URL.
        is_memory = parse_url(url).scheme in _MEMORY
        is_short_lived = (short_lived or wanted == SESSIONS) and not is_memory
        timeout = timeout_secs if is_short_lived else _LONG_LIVED
        key = (alias if is_memory else "", url, timeout)
        with _process.lock:
            if key not in self._opened:
                opener = _open if is_memory else _process.open
                self._opened[key] = opener(url, timeout)
            return self._opened[key]

    def _find(self, wanted: str) -> tuple[str, Source]:
        """Return the alias that counts, and what is configured for it."""
        found = self.sources()
        for name in (wanted, *((DEFAULT,) if wanted in ROOMS else ())):
            if name in found:
                return name, found[name]
        if "://" in wanted:
            return wanted, wanted
        if not found:
            raise self._error(
                "No store is configured. Set MINIMALKV_URL = 'redis://localhost/0', or "
                "MINIMALKV_STORES with one for each alias."
            )
        raise self._error(
            f"MINIMALKV_STORES has no {_shown(wanted)!r}. Its aliases are: "
            f"{', '.join(sorted(found))}."
        )

    def reset(self) -> None:
        """Close the stores that were opened here, and forget them."""
        with _process.lock:
            opened, self._opened = self._opened, {}
            self._observed = None
        for store in opened.values():
            store.close()


def _shown(alias: str) -> str:
    """Return an alias for a message; a URL without its ``://`` may hold a secret."""
    return mask(alias) if ":" in alias or "@" in alias else alias


def _open(url: str, timeout_secs: float) -> KeyValueStore:
    if timeout_secs == _LONG_LIVED:
        return get_store_from_url(url)
    return get_short_lived_store(url, timeout_secs)
