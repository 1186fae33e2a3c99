"""What commands print: lines for people, JSON for programs, bytes for pipes."""

import io
import json
import sys
import time
from codecs import getincrementaldecoder
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final, TextIO, cast

import click

from minimalkv._clock import now
from minimalkv._meta import ObjectMeta

_PAUSE_SECS: Final = 0.1
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_KILO: Final = 1024
_SPANS: Final = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


class Lines:
    """Prints lines: the first at once, and then not every one with a call of its own.

    Parameters
    ----------
    as_json : bool
        Whether programs read them: then nothing is escaped for a terminal.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._out = sys.stdout
        self._escape = not as_json and self._out.isatty()
        self._next_flush = 0.0

    def key(self, key: str) -> str:
        """Return a key as it is to be printed: it must not move a terminal's cursor."""
        return printable(key) if self._escape else key

    def write(self, text: str) -> None:
        """Print one line."""
        try:
            self._out.write(f"{text}\n")
        except UnicodeEncodeError:
            self._out.write(f"{_fitting(text, self._out)}\n")
        if time.monotonic() >= self._next_flush:
            self._out.flush()
            self._next_flush = time.monotonic() + _PAUSE_SECS

    def write_object(self, facts: Mapping[str, Any]) -> None:
        """Print one line of JSON."""
        self.write(json.dumps(facts))


def printable(text: str) -> str:
    """Escape what is no visible character."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def say(text: str, *, err: bool = False) -> None:
    """Print a line as click does, and escape what the encoding of the stream lacks.

    Parameters
    ----------
    text : str
        Any text.
    err : bool
        Whether it is for the standard error.
    """
    click.echo(_fitting(text, sys.stderr if err else sys.stdout), err=err)


def _fitting(text: str, stream: TextIO) -> str:
    # A StringIO has no encoding: it takes any text.
    encoding = getattr(stream, "encoding", None) or "utf-8"
    errors = getattr(stream, "errors", None) or "surrogatepass"
    if _can_encode(text, encoding, errors):
        return text
    if not _can_encode("…", encoding, "strict"):
        text = text.replace("…", "...")
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _can_encode(text: str, encoding: str, errors: str) -> bool:
    try:
        text.encode(encoding, errors)
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def binary_stdout() -> Iterator[BinaryIO]:
    """Give the standard output for bytes; where it takes only text, as text."""
    out: BinaryIO | None = getattr(sys.stdout, "buffer", None)
    if out is not None:
        sys.stdout.flush()
        yield out
        return
    text = _TextOutput(sys.stdout)
    try:
        yield cast("BinaryIO", text)
    finally:
        text.end()


class _TextOutput(io.RawIOBase):
    """For ``call_command(…, stdout=StringIO())``: a character may come in two pieces.

    Parameters
    ----------
    out : text file
        Where it goes.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._decoder = getincrementaldecoder("utf-8")("surrogateescape")

    def write(self, data: Any, /) -> int:
        self._out.write(self._decoder.decode(bytes(data)))
        return len(data)

    def end(self) -> None:
        """Write what is the beginning of a character only."""
        self._out.write(self._decoder.decode(b"", final=True))


def facts_of(meta: ObjectMeta) -> dict[str, Any]:
    """Return all that is known about a value, for JSON."""
    left = None if meta.expires is None else meta.expires.timestamp() - now()
    return {
        "key": meta.key,
        "size": meta.size,
        "modified": _exact(meta.modified),
        "expires": _exact(meta.expires),
        "ttl": None if left is None else round(left, 3),
        "content_type": meta.content_type,
        "etag": meta.etag,
        "md5": meta.md5,
        "headers": dict(meta.headers),
    }


def _exact(when: datetime | None) -> str | None:
    if when is None:
        return None
    text = when.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def moment(when: datetime | None) -> str:
    """Return a time in UTC to the second, or a dash."""
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if when else "-"


def remaining(expires: datetime | None) -> str:
    """Return how long a value lives yet, in its two largest units, or a dash."""
    if expires is None:
        return "-"
    left = int(expires.timestamp() - now())
    if left < 0:
        return "expired"
    parts: list[str] = []
    for unit, secs in _SPANS:
        if left >= secs or parts:
            parts.append(f"{left // secs}{unit}")
            left %= secs
    return " ".join(parts[:2]) or "0s"


def human(size: float) -> str:
    """Return a number of bytes in the unit that fits."""
    for unit in _UNITS:
        if size < _KILO or unit == _UNITS[-1]:
            break
        size /= _KILO
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
