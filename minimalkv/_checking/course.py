"""From a URL or a store to all that there is to find out."""

from collections.abc import Iterator
from typing import Final

from minimalkv._checking import behaviour, contents, fitness, network, rights
from minimalkv._checking.backends import Backend, backend_of, copy_of
from minimalkv._checking.findings import FAILED, OK, WARNING, Finding
from minimalkv._checking.visit import (
    Runner,
    Step,
    Stop,
    Visit,
    more_time,
    share_of,
    take,
    unexpected,
)
from minimalkv._errors import MinimalkvError, MissingExtra
from minimalkv._get_store import get_store_from_url
from minimalkv._key_value_store import KeyValueStore

_OBSERVING: Final = "minimalkv.observing"
_CORRECT: Final = "Correct the URL; the page about stores has every scheme and option."


def look_at_url(url: str, timeout_secs: float, *, read_only: bool) -> list[Finding]:
    """Open the store of a URL and look at it.

    Parameters
    ----------
    url : str
        Any text.
    timeout_secs : float
        How long all of it may take.
    read_only : bool
        Whether nothing may be written.
    """
    try:
        store = get_store_from_url(url)
    except MinimalkvError as error:
        return not_opened(error)
    opened = [
        Finding("url", OK, f"It opens {store!r}."),
        Finding("extra", OK, "The packages that it needs are installed."),
    ]
    with store:
        return opened + _look(store, timeout_secs, read_only=read_only)


def look_at(
    store: KeyValueStore, timeout_secs: float, *, read_only: bool
) -> list[Finding]:
    """Look at a store that somebody uses, by a copy of it where that is possible.

    Parameters
    ----------
    store, timeout_secs, read_only
        As for `look_at_url`.
    """
    if backend_of(store).is_remote:
        while type(store).__module__ == _OBSERVING:
            # Its observer may not pickle, and is not there to hear of these calls.
            store = store._dstore  # type: ignore[attr-defined]  # it is a wrapper
        copy = copy_of(store)
        if copy is not None:
            with copy:
                return _look(copy, timeout_secs, read_only=read_only)
    visit = Visit(
        store, backend_of(store), timeout_secs=timeout_secs, read_only=read_only
    )
    return _visit(visit)


def _look(
    store: KeyValueStore, timeout_secs: float, *, read_only: bool
) -> list[Finding]:
    backend = backend_of(store)
    backend.tame(share_of(timeout_secs))
    backend.create_nothing()
    visit = Visit(store, backend, timeout_secs=timeout_secs, read_only=read_only)
    return _visit(visit)


def _visit(visit: Visit) -> list[Finding]:
    visit.read_only = visit.read_only or visit.store.read_only
    try:
        found = take(_steps(visit), visit)
    finally:
        left = visit.tidy()
    return found + ([_left_behind(left)] if left else [])


def _steps(visit: Visit) -> list[Step]:
    backend = visit.backend
    return [
        *_from_below(backend, visit),
        *backend.before(),
        *rights.steps_of(visit),
        *backend.after(),
        *behaviour.steps_of(visit),
        *contents.steps_of(visit),
        *fitness.steps_of(visit),
    ]


def _from_below(backend: Backend, visit: Visit) -> list[Step]:
    """Return the steps that look at the servers of a store, if they can be named."""
    found: list[list[Step]] = []

    def find() -> None:
        try:
            found.append(network.network_steps(backend.endpoints()))
        except Exception as error:  # noqa: BLE001 - that of a third party may raise any
            found.append([_failing(error)])

    # It may have to ask the machine for credentials, and with them for the server.
    if Runner(find).wait(visit.left_secs):
        return found[0]
    cure = more_time(visit.timeout_secs)
    text = "This machine did not say in time what its credentials are."
    return [_stopping(Finding("credentials", FAILED, text, cure))]


def _failing(error: Exception) -> Step:
    return _stopping(unexpected("credentials", error))


def _stopping(finding: Finding) -> Step:
    def stop(_: Visit) -> Iterator[Finding]:
        yield from ()
        raise Stop(finding)

    return Step((finding.name,), stop)


def not_opened(error: MinimalkvError) -> list[Finding]:
    """Return what it means that there is no store.

    Parameters
    ----------
    error : MinimalkvError
        What was raised when it was opened.
    """
    if not isinstance(error, MissingExtra):
        return [Finding("url", FAILED, str(error), _CORRECT)]
    text, _, cure = str(error).rpartition(": ")
    return [
        Finding("url", OK, "Its scheme and options are known."),
        Finding("extra", FAILED, f"{text}, which is not installed here.", cure),
    ]


def _left_behind(keys: set[str]) -> Finding:
    named = " ".join(sorted(keys))
    text = (
        f"What was written here could not be deleted again, and may be there: {named}."
    )
    return Finding("delete", WARNING, text, f"minimalkv rm URL {named}")
