"""What a page tells a new user to do, in its order."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple


class Command(NamedTuple):
    """Lines to type, and what they print, or "" where the page does not tell."""

    lines: list[str]
    prints: str
    in_another_terminal: bool


class Stop(NamedTuple):
    """End the server that runs, by Ctrl-C."""


class Write(NamedTuple):
    """A file to write, or text to add to one."""

    name: str
    text: str
    adds: bool


class Change(NamedTuple):
    """Text to write in a file in the place of another."""

    name: str
    new: str
    old: str


class Visit(NamedTuple):
    """What to do in a browser, and what is seen then."""

    told: str


class Sample(NamedTuple):
    """Python that belongs to no file."""

    text: str


Step = Command | Stop | Write | Change | Visit | Sample

_PARTS: Final = re.compile(
    r"^```(?P<language>\S+)\n(?P<text>(?s:.*?))^```$|^(?P<prose>(?!```).+(?:\n(?!```).+)*)",
    re.M,
)
_FILE: Final = re.compile(r"\b(Write|Add to the end of) `([\w./]+)`:$")
_CHANGE: Final = re.compile(r"In `([\w./]+)`, write `([^`]+)` instead of `([^`]+)`\.")
_STOP: Final = re.compile(r"\b[Ss]top the (server|application)\b")
_ITEM: Final = re.compile(r"^\d+\. (.*(?:\n   .*)*)", re.M)


def steps(page: str) -> Iterator[Step]:
    """Yield what there is to do; a fence of which nobody knows is an error."""
    prose = ""
    parts = [*_PARTS.finditer(page)]
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        if part["prose"]:
            prose = part["prose"]
            yield from _in_prose(prose)
            continue
        yield from _in_fence(part["language"], part["text"], prose, following)


def _in_prose(prose: str) -> Iterator[Step]:
    if _STOP.search(prose):
        yield Stop()
    for name, new, old in _CHANGE.findall(prose):
        yield Change(name, new, old)
    for told in _ITEM.findall(prose):
        yield Visit(" ".join(told.split()))


def _in_fence(
    language: str, text: str, prose: str, following: re.Match[str] | None
) -> Iterator[Step]:
    if language == "python":
        found = _FILE.search(prose)
        if found:
            yield Write(found[2], text, adds=found[1] != "Write")
        else:
            yield Sample(text)
    elif language == "sh":
        printed = following is not None and following["language"] == "text"
        shown = following["text"] if printed and following else ""
        yield Command(text.splitlines(), shown, "In another terminal" in prose)
    else:
        assert language == "text", language
