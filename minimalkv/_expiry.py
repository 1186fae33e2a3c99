"""Time to live: what a lifetime may be, and the verbs about it."""

import math
from typing import Final

from minimalkv._constants import FOREVER, NOT_SET
from minimalkv._errors import InvalidArgument, Unsupported
from minimalkv._hooks import Hooks

MAX_TTL_SECS: Final = 100 * 366 * 24 * 3600
"""A hundred years; what lives longer is `FOREVER`."""


def check_ttl(ttl_secs: object) -> float | str:
    """Return a lifetime that a store can work with.

    Raises
    ------
    InvalidArgument
        If it is neither `FOREVER` nor `NOT_SET` nor a number of seconds from 0 to a
        hundred years.
    """
    if ttl_secs in (FOREVER, NOT_SET):
        return str(ttl_secs)
    if isinstance(ttl_secs, bool) or not isinstance(ttl_secs, int | float):
        raise InvalidArgument(
            f"ttl_secs is a number of seconds, FOREVER or NOT_SET, not {ttl_secs!r}."
        )
    if math.isnan(ttl_secs) or not 0 <= ttl_secs <= MAX_TTL_SECS:
        raise InvalidArgument(
            f"ttl_secs is from 0 to {MAX_TTL_SECS}, a hundred years, not {ttl_secs!r}. "
            "FOREVER is for values that never expire."
        )
    return ttl_secs


class Expiry(Hooks):
    """The verbs about time to live."""

    def _valid_ttl(self, ttl_secs: float | str | None) -> float | str:
        return check_ttl(self.default_ttl_secs if ttl_secs is None else ttl_secs)

    def _require_ttl(self) -> None:
        if not self.ttl_support:
            raise Unsupported(
                f"In {type(self).__name__} values do not expire. Wrap it: "
                "minimalkv.ttl.TimeToLiveDecorator(store), in a URL #wrap:ttl."
            )

    def touch(self, key: str, ttl_secs: float | str | None = None) -> None:
        """Give a value a new lifetime, from now on, without reading or sending it.

        Parameters
        ----------
        key : str
            The key of a stored value.
        ttl_secs : float, FOREVER, NOT_SET or None
            Seconds, from 0 (gone at once) to a hundred years. None means
            ``default_ttl_secs``; `FOREVER` and `NOT_SET` take the expiry away.

        Raises
        ------
        KeyNotFound
            If there is no value, or it has expired.
        Unsupported
            If values do not expire in this store (no ``ttl_support``).
        InvalidKey, InvalidArgument
            If an argument is unusable.
        StoreError
            If the backend failed.
        """
        self._require_ttl()
        self._check_valid_key(key)
        self._touch(key, self._valid_ttl(ttl_secs))

    def ttl(self, key: str) -> float | None:
        """Tell how long a value has to live.

        Parameters
        ----------
        key : str
            The key of a stored value.

        Returns
        -------
        float or None
            Seconds, more than 0; None if it never expires.

        Raises
        ------
        KeyNotFound
            If there is no value, or it has expired.
        Unsupported
            If values do not expire in this store (no ``ttl_support``).
        InvalidKey
            If the key is unusable.
        StoreError
            If the backend failed.
        """
        self._require_ttl()
        self._check_readable_key(key)
        return self._ttl(key)

    def purge_expired(self, prefix: str = "") -> int:
        """Delete the values that have expired, where the backend does not by itself.

        A value that is written anew meanwhile stays.

        Parameters
        ----------
        prefix : str
            Only keys that begin with it.

        Returns
        -------
        int
            How many values were deleted.

        Raises
        ------
        Unsupported
            If values do not expire in this store (no ``ttl_support``).
        StoreError
            If the backend failed.
        """
        self._require_ttl()
        return self._purge_expired(prefix)
