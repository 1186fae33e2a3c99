"""A move in which something else happens between any two calls of the stores."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from minimalkv import KeyValueStore, ObjectMeta, StoreError
from minimalkv.migration import MigrationDecorator
from minimalkv.ttl import with_ttl
from tests.counting import CountingDecorator

KEY = "mkv-session-1"


class Killed(BaseException):
    """The process is no more; no part of the code catches that."""


class Moments:
    """Counts the calls of both stores, and acts before the one of a number, once."""

    def __init__(self, number: int, action: Callable[[], object]) -> None:
        self.left = number
        self._action = action
        self._is_dead = False
        self._is_acting = False

    def pass_one(self) -> None:
        if self._is_dead:
            raise Killed
        if self._is_acting:
            return
        self.left -= 1
        if self.left == 0:
            self._is_acting = True
            try:
                self._action()
            except Killed:
                self._is_dead = True
                raise
            finally:
                self._is_acting = False


class Watched(CountingDecorator):
    """A store that lets a moment pass before each of its calls."""

    def __init__(self, store: KeyValueStore, moments: Moments) -> None:
        super().__init__(store)
        self._moments = moments

    def _note(self, call: str) -> None:
        self._moments.pass_one()

    def _get_file(self, *args: Any) -> object:
        self._note("get_file")
        return super()._get_file(*args)

    def _ttl(self, key: str) -> float | None:
        self._note("ttl")
        return super()._ttl(key)

    def _iter_keys(self, prefix: str) -> Iterator[str]:
        self._note("iter_keys")
        for key in super()._iter_keys(prefix):
            yield key
            self._note("iter_keys")

    def _iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
        self._note("iter_meta")
        for meta in super()._iter_meta(prefix):
            yield meta
            self._note("iter_meta")

    def _touch(self, *args: Any) -> None:
        self._note("touch")
        super()._touch(*args)

    def _increment(self, *args: Any) -> int:
        self._note("increment")
        return super()._increment(*args)

    def _copy(self, *args: Any) -> object:
        self._note("copy")
        return super()._copy(*args)

    def _put_many(self, *args: Any, **options: Any) -> None:
        self._note("put_many")
        super()._put_many(*args, **options)

    def _delete_many(self, *args: Any) -> None:
        self._note("delete_many")
        super()._delete_many(*args)


class Site:
    """Two stores, the old one with a session in it, and what moves it to the new one.

    Attributes
    ----------
    old, new : KeyValueStore
        The two stores.
    store : KeyValueStore
        What another process of the site uses.
    """

    def __init__(self, old: KeyValueStore, new: KeyValueStore, value: bytes) -> None:
        self.old, self.new = old, new
        self.store = with_ttl(MigrationDecorator(old, new))
        with_ttl(old).put(KEY, value, 1000)

    def store_with(self, moments: Moments) -> KeyValueStore:
        old, new = Watched(self.old, moments), Watched(self.new, moments)
        return with_ttl(MigrationDecorator(old, new))

    def is_gone(self) -> bool:
        """Tell whether neither store has the session any more."""
        return KEY not in self.store and not self.old.keys() and not self.new.keys()


Act = Callable[[KeyValueStore], object]


def at_each_moment(
    new_site: Callable[[], Site], act: Act, meanwhile: Callable[[Site], object]
) -> Iterator[tuple[Site, object]]:
    """Do something on new sites, with something else before its first, second… call.

    Yields
    ------
    tuple of Site and object
        The site, and what `act` has returned, or the error that it has raised.
    """
    for number in range(1, 1000):
        site = new_site()
        moments = Moments(number, partial(meanwhile, site))
        result: object
        try:
            result = act(site.store_with(moments))
        except (KeyError, StoreError, Killed) as error:
            result = error
        if moments.left > 0:
            # All its calls have had their turn.
            assert number > 1
            return
        yield site, result
