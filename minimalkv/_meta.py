"""What a store knows about a value without reading it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from mimetypes import MimeTypes

_NO_HEADERS: Final[Mapping[str, str]] = {}
_COMPRESSED = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
    "compress": "application/x-compress",
    "br": "application/x-brotli",
}
_UNKNOWN = "application/octet-stream"
_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"
# What Python knows differs by its version: these are new, or not in all of them.
_NEWER: Final = {
    "7z": "application/x-7z-compressed",
    "abw": "application/x-abiword",
    "avif": "image/avif",
    "bat": "application/x-bat",
    "dll": "application/x-msdownload",
    "docx": f"{_OFFICE}.wordprocessingml.document",
    "epub": "application/epub+zip",
    "exe": "application/x-msdownload",
    "flac": "audio/flac",
    "gnumeric": "application/x-gnumeric",
    "heic": "image/heic",
    "heif": "image/heif",
    "jxl": "image/jxl",
    "ksh": "application/x-ksh",
    "m4a": "audio/mp4",
    "m4v": "video/mp4",
    "md": "text/markdown",
    "mid": "audio/midi",
    "mkv": "video/x-matroska",
    "odf": f"{_OPEN}.formula",
    "odg": f"{_OPEN}.graphics",
    "odp": f"{_OPEN}.presentation",
    "ods": f"{_OPEN}.spreadsheet",
    "odt": f"{_OPEN}.text",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "ogv": "video/ogg",
    "otf": "font/otf",
    "pl": "text/x-perl",
    "plist": "application/x-plist",
    "pptx": f"{_OFFICE}.presentationml.presentation",
    "rar": "application/vnd.rar",
    "rtf": "application/rtf",
    "so": "application/x-executable",
    "toml": "application/toml",
    "ttf": "font/ttf",
    "weba": "audio/webm",
    "webm": "video/webm",
    "webp": "image/webp",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    "yaml": "application/yaml",
    "yml": "application/yaml",
}


class ObjectMeta(NamedTuple):
    """The facts about one stored value.

    Attributes
    ----------
    key : str
        The key, as the store that was asked knows it.
    size : int
        Bytes of the value.
    etag : str or None
        The version: opaque, and another one whenever the value is another one. None
        where the store has no versions (no ``conditional_support``).
    modified : datetime or None
        When the value was stored, aware, in UTC. None where the backend does not say.
    content_type : str
        What was stored with the value, else guessed from the ending of the key.
    expires : datetime or None
        When the value goes, aware, in UTC. None if never.
    md5 : str or None
        MD5 of the value in lower-case hexadecimal, where the backend has it at hand.
    headers : mapping of str to str
        Cache-Control, Content-Encoding and Content-Disposition, where they are kept.
    """

    key: str
    size: int
    etag: str | None = None
    modified: datetime | None = None
    content_type: str = _UNKNOWN
    expires: datetime | None = None
    md5: str | None = None
    headers: Mapping[str, str] = _NO_HEADERS


def utc(secs: float) -> datetime:
    """Return an aware time in UTC; the last that there is, for what is after it."""
    try:
        return datetime.fromtimestamp(secs, UTC)
    except (OverflowError, ValueError):
        return datetime.max.replace(tzinfo=UTC)


def guess_content_type(key: str) -> str:
    """Tell the content type that the ending of a key stands for.

    Returns
    -------
    str
        ``application/octet-stream`` where it stands for none. A compressed file has
        the type of its compression, ``a.tar.gz`` is ``application/gzip``.
    """
    name = key.rpartition("/")[2]
    if "." not in name:
        return _UNKNOWN
    return _guess_ending(".".join(name.split(".")[-2:]))


def usual_ending(content_type: str) -> str | None:
    """Return an ending that stands for a content type, without a dot; None if none."""
    found = _types().guess_extension(content_type)
    return found and found[1:]


@lru_cache(maxsize=1024)
def _guess_ending(name: str) -> str:
    content_type, encoding = _types().guess_type(f"x.{name}")
    if encoding:
        return _COMPRESSED.get(encoding, _UNKNOWN)
    return content_type or _UNKNOWN


@cache
def _types() -> "MimeTypes":
    # Imported when a key first has an ending; and no system files are read, so that
    # the same key has the same type on every machine.
    from mimetypes import MimeTypes

    types = MimeTypes(filenames=())
    for ending, content_type in _NEWER.items():
        types.add_type(content_type, f".{ending}")
    return types
