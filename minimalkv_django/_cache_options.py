"""What CACHES says of a cache of ours."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from django.core.exceptions import ImproperlyConfigured

from minimalkv.sessions import TIMEOUT_SECS
from minimalkv_django._cache_codecs import (
    Compressor,
    Serializer,
    find_compressor,
    find_serializer,
)

COMPRESS_MIN_BYTES: Final = 1024
"""From how many bytes on a value is compressed, if there is a compressor."""

_LONGEST_TIMEOUT_SECS: Final = 3600


class Options(NamedTuple):
    """The OPTIONS of a cache, checked.

    Attributes
    ----------
    serializer : Serializer
        Makes bytes of values.
    compressor : Compressor or None
        Makes them fewer.
    compress_min_bytes : int
        From how many on.
    ignore_exceptions : bool
        Whether the site goes on without the cache while the store fails.
    timeout : float
        How long a call waits for a store on the network, in seconds.
    """

    serializer: Serializer
    compressor: Compressor | None
    compress_min_bytes: int
    ignore_exceptions: bool
    timeout: float


def read_options(given: Mapping[str, Any]) -> Options:
    """Return the OPTIONS of a cache.

    Raises
    ------
    ImproperlyConfigured
        If one is unknown, or has a value that it cannot have.
    """
    for name in given:
        if name not in OPTIONS:
            raise ImproperlyConfigured(
                f"OPTIONS of a KVCache has no {name!r}. It has: {', '.join(OPTIONS)}."
            )
    values: dict[str, Any] = {name: read(given) for name, read in OPTIONS.items()}
    return Options(**values)


def _serializer(given: Mapping[str, Any]) -> Serializer:
    return find_serializer(given.get("serializer", "pickle"))


def _compressor(given: Mapping[str, Any]) -> Compressor | None:
    return find_compressor(given.get("compressor"))


def _compress_min_bytes(given: Mapping[str, Any]) -> int:
    value = given.get("compress_min_bytes", COMPRESS_MIN_BYTES)
    if type(value) is not int or value < 0:
        raise _wrong("compress_min_bytes", "a whole number, at least 0", value)
    return value


def _ignore_exceptions(given: Mapping[str, Any]) -> bool:
    value = given.get("ignore_exceptions", False)
    if type(value) is not bool:
        raise _wrong("ignore_exceptions", "True or False", value)
    return value


def _timeout(given: Mapping[str, Any]) -> float:
    value = given.get("timeout", TIMEOUT_SECS)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value <= _LONGEST_TIMEOUT_SECS:
        expected = f"a number of seconds above 0, at most {_LONGEST_TIMEOUT_SECS}"
        raise _wrong("timeout", expected, value)
    return float(value)


def _wrong(name: str, expected: str, value: object) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"The option {name!r} is {expected}, not {value!r}.")


OPTIONS: Final = {
    "serializer": _serializer,
    "compressor": _compressor,
    "compress_min_bytes": _compress_min_bytes,
    "ignore_exceptions": _ignore_exceptions,
    "timeout": _timeout,
}
"""The names, each with what reads it."""
