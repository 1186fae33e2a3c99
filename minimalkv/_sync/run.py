"""One run of a sync: list both sides, copy what differs, delete what is too much."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final

from minimalkv._carrying import is_framed
from minimalkv._clock import elapsed
from minimalkv._errors import InvalidKey, StoreError, StoreUnavailable
from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import ObjectMeta
from minimalkv._sync.copying import Copier
from minimalkv._sync.crew import TICK_SECS, Crew, Stopped
from minimalkv._sync.listings import Listed, Listings
from minimalkv._sync.looking import is_hidden, would_be_made
from minimalkv._sync.patience import fail, patiently
from minimalkv._sync.settings import Settings
from minimalkv._sync.tally import SyncProgress, SyncReport, Tally
from minimalkv.ttl import with_ttl

_LISTED_AT_ONCE: Final = 1000
_NO_BYTES: Final = 0
_NOT_DELETED: Final = "It is not deleted: "
_NO_KEY_THERE: Final = (
    "the source cannot have such a key, so nobody knows whether it lacks it. Was an "
    "'h' store meant, such as hfs://?"
)
_HIDDEN: Final = (
    "the source has a symbolic link there, which is not followed, so nobody knows what "
    "is behind it. Put the files themselves there, or mount them (mount --bind)."
)

Progress = Callable[[SyncProgress], object]


@dataclass
class Run:
    """What one call of `sync` does.

    Attributes
    ----------
    source, target : KeyValueStore
        The two sides.
    settings : Settings
        What was asked for.
    progress : callable or None
        Is told how far it is.
    """

    source: KeyValueStore
    target: KeyValueStore
    settings: Settings
    progress: Progress | None

    def __post_init__(self) -> None:
        self.tally = Tally()
        self.stop = threading.Event()
        self._told = elapsed()
        self._answered: set[str] = set()

    def run(self) -> SyncReport:
        """Do it, and sum up."""
        with closing(Listings()) as listings:
            self._list(listings)
            if self._may_go_on(listings):
                self._copy(listings)
            if self.settings.delete and self._report().complete:
                self._delete(listings)
            self._tell()
            return self._report()

    def _report(self) -> SyncReport:
        return self.tally.report(
            dry_run=self.settings.dry_run,
            description_lost=self.source.headers_support
            and not self.target.headers_support,
        )

    # Listing.

    def _list(self, listings: Listings) -> None:
        with Crew(partial(self._list_one, listings), 2, self._tick, self.stop) as crew:
            for table in ("source", "target"):
                crew.give(table, _NO_BYTES)
            crew.finish()

    def _list_one(self, listings: Listings, table: str) -> None:
        try:
            self._list_into(listings, table)
        except StoreUnavailable:
            if table not in self._answered:
                raise  # a wrong host; nobody is to wait for it
            patiently(partial(self._list_into, listings, table), self.stop)

    def _list_into(self, listings: Listings, table: str) -> None:
        store: KeyValueStore = getattr(self, table)
        try:
            self._list_pages(listings, table, store.iter_meta(self.settings.prefix))
        except StoreError as error:
            if not (self.settings.dry_run and would_be_made(store, error)):
                raise

    def _list_pages(
        self, listings: Listings, table: str, found: Iterator[ObjectMeta]
    ) -> None:
        while page := list(islice(found, _LISTED_AT_ONCE)):
            if self.stop.is_set():
                raise Stopped
            self._answered.add(table)
            listings.add(table, page)
            self.tally.add("done", by=len(page))

    def _may_go_on(self, listings: Listings) -> bool:
        objects, size = listings.totals()
        self.tally.begin("copying", objects, size)
        self.tally.add("listed", by=objects)
        surplus = listings.count_surplus() if self.settings.delete else 0
        if surplus and not objects:
            # A mistyped folder is empty too.
            self.tally.stopped = (
                f"The source has nothing, so all {surplus} objects of the target would "
                "be deleted. Look at the source; where that is meant, delete them by "
                "`minimalkv rm --prefix`."
            )
        return not self.tally.stopped

    # Copying.

    def _copy(self, listings: Listings) -> None:
        copier = Copier(
            source=self.source,
            target=self.target,
            settings=self.settings,
            tally=self.tally,
            listings=listings,
            stop=self.stop,
        )
        with Crew(copier.see_to, self.settings.workers, self._tick, self.stop) as crew:
            for listed in listings:
                if not copier.is_settled(listed) and not self._give(crew, listed):
                    break
                self._tick()
            crew.finish()

    def _give(self, crew: Crew[Listed], listed: Listed) -> bool:
        return crew.give(listed, listed.source.size)

    # Deleting.

    def _delete(self, listings: Listings) -> None:
        self.tally.begin("deleting", listings.count_surplus())
        workers = self.settings.workers
        with Crew(self._delete_page, workers, self._tick, self.stop) as crew:
            for page in listings.surplus():
                if not crew.give(page, _NO_BYTES):
                    break
            crew.finish()

    def _delete_page(self, page: list[str]) -> None:
        # What somebody stored in the source meanwhile is to be copied by the next run.
        keys = [key for key in page if self._is_surplus(key)]
        if self.settings.dry_run:
            self.tally.plan("delete", keys)
        else:
            failed = self._delete_keys(keys)
            keys = [key for key in keys if key not in failed]
        self.tally.add("deleted", by=len(keys))
        self.tally.add("done", by=len(page))

    def _is_surplus(self, key: str) -> bool:
        store = with_ttl(self.source) if is_framed(self.source, key) else self.source
        try:
            if patiently(lambda: key in store, self.stop):
                return False
            if not is_hidden(self.source, key):
                return True
            self._refuse_to_delete(key, _HIDDEN)
        except InvalidKey:
            self._refuse_to_delete(key, _NO_KEY_THERE)
        except StoreError as error:
            fail(self.tally, self.stop, key, error, _NOT_DELETED)
        return False

    def _refuse_to_delete(self, key: str, reason: str) -> None:
        self.tally.fail(key, "refused", f"{_NOT_DELETED}{reason}")

    def _delete_keys(self, keys: list[str]) -> set[str]:
        """Delete keys of the target, and return those where it failed."""
        try:
            patiently(partial(self.target.delete_many, keys), self.stop)
        except StoreError as error:
            failed = error.failed_keys or tuple(keys)
            for key in failed:
                fail(self.tally, self.stop, key, error, _NOT_DELETED)
            return set(failed)
        self.tally.succeed()
        return set()

    # Telling.

    def _tick(self) -> None:
        if elapsed() - self._told >= TICK_SECS:
            self._tell()

    def _tell(self) -> None:
        self._told = elapsed()
        progress = self.tally.progress()
        if self.progress is not None:
            self.progress(progress)
