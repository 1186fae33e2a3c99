"""The observer that a configuration names, around the stores that it names."""

from pkgutil import resolve_name
from threading import Lock
from typing import Any, Final
from weakref import WeakValueDictionary

from minimalkv._key_value_store import KeyValueStore
from minimalkv._observing.calls import Callback
from minimalkv.observing import ObservedDecorator

_CURE: Final = (
    "MINIMALKV_OBSERVER is a function that takes a StoreCall, or where to import it "
    "from, as in 'shop.metrics.record'"
)


class Observed:
    """Stores, each in one wrapper that tells an observer of its calls.

    Parameters
    ----------
    error : type
        What is raised if there is no such observer.
    """

    def __init__(self, error: type[Exception]) -> None:
        self._error = error
        self._lock = Lock()
        # A wrapper keeps its store, so the id of that is not given to another one.
        self._wrappers: WeakValueDictionary[int, ObservedDecorator]
        self._wrappers = WeakValueDictionary()
        # What is known of a store is known of its wrapper: one for each for good.
        self._kept: dict[int, ObservedDecorator] = {}

    def around(
        self, store: KeyValueStore, observer: object, *, keep: bool
    ) -> KeyValueStore:
        """Return a store that tells an observer; the same one at every call.

        Parameters
        ----------
        store : KeyValueStore
            The store; one that tells this observer already is given back.
        observer : callable or str
            The function, or its dotted path.
        keep : bool
            Whether the wrapper lives as long as this does, also if nobody has it.
        """
        callback = self.callback(observer)
        if _tells(store, callback):
            return store
        with self._lock:
            wrapper = self._wrappers.get(id(store))
            if wrapper is None or not _tells(wrapper, callback):
                wrapper = ObservedDecorator(callback, store)
                self._wrappers[id(store)] = wrapper
            if keep:
                self._kept[id(store)] = wrapper
            return wrapper

    def callback(self, observer: object) -> Callback:
        """Return the function that a setting stands for."""
        if isinstance(observer, str):
            observer = self._imported(observer)
        if callable(observer):
            return observer
        raise self._error(f"{_CURE}; it is no {type(observer).__name__}.")

    def _imported(self, path: str) -> Any:
        try:
            return resolve_name(path)
        except (ImportError, AttributeError, ValueError) as error:
            raise self._error(f"{_CURE}; {path!r} is not there: {error}.") from error


def _tells(store: KeyValueStore, callback: Callback) -> bool:
    # Not `is`: a method is another object whenever it is looked up.
    return isinstance(store, ObservedDecorator) and store.callback == callback
