"""What is in the store that does not belong there."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from minimalkv._checking.findings import OK, SKIPPED, WARNING, Finding
from minimalkv._checking.visit import PREFIX, Step, Visit
from minimalkv._constants import RESERVED_PREFIX
from minimalkv._errors import MinimalkvError
from minimalkv._keys import is_reserved

_MOST_NAMES: Final = 5000
_SHOWN: Final = 3
_SHOWN_CHARACTERS: Final = 60

# What sessions, users and caches put before their keys.
_ROOMS: Final = ("mkv-session-", "mkv-user-", "mkv-cache-")


def steps_of(visit: Visit) -> list[Step]:
    """Return the step that looks at names."""
    del visit
    return [Step(("foreign-names",), _look)]


def _look(visit: Visit) -> Iterator[Finding]:
    foreign: list[str] = []
    reserved: Counter[str] = Counter()
    count = 0
    try:
        for name, is_key in visit.backend.names():
            count += 1
            if not is_key:
                foreign.append(name)
            elif is_reserved(name):
                reserved[_room(name)] += 1
            if count >= _MOST_NAMES or visit.left_secs <= 0:
                break
    except MinimalkvError as error:
        text = f"The names could not be listed. {error}"
        yield Finding("foreign-names", SKIPPED, text)
        return
    yield _judged(count, foreign, reserved)


def _room(name: str) -> str:
    return next((room for room in (*_ROOMS, PREFIX) if name.startswith(room)), "")


def _judged(count: int, foreign: list[str], reserved: Counter[str]) -> Finding:
    most = f"the first {count}" if count >= _MOST_NAMES else f"{count}"
    told = ", ".join(
        f"{number} of {room}…" for room, number in reserved.items() if room
    )
    text = f"Looked at {most} names" + (f", among them {told}." if told else ".")
    if foreign:
        shown = ", ".join(repr(name[:_SHOWN_CHARACTERS]) for name in foreign[:_SHOWN])
        text = (
            f"{text} {len(foreign)} can be no key, so nobody here sees them: {shown}."
        )
        cure = "Another program wrote them: keep to a bucket or folder of your own."
        return Finding("foreign-names", WARNING, text, cure)
    return _judged_reserved(text, reserved)


def _judged_reserved(text: str, reserved: Counter[str]) -> Finding:
    if reserved[""]:
        text = (
            f"{text} {reserved['']} begin with {RESERVED_PREFIX!r} and belong to no "
            "session, user or cache."
        )
        cure = "That beginning is reserved: give them other keys (minimalkv mv)."
        return Finding("foreign-names", WARNING, text, cure)
    if reserved[PREFIX]:
        text = f"{text} {reserved[PREFIX]} were left behind by a check that was killed."
        cure = f"minimalkv rm --prefix {PREFIX} URL"
        return Finding("foreign-names", WARNING, text, cure)
    return Finding("foreign-names", OK, text)
