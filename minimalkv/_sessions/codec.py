"""What a session may hold, as JSON: the same values come back, of the same types."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

# A dict with one key that begins so is a value of a type that JSON does not know.
_MARK: Final = "!"
_LOOKS_TAGGED: Final = b'{"!'
_PLAIN: Final = frozenset((str, int, float, bool, type(None)))
_ONLY_TEXT: Final = frozenset((str,))

# Each level takes one of the 1000 of Python's stack, where it is read as well.
_DEEPEST: Final = 200
_STRING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
_BRACKET: Final = re.compile(r"[\[\]{}]")

# Without its check for circles, which recursion finds: it takes a third of the time.
_dumps: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def encode(data: Mapping[str, Any]) -> str:
    """Return data as JSON.

    Raises
    ------
    TypeError
        If something in it cannot be kept; the message tells where it is.
    ValueError
        If it contains itself, or is nested too deeply.
    """
    try:
        # Most sessions are JSON as they are: a look costs less than a copy.
        text = _dumps(data if _is_plain(data) else _tag_dict(data))
    except _Strange as strange:
        raise TypeError(_complaint(strange)) from None
    except RecursionError:
        text = ""
    if text and (text.count("[") + text.count("{") <= _DEEPEST or _is_flat(text)):
        return text
    raise ValueError(
        "The session contains itself, or is nested too deeply to be stored: JSON of "
        f"at most {_DEEPEST} levels can be read wherever it is needed."
    )


def _complaint(strange: "_Strange") -> str:
    place = "".join(f"[{step!r}]" for step in reversed(strange.path))
    kind = type(strange.value).__name__
    return (
        f"session{place} is of the type {kind}, which a session cannot keep. Store its "
        "id, or what it is made of: JSON values, tuples, sets, bytes, dates, times, "
        "Decimal, UUID, Markup."
    )


def _is_flat(text: str) -> bool:
    """Tell whether JSON can be read, also by who has used up half of the stack."""
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > _DEEPEST:
            return False
    return True


def encode_plain(data: Mapping[str, Any]) -> bytes:
    """Return what is JSON as it is, for sure, as JSON."""
    return _dumps(data).encode()


def is_plain_text(text: bytes) -> bool:
    """Tell whether what `encode` wrote is JSON as it is."""
    return _LOOKS_TAGGED not in text


def decode(text: str | bytes) -> Any:
    """Return what was encoded.

    Raises
    ------
    ValueError
        If it is not what `encode` writes.
    """
    raw = text.encode() if isinstance(text, str) else text
    read = _read if is_plain_text(raw) else _read_tagged
    try:
        given = raw.decode()
        found, end = read(given)
    except (ArithmeticError, AttributeError, LookupError, TypeError) as error:
        raise ValueError("A value is not what its tag says.") from error
    except RecursionError:
        raise ValueError("The text is nested too deeply.") from None
    if end != len(given):
        raise ValueError("Something follows on the text.")
    return found


class _Strange(Exception):
    """Something that has no form in JSON, and the way to it from within."""

    def __init__(self, value: object) -> None:
        self.value = value
        self.path: list[object] = []


# Writing.


def _is_plain(value: Any) -> bool:
    """Tell whether something is a dict or list, and the same once it was JSON."""
    if type(value) is dict:
        if not _ONLY_TEXT.issuperset(map(type, value)):
            return False
        if len(value) == 1 and next(iter(value)).startswith(_MARK):
            return False
        value = value.values()
    elif type(value) is not list:
        return False
    for item in value:  # noqa: SIM110 - `all` takes half as long again
        if type(item) not in _PLAIN and not _is_plain(item):
            return False
    return True


def _tag(value: Any) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is dict:
        return _tag_dict(value)
    if kind is list:
        return _tag_list(value)
    write = _WRITERS.get(kind) or _writer_of(value)
    return write(value)


def _tag_dict(value: Mapping[Any, Any]) -> dict[str, Any]:
    if not _ONLY_TEXT.issuperset(map(type, value)):
        pairs = [[_tag(key), _tag_at(key, item)] for key, item in value.items()]
        return {"!dict": pairs}
    tagged = {k: v if type(v) in _PLAIN else _tag_at(k, v) for k, v in value.items()}
    if len(tagged) == 1 and next(iter(tagged)).startswith(_MARK):
        return {"!dict": [[key, item] for key, item in tagged.items()]}
    return tagged


def _tag_list(value: list[Any] | tuple[Any, ...]) -> list[Any]:
    return [
        item if type(item) in _PLAIN else _tag_at(number, item)
        for number, item in enumerate(value)
    ]


def _tag_at(step: object, value: object) -> Any:
    try:
        return _tag(value)
    except _Strange as strange:
        strange.path.append(step)
        raise


def _tag_set(value: set[Any] | frozenset[Any]) -> list[Any]:
    # In an order of its own, or an equal set would count as a change.
    return sorted((_tag(item) for item in value), key=_dumps)


def _tag_timedelta(value: timedelta) -> dict[str, Any]:
    return {"!timedelta": [value.days, value.seconds, value.microseconds]}


def _isoformat(tag: str) -> Callable[[Any], dict[str, str]]:
    return lambda value: {tag: value.isoformat()}


def _tag_bytes(value: bytes | bytearray) -> dict[str, str]:
    return {"!bytes": b64encode(value).decode()}


_WRITERS: Final[dict[type, Callable[[Any], Any]]] = {
    tuple: lambda value: {"!tuple": _tag_list(value)},
    set: lambda value: {"!set": _tag_set(value)},
    frozenset: lambda value: {"!frozenset": _tag_set(value)},
    bytes: _tag_bytes,
    datetime: _isoformat("!datetime"),
    date: _isoformat("!date"),
    time: _isoformat("!time"),
    timedelta: _tag_timedelta,
    Decimal: lambda value: {"!decimal": str(value)},
    UUID: lambda value: {"!uuid": value.hex},
}


# What is made of another type is kept as that type; the first that fits counts.
_KINDS: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (list, _tag_list),
    (Mapping, _tag_dict),
    (bytearray, _tag_bytes),
    *((kind, _WRITERS[kind]) for kind in _WRITERS),
)


def _writer_of(value: object) -> Callable[[Any], Any]:
    if hasattr(value, "__html__"):
        return lambda markup: {"!markup": str(markup.__html__())}
    for kind, write in _KINDS:
        if isinstance(value, kind):
            return write
    raise _Strange(value)


# Reading.


def _untag(found: dict[str, Any]) -> Any:
    if len(found) != 1:
        return found
    (tag, value) = next(iter(found.items()))
    if not tag.startswith(_MARK):
        return found
    return _READERS[tag](value)


class SafeText(str):
    """Text that is HTML already, where the package markupsafe is missing."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def _markup(text: str) -> str:
    try:
        from markupsafe import Markup  # Flask and Jinja have it; we need nothing else
    except ImportError:
        return SafeText(text)
    return Markup(text)  # noqa: S704 - it was markup when it was stored


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "!dict": dict,
    "!tuple": tuple,
    "!set": set,
    "!frozenset": frozenset,
    "!bytes": lambda text: b64decode(text, validate=True),
    "!datetime": datetime.fromisoformat,
    "!date": date.fromisoformat,
    "!time": time.fromisoformat,
    "!timedelta": lambda parts: timedelta(*parts),
    "!decimal": Decimal,
    "!uuid": UUID,
    "!markup": _markup,
}

# What we wrote has no space around it, which `decode` looks for.
_read: Final = json.JSONDecoder().raw_decode
_read_tagged: Final = json.JSONDecoder(object_hook=_untag).raw_decode
