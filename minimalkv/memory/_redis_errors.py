"""What Redis and its client complain about, in our words."""

import re
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterCrossSlotError,
    ClusterDownError,
    InvalidResponse,
    MaxConnectionsError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    SlotNotCoveredError,
    TryAgainError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.sentinel import MasterNotFoundError

from minimalkv._errors import AccessDenied, StoreError, StoreUnavailable
from minimalkv.memory._redis_link import (
    Astray,
    TooFewReplicas,
    Unreached,
    Unsure,
    is_unsure,
)

FAILURES: Final = (RedisError, RedisClusterException, Unreached, Unsure)
"""What a call raises that `explain` knows."""

_COMMAND = re.compile(r"run the '([^']{1,60})' command")
_LONGEST_SHOWN = 200
_NOT_IN_CLUSTER_MODE = "Cluster mode is not enabled"

_Describe: TypeAlias = Callable[[Exception, "Call"], StoreError]
_Kinds: TypeAlias = type[Exception] | tuple[type[Exception], ...]


class NotUnderstood(StoreError):
    """The server is older than the option of a command; nothing was done."""


class Call(NamedTuple):
    """What was tried.

    Attributes
    ----------
    place : str
        Where Redis is.
    timeout : float or None
        How long it had, in seconds.
    key : str or None
        The key that it was about, if it was one.
    writes : bool
        Whether something was to be changed.
    """

    place: str
    timeout: float | None
    key: str | None = None
    writes: bool = False


def explain(error: Exception, call: Call) -> StoreError:
    """Make the error of ours that says what happened, and what to do about it."""
    unsure = isinstance(error, Unsure) or is_unsure(error)
    cause = error
    while isinstance(cause, Unreached | Unsure):
        cause = cause.error
    known = (describe for kinds, describe in _KNOWN if isinstance(cause, kinds))
    explained = next(known, _unavailable)(cause, call)
    if call.writes and (unsure or isinstance(explained, StoreUnavailable)):
        outcome = "It may have happened." if unsure else "Nothing was changed."
        explained = type(explained)(f"{explained} {outcome}")
    # What Redis answers may name its user, or show a part of the value; and some
    # versions of redis-py tell of sentinels with their passwords.
    if not isinstance(cause, ResponseError | AuthenticationError | MasterNotFoundError):
        explained.__cause__ = cause
    return explained


def _login(cause: Exception, call: Call) -> StoreError:
    if "required" in str(cause):
        return AccessDenied(
            f"Redis at {call.place} asks for a password: write "
            "'redis://:password@host', or 'redis://user:password@host'."
        )
    if "without any password" in str(cause) or "no password is set" in str(cause):
        return AccessDenied(
            f"Redis at {call.place} has no password, and one was sent: leave it out, "
            "or set one there."
        )
    return AccessDenied(f"Redis at {call.place} refused the user or the password.")


def _permission(cause: Exception, call: Call) -> StoreError:
    match = _COMMAND.search(str(cause))
    if match:
        return AccessDenied(
            f"The user at Redis {call.place} may not run {match[1]!r}: allow it by "
            f"ACL SETUSER … +{match[1]}."
        )
    about = "this key" if call.key is None else f"the key {call.key!r}"
    return AccessDenied(
        f"The user at Redis {call.place} may not touch {about}: allow it by "
        "ACL SETUSER … ~pattern."
    )


def _waiting(cause: Exception, call: Call) -> StoreError:
    what = "is down"
    if isinstance(cause, BusyLoadingError):
        what = "is loading its data"
    elif isinstance(cause, TryAgainError):
        what = "is moving keys from one server to another"
    return StoreUnavailable(f"Redis at {call.place} {what}: {_shown(cause)}.")


def _astray(_: Exception, call: Call) -> StoreError:
    about = "a key" if call.key is None else f"the key {call.key!r}"
    return StoreUnavailable(
        f"No server of Redis at {call.place} takes {about}: each says that another has "
        "it. Let redis-cli --cluster check or fix look at it."
    )


def _too_few(cause: Exception, call: Call) -> StoreError:
    return StoreUnavailable(
        f"Redis at {call.place} has it, but in time only {cause} that ?wait= asks for: "
        "look at INFO replication, start a replica, or ask for fewer."
    )


def _timeout(_: Exception, call: Call) -> StoreError:
    within = "in time" if call.timeout is None else f"within {call.timeout:g} seconds"
    return StoreUnavailable(f"Redis at {call.place} did not answer {within}.")


def _no_master(cause: Exception, call: Call) -> StoreError:
    if "Authentication" in str(cause):
        return AccessDenied(f"A sentinel of {call.place} refused the password.")
    return StoreUnavailable(
        f"No sentinel of {call.place} answers and knows a primary that works."
    )


def _refused(cause: Exception, call: Call) -> StoreError:
    text = str(cause)
    for word, describe in _WORDS.items():
        if word in text:
            return describe(cause, call)
    return StoreError(f"Redis at {call.place} refused: {_shown(cause)}.")


def wrong_kind(call: Call) -> StoreError:
    """Make the error that says that a key has something that is no value."""
    return StoreError(
        f"Under the key {call.key!r} Redis at {call.place} has no value but a list, a "
        "hash or the like, which another program put there."
    )


def _cluster(cause: Exception, call: Call) -> StoreError:
    if _NOT_IN_CLUSTER_MODE in str(cause):
        return StoreError(
            f"Redis at {call.place} is no cluster: leave out ?cluster=true."
        )
    return _unavailable(cause, call)


def _unavailable(cause: Exception, call: Call) -> StoreError:
    return StoreUnavailable(f"No answer from Redis at {call.place}: {_shown(cause)}.")


def _shown(cause: Exception) -> str:
    """Return what was said, without what may be a part of a value."""
    text = str(cause).partition(", with args beginning with")[0]
    return text[:_LONGEST_SHOWN].rstrip(".") or type(cause).__name__


def _saying(kind: type[StoreError], text: str) -> _Describe:
    """Make errors with one text, in which stand the place and what was said."""

    def describe(cause: Exception, call: Call) -> StoreError:
        return kind(text.format(place=call.place, said=_shown(cause)))

    return describe


_full: Final = _saying(
    StoreError,
    "Redis at {place} is full, nothing was stored: raise its maxmemory, or, where it "
    "holds nothing but a cache, let it evict by maxmemory-policy.",
)
_replica: Final = _saying(
    StoreUnavailable,
    "Redis at {place} is a replica, which is read only: name the primary, or let "
    "sentinels find it, by ?sentinel=NAME.",
)
_is_cluster: Final = _saying(
    StoreError,
    "Redis at {place} belongs to a cluster: add ?cluster=true to the URL.",
)
_busy: Final = _saying(
    StoreUnavailable, "Redis at {place} is busy with a script or function: {said}."
)
_too_old: Final = _saying(
    StoreError,
    "Redis at {place} refused: {said}. It has to be Redis 6.2 or later, or Valkey.",
)
_not_understood: Final = _saying(
    NotUnderstood, "Redis at {place} does not know an option: {said}."
)
_connections: Final = _saying(
    StoreUnavailable,
    "No connection to Redis at {place} became free: {said}. Allow more by "
    "?max_connections=.",
)
_stranger: Final = _saying(
    StoreUnavailable, "What answers at {place} does not speak as Redis."
)

# What a script is refused comes as a plain ResponseError on some versions.
_WORDS: Final[dict[str, _Describe]] = {
    "WRONGTYPE": lambda _, call: wrong_kind(call),
    "CROSSSLOT": _is_cluster,
    "MOVED ": _is_cluster,
    "OOM ": _full,
    "READONLY": _replica,
    "BUSY ": _busy,
    "syntax error": _not_understood,
    "unknown command": _too_old,
    "Unknown Redis command": _too_old,
    "NOPERM": _permission,
    "has no permissions": _permission,
}
# The first that fits; subclasses before their bases.
_KNOWN: Final[tuple[tuple[_Kinds, _Describe], ...]] = (
    ((AuthenticationError, AuthorizationError), _login),
    (NoPermissionError, _permission),
    (OutOfMemoryError, _full),
    (ReadOnlyError, _replica),
    (
        (BusyLoadingError, ClusterDownError, SlotNotCoveredError, TryAgainError),
        _waiting,
    ),
    (Astray, _astray),
    (TooFewReplicas, _too_few),
    ((AskError, ClusterCrossSlotError), _is_cluster),
    (MaxConnectionsError, _connections),
    (RedisTimeoutError, _timeout),
    (InvalidResponse, _stranger),
    (MasterNotFoundError, _no_master),
    (RedisClusterException, _cluster),
    (ResponseError, _refused),
)
