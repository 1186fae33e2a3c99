"""What the store can do, and whether that is enough for sessions, uploads and cache."""

from collections.abc import Iterator, Mapping
from typing import Final

from minimalkv._checking.findings import FAILED, OK, SKIPPED, WARNING, Finding, Status
from minimalkv._checking.visit import Step, Visit
from minimalkv._key_value_store import KeyValueStore

_ABILITIES: Final = {
    "expiry": "ttl_support",
    "conditional writes": "conditional_support",
    "copies by the server": "copy_support",
    "URLs for others": "url_support",
    "content types and headers": "headers_support",
}
_RIGHTS: Final = ("write", "read", "delete")
_ROOMS: Final = ("sessions", "uploads", "cache")


def steps_of(visit: Visit) -> list[Step]:
    """Return the steps that draw conclusions; they ask the server nothing."""
    del visit
    return [Step(("capabilities",), _capabilities), Step(_ROOMS, _rooms)]


def _capabilities(visit: Visit) -> Iterator[Finding]:
    store = visit.store
    can = [what for what, flag in _ABILITIES.items() if getattr(store, flag)]
    lacks = [what for what, flag in _ABILITIES.items() if not getattr(store, flag)]
    keys = "keys may have / and space" if store.extended_keys else "keys have no /"
    text = f"Can: {', '.join(can) or 'the plain verbs'}"
    text += f"; cannot: {', '.join(lacks)}" if lacks else ""
    yield Finding("capabilities", OK, f"{text}; {keys}, {store.max_key} characters.")


def _rooms(visit: Visit) -> Iterator[Finding]:
    failed = [name for name in _RIGHTS if visit.seen.get(name) == FAILED]
    for room in _ROOMS:
        if failed:
            text = f"Not looked at: see {failed[0]!r}."
            yield Finding(room, SKIPPED, text)
            continue
        reasons = list(_reasons(room, visit.store, visit.seen))
        if reasons:
            yield Finding(room, WARNING, f"Not fit: {'; '.join(reasons)}.", _CURE)
        else:
            yield Finding(room, OK, f"Fit: {_FIT[room]}.")


_CURE: Final = "Another store for these, under an alias of its own, will do."
_FIT: Final = {
    "sessions": "it writes on condition, so that no change of a session is lost",
    "uploads": "it takes values of any size that it has room for",
    "cache": "it writes on condition, so that add and incr are atomic",
}


def _reasons(
    room: str, store: KeyValueStore, found: Mapping[str, Status]
) -> Iterator[str]:
    if store.read_only:
        yield "the store is read only"
        return
    if room == "uploads":
        return
    if not store.conditional_support or found.get("conditional") == FAILED:
        yield "it does not write on condition"
    if room == "sessions" and found.get("eviction") == WARNING:
        yield "Redis may throw them away, see eviction"
