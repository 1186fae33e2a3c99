"""What happens to one value of the source: compared, copied, read back."""

import threading
from dataclasses import dataclass
from functools import partial
from typing import Final

from minimalkv._carrying import (
    Carried,
    Fingerprint,
    carry,
    carry_missing,
    fingerprint,
    is_framed,
)
from minimalkv._errors import (
    InvalidArgument,
    InvalidData,
    InvalidKey,
    KeyConflict,
    KeyExists,
    KeyNotFound,
    MinimalkvError,
    StoreError,
)
from minimalkv._key_value_store import KeyValueStore
from minimalkv._sync.comparing import is_known_to_be_same, is_same
from minimalkv._sync.crew import Stopped
from minimalkv._sync.listings import Listed, Listings
from minimalkv._sync.patience import fail, patiently
from minimalkv._sync.settings import Settings
from minimalkv._sync.tally import Tally
from minimalkv.ttl import with_ttl

_REFUSALS: Final = (InvalidKey, KeyConflict, InvalidData, InvalidArgument)


class _Moved:
    """Counts the bytes of a value on its way, and breaks it off when all is to end."""

    def __init__(self, tally: Tally, stop: threading.Event) -> None:
        self._tally = tally
        self._stop = stop
        self._size = 0

    def __enter__(self) -> "_Moved":
        return self

    def __call__(self, size: int) -> None:
        if self._stop.is_set():
            raise Stopped
        self._size += size
        self._tally.add("moving", by=size)

    def __exit__(self, *_: object) -> None:
        self._tally.add("moving", by=-self._size)


@dataclass(kw_only=True)
class Copier:
    """Sees to the values of the source, from several threads.

    Attributes
    ----------
    source, target : KeyValueStore
        The two sides.
    settings : Settings
        What was asked for.
    tally : Tally
        Counts.
    listings : Listings
        What both sides have.
    stop : threading.Event
        Ends the run.
    """

    source: KeyValueStore
    target: KeyValueStore
    settings: Settings
    tally: Tally
    listings: Listings
    stop: threading.Event

    def is_settled(self, listed: Listed) -> bool:
        """Count a value for which the listings tell that nothing is to be done."""
        if listed.target is None:
            return False
        if not self.settings.missing_only and (
            self.settings.verify
            or not is_known_to_be_same(self.source, self.target, listed)
        ):
            return False
        self.tally.add("same", "done", "skipped", size=listed.source.size)
        return True

    def see_to(self, listed: Listed) -> None:
        """Make the target have a value, whatever happens, and count what did."""
        try:
            sent: list[Carried] = []
            carried = patiently(partial(self._bring, listed, sent), self.stop)
            if carried is not None and self.settings.verify:
                patiently(partial(self._verify, listed.key, carried), self.stop)
            self.tally.succeed()
        except KeyNotFound:
            self.tally.add("vanished")
            self.listings.forget("source", listed.key)
        except _REFUSALS as error:
            self.tally.fail(listed.key, "refused", str(error))
        except (MinimalkvError, OSError) as error:
            fail(self.tally, self.stop, listed.key, error)
        self.tally.add("done", size=listed.source.size)

    def _bring(self, listed: Listed, sent: list[Carried]) -> Fingerprint | None:
        """Copy a value, unless it is there, and return what was copied."""
        if listed.target is not None and is_same(
            self.source, self.target, listed, by_reading=self.settings.verify
        ):
            self.tally.add("same", *["verified"] * self.settings.verify)
            return None
        if self.settings.dry_run:
            self._require_room(listed.key)
            self.tally.plan("copy", [listed.key])
            self.tally.add("copied", size=listed.source.size)
            return None
        return self._carry(listed.key, sent)

    def _carry(self, key: str, sent: list[Carried]) -> Fingerprint | None:
        bring = carry_missing if self.settings.missing_only else carry
        try:
            with _Moved(self.tally, self.stop) as moved:
                carried: Carried = bring(
                    self.source, self.target, key, progress=moved, sent=sent
                )
        except KeyExists:
            # Somebody else, who knows better, was first.
            self.tally.add("same")
            return None
        self.tally.add("copied", size=carried.value.size)
        self.tally.add("expiry_lost", by=carried.lost_expiry)
        return carried.value

    def _require_room(self, key: str) -> None:
        """Raise what a put of the key would raise, as far as the listings tell."""
        if is_framed(self.source, key):
            with_ttl(self.source).head(key)  # it may have expired
        self.target._check_valid_key(key)
        other = None if self.target.nested_keys else self.listings.conflict(key)
        if other is not None:
            raise KeyConflict(
                f"{key!r} cannot be beside {other!r}: one of them would be a file and "
                "a folder."
            )

    def _verify(self, key: str, copied: Fingerprint) -> None:
        try:
            found = fingerprint(self.target, key)
        except KeyNotFound:
            found = None
        if found is not None and found.is_same_value(copied):
            self.tally.add("verified")
            return
        has = f"{found.size} bytes with the MD5 {found.md5}" if found else "nothing"
        raise StoreError(
            f"The target has {has}, where {copied.size} bytes with the MD5 "
            f"{copied.md5} were stored. Somebody changed it meanwhile, or the store "
            "does not keep what it is given."
        )
