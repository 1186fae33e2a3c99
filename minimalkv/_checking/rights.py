"""Who asks, whether there is a bucket, and what may be done in it."""

from collections.abc import Callable, Iterator
from typing import Final, NoReturn

from minimalkv._checking.findings import FAILED, OK, SKIPPED, WARNING, Finding
from minimalkv._checking.visit import PREFIX, Step, Stop, Visit, more_time
from minimalkv._errors import (
    AccessDenied,
    InvalidKey,
    KeyNotFound,
    MinimalkvError,
    PreconditionFailed,
    StoreUnavailable,
    Unsupported,
)

_VALUE: Final = b"written by minimalkv check, delete me"
# Where the store itself can, a value of ours is gone soon, whatever becomes of us.
_LIFE_SECS: Final = 60.0
_READ_ONLY: Final = "Not tried: nothing shall be written."


def steps_of(visit: Visit) -> list[Step]:
    """Return the steps that look at permissions."""
    remote = ("credentials", "bucket") if visit.backend.is_remote else ()
    return [
        Step((*remote, "list"), _first_call),
        Step(("write", "read", "delete"), _rights),
    ]


def _first_call(visit: Visit) -> Iterator[Finding]:
    """Ask for what changes nothing, and tells most of what may be wrong."""
    pinged = _asked(visit, visit.store.ping)
    if pinged is None:
        yield from _admitted(visit, is_there=True)
        listed = _error_of(lambda: _list_one(visit))
        _stop_if_silent("list", listed, visit)
    else:
        listed = _asked(visit, lambda: _list_one(visit))
        yield from _admitted(visit, is_there=listed is None)
    yield _allowed(visit, "list") if listed is None else _denied(visit, "list", listed)


def _list_one(visit: Visit) -> None:
    # Any key: Redis goes through all it has to find those with a prefix.
    next(visit.store.iter_keys(), None)


def _admitted(visit: Visit, *, is_there: bool) -> Iterator[Finding]:
    if not visit.backend.is_remote:
        return
    yield Finding("credentials", OK, "The server accepts them.")
    place = visit.backend.place
    if is_there:
        yield Finding("bucket", OK, f"The {place} is there.")
    else:
        text = f"Whether the {place} is there is told only to who may read or list."
        yield Finding("bucket", SKIPPED, text)


def _asked(visit: Visit, call: Callable[[], object]) -> AccessDenied | None:
    """Return why a call was refused, unless that leaves nothing to look at."""
    error = _error_of(call)
    if not isinstance(error, AccessDenied | None):
        _no_place(visit, error)
    if error is not None and visit.backend.is_stranger(error):
        _stranger(visit, error)
    return error


def _stranger(visit: Visit, error: AccessDenied) -> NoReturn:
    cure = visit.backend.cure_for_credentials(error)
    raise Stop(Finding("credentials", FAILED, str(error), cure))


def _no_place(visit: Visit, error: MinimalkvError) -> NoReturn:
    backend = visit.backend
    if isinstance(error, StoreUnavailable):
        cure = more_time(visit.timeout_secs) if backend.is_remote else ""
        raise Stop(Finding("list", FAILED, str(error), cure))
    if not backend.is_remote:
        raise Stop(Finding("list", FAILED, str(error)))
    cure = backend.cure_for_place() if backend.lacks_place(error) else ""
    accepted = Finding("credentials", OK, "The server accepts them.")
    raise Stop(Finding("bucket", FAILED, str(error), cure), accepted)


def _allowed(visit: Visit, name: str) -> Finding:
    needed = visit.backend.needs.get(name)
    told = f": {needed}" if needed else ""
    return Finding(name, OK, f"Allowed{told}.")


def _denied(visit: Visit, name: str, error: MinimalkvError) -> Finding:
    if isinstance(error, AccessDenied):
        cure = visit.backend.cure_for_permission(name)
    else:
        cure = visit.backend.cure_for(name, error)
    return Finding(name, FAILED, str(error), cure)


def _rights(visit: Visit) -> Iterator[Finding]:
    try:
        key = visit.new_key()
    except InvalidKey as error:
        text = f"Not tried: the store takes no key such as {PREFIX!r} has. {error}"
        for name in ("write", "read", "delete"):
            yield Finding(name, SKIPPED, text)
        return
    if visit.read_only:
        yield Finding("write", SKIPPED, _READ_ONLY)
        yield _read(visit, key, None)
        yield Finding("delete", SKIPPED, _READ_ONLY)
        return
    yield from _write_read_delete(visit, key)


def _write_read_delete(visit: Visit, key: str) -> Iterator[Finding]:
    # First, for what cannot be deleted must not be written: it would stay.
    refusal = _error_of(lambda: visit.store.delete(key))
    _stop_if_silent("delete", refusal, visit)
    visit.may_delete = refusal is None
    error = _try_to_write(visit, key)
    _stop_if_silent("write", error, visit)
    yield _written(visit, error)
    is_there = visit.may_delete and error is None
    yield _read(visit, key, _VALUE if is_there else None)
    if is_there:
        refusal = _error_of(lambda: visit.remove(key))
    if refusal is None:
        yield _allowed(visit, "delete")
    else:
        yield _denied(visit, "delete", refusal)


def _written(visit: Visit, error: MinimalkvError | None) -> Finding:
    if error is None:
        return _allowed(visit, "write")
    if isinstance(error, Unsupported):
        text = "Not tried: what is written could not be deleted again, see 'delete'."
        return Finding("write", SKIPPED, text)
    return _denied(visit, "write", error)


def _try_to_write(visit: Visit, key: str) -> MinimalkvError | None:
    if not visit.may_delete:
        return _error_of(lambda: _write_nothing(visit, key))
    life = _LIFE_SECS if visit.store.ttl_support else None
    visit.mark(key)
    error = _error_of(lambda: visit.store.put(key, _VALUE, life))
    if isinstance(error, AccessDenied):
        visit.unmark(key)
    return error


def _write_nothing(visit: Visit, key: str) -> None:
    if not visit.backend.never:
        raise Unsupported("There is no way to try it without a trace.")
    try:
        visit.backend.write_nothing(visit.inner_key(key))
    except PreconditionFailed:
        return


def _error_of(call: Callable[[], object]) -> MinimalkvError | None:
    try:
        call()
    except MinimalkvError as error:
        return error
    return None


def _stop_if_silent(name: str, error: MinimalkvError | None, visit: Visit) -> None:
    if isinstance(error, StoreUnavailable):
        cure = more_time(visit.timeout_secs)
        raise Stop(Finding(name, FAILED, str(error), cure))


def _read(visit: Visit, key: str, expected: bytes | None) -> Finding:
    found: bytes | None = None
    try:
        found = visit.store.get(key)
    except KeyNotFound:
        pass
    except MinimalkvError as error:
        return _denied(visit, "read", error)
    if found == expected:
        return _allowed(visit, "read")
    if expected is None:
        return Finding("read", WARNING, "There is a value under a key that nobody has.")
    text = "What was written a moment ago is not there, or is another value."
    cure = "Two servers that do not agree, or a cache in between: write to one of them."
    return Finding("read", FAILED, text, cure)
