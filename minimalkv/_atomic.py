"""Read, change and write back as one step, by optimistic concurrency."""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from minimalkv._constants import KEEP
from minimalkv._errors import (
    InvalidArgument,
    InvalidData,
    KeyExists,
    KeyNotFound,
    PreconditionFailed,
)
from minimalkv._meta import ObjectMeta
from minimalkv._put_checks import PutChecks, check_etag

MAX_TRIES: Final = 100
"""How often `update` tries before it gives up."""

_FIRST_PAUSE_SECS = 0.001
_LONGEST_PAUSE_SECS = 0.05
_LARGEST: Final = 2**63 - 1
_SMALLEST: Final = -(2**63)
# What Redis INCRBY takes: no sign but a minus, no zeros or spaces in front.
_NUMBER = re.compile(rb"(?:0|-?[1-9][0-9]{0,18})\Z")


class Atomic(PutChecks):
    """The verbs that look before they write, without losing a race."""

    def add(
        self,
        key: str,
        data: bytes,
        ttl_secs: float | str | None = None,
        *,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bool:
        """Store a value unless the key has one; of many callers one wins.

        Parameters
        ----------
        key, data, ttl_secs, content_type, headers
            As for `put`.

        Returns
        -------
        bool
            True if this call stored its value, False if there was one already.

        Raises
        ------
        Unsupported
            If the store has no ``conditional_support``.
        InvalidKey, InvalidData, InvalidArgument
            If an argument is unusable; nothing was written.
        StoreError
            If the backend failed; `StoreUnavailable` if it may have happened.
        """
        self._check_valid_key(key)
        self._check_data(data)
        options = self._put_options(
            ttl_secs, content_type=content_type, headers=headers, if_absent=True
        )
        try:
            self._put(key, data, **options)
        except KeyExists:
            return False
        return True

    def update(
        self,
        key: str,
        function: Callable[[bytes | None], bytes | None],
        ttl_secs: float | str | None = KEEP,
    ) -> bytes | None:
        """Replace a value by what a function makes of it, losing nobody's change.

        The function may be called many times, with the newest value each time, so it
        should do nothing but compute. No lock is held meanwhile.

        Parameters
        ----------
        key : str
            The key; it need not have a value.
        function : callable
            Gets the value or None, returns the new value, or None to delete it.
        ttl_secs : float, FOREVER, NOT_SET, KEEP or None
            As for `put`. `KEEP` leaves the expiry of the value as it is; a value that
            was not there gets ``default_ttl_secs`` then.

        Returns
        -------
        bytes or None
            What the function returned last, and what is stored now.

        Raises
        ------
        PreconditionFailed
            If others were first a hundred times; nothing was changed.
        StoreUnavailable
            If it is unknown whether the write happened; it is not repeated.
        Unsupported
            If the store has no ``conditional_support``.
        InvalidKey, InvalidData, InvalidArgument
            If an argument, or what the function returned, is unusable.
        StoreError
            If the backend failed.
        """
        self._require_conditions()
        self._check_valid_key(key)
        lifetime = ttl_secs if ttl_secs == KEEP else self._update_ttl(ttl_secs)
        for tries in range(MAX_TRIES):
            old, meta = self._look_up(key)
            new = function(old)
            try:
                self._replace(key, new, meta, lifetime)
            except PreconditionFailed:
                _pause(tries)
            else:
                return new
        raise PreconditionFailed(
            f"{key!r} was changed by others before each of {MAX_TRIES} tries. "
            "Spread what is written so often over several keys."
        )

    def _update_ttl(self, ttl_secs: float | str | None) -> float | str | None:
        return self._put_options(ttl_secs).get("ttl_secs")

    def _look_up(self, key: str) -> tuple[bytes | None, ObjectMeta | None]:
        try:
            return self._get_with_meta(key)
        except KeyError:
            return None, None

    def _replace(
        self,
        key: str,
        new: bytes | None,
        meta: ObjectMeta | None,
        ttl_secs: float | str | None,
    ) -> None:
        if new is not None:
            self._check_data(new)
            self._put(key, new, **self._update_options(meta, ttl_secs))
        elif meta is not None:
            self._delete(key, if_match=check_etag(meta.etag))

    def _update_options(
        self, meta: ObjectMeta | None, ttl_secs: float | str | None
    ) -> dict[str, Any]:
        options: dict[str, Any] = (
            {"if_absent": True} if meta is None else {"if_match": check_etag(meta.etag)}
        )
        if self.ttl_support:
            absent = meta is None and ttl_secs == KEEP
            options["ttl_secs"] = self._valid_ttl(None) if absent else ttl_secs
        if self.headers_support and meta is not None:
            options |= {"content_type": meta.content_type, "headers": meta.headers}
        return options

    def _remove(self, key: str) -> bool:
        """Delete a value and tell whether there was one: one of many callers did it."""
        for _ in range(MAX_TRIES):
            try:
                etag = self._head(key).etag
                if etag is None:
                    break  # Redis has none for a large value
                self._delete(key, if_match=etag)
            except KeyError:
                return False
            except PreconditionFailed:
                continue  # it was replaced, or somebody else deleted it
            return True
        self._delete(key)
        return True

    def increment(self, key: str, delta: int = 1) -> int:
        """Add to a number that is stored as ASCII decimal; its expiry stays.

        Parameters
        ----------
        key : str
            The key of a stored number.
        delta : int
            What is added, negative to subtract.

        Returns
        -------
        int
            The new number, a signed 64-bit one.

        Raises
        ------
        KeyNotFound
            If there is no value; none is created.
        InvalidData
            If the value is no such number.
        InvalidArgument
            If *delta* is no int, or the sum does not fit into 64 bits.
        StoreUnavailable
            If it is unknown whether it happened; it is not repeated.
        Unsupported
            If the store has no ``conditional_support``.
        InvalidKey, PreconditionFailed, StoreError
            As for `update`.
        """
        self._require_conditions()
        self._check_valid_key(key)
        if isinstance(delta, bool) or not isinstance(delta, int):
            raise InvalidArgument(f"delta is an int, not {delta!r}.")
        check_int64(delta)
        return self._increment(key, delta)

    def _increment(self, key: str, delta: int) -> int:
        def add(old: bytes | None) -> bytes:
            if old is None:
                raise KeyNotFound(key)
            return add_to_number(old, delta)

        return int(self.update(key, add) or b"")


def _pause(tries: int) -> None:
    # Only who lost a race pays for the import.
    from random import uniform

    longest = min(_FIRST_PAUSE_SECS * 2**tries, _LONGEST_PAUSE_SECS)
    time.sleep(uniform(0, longest))  # noqa: S311 - jitter is no secret


def add_to_number(stored: bytes, delta: int) -> bytes:
    """Add to a stored number.

    Raises
    ------
    InvalidData
        If it is no number as `Atomic.increment` describes it.
    InvalidArgument
        If the sum does not fit into 64 bits.
    """
    if not _NUMBER.match(stored) or not _SMALLEST <= int(stored) <= _LARGEST:
        raise InvalidData(
            "The value is no decimal number of 64 bits, so it cannot be incremented. "
            "Store one first: put(key, b'0')."
        )
    return b"%d" % check_int64(int(stored) + delta)


def check_int64(number: int) -> int:
    """Refuse what does not fit into 64 bits, as Redis does."""
    if not _SMALLEST <= number <= _LARGEST:
        raise InvalidArgument(f"{number} does not fit into a signed 64-bit number.")
    return number
