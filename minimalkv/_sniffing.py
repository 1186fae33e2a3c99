"""What a file is, judged by its first bytes."""

import codecs
import re
from collections.abc import Iterable
from functools import cache
from typing import Final

import filetype

from minimalkv._meta import guess_content_type, usual_ending

BEGINNING_BYTES: Final = 8192
"""As many bytes as the longest of the patterns looks at."""

UNKNOWN: Final = "application/octet-stream"
_TEXT: Final = "text/plain"
_SVG: Final = "image/svg+xml"
_OLE_TYPE: Final = "application/x-ole-storage"

# One type has several names: these are the ones that browsers know.
_USUAL: Final = {
    "application/font-sfnt": "font/ttf",
    "application/font-woff": "font/woff",
    "application/x-gzip": "application/gzip",
    "application/x-rar-compressed": "application/vnd.rar",
    "audio/m4a": "audio/mp4",
    "audio/mp4a-latm": "audio/mp4",
    "audio/x-flac": "audio/flac",
    "audio/x-m4a": "audio/mp4",
    "audio/x-wav": "audio/wav",
    "image/pjpeg": "image/jpeg",
    "image/x-icon": "image/vnd.microsoft.icon",
    "image/x-ms-bmp": "image/bmp",
    "text/javascript": "application/javascript",
    "text/xml": "application/xml",
    "video/x-m4v": "video/mp4",
}
_ENDINGS: Final = {
    "application/gzip": "gz",
    "application/msword": "doc",
    "application/postscript": "ps",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    "application/x-bzip2": "bz2",
    "application/x-executable": "so",
    "application/x-msdownload": "exe",
    "application/x-xz": "xz",
    "application/xml": "xml",
    "application/yaml": "yaml",
    "audio/aac": "aac",
    "audio/flac": "flac",
    "audio/mp4": "m4a",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "image/avif": "avif",
    "image/bmp": "bmp",
    "image/heic": "heic",
    "image/jpeg": "jpg",
    "image/tiff": "tif",
    "image/webp": "webp",
    "text/plain": "txt",
    "video/mp4": "mp4",
    UNKNOWN: "bin",
}
# What these hold is told by the name only: they all are archives of the first kind.
_CONTAINERS: Final = {
    "application/gzip": ("application/x-gnumeric", "application/x-abiword"),
    "application/xml": ("application/x-abiword", "application/x-plist"),
    "application/zip": ("application/vnd.", "application/epub+zip"),
    "application/msword": ("application/vnd.ms-", "application/msword"),
    _OLE_TYPE: ("application/vnd.ms-", "application/msword"),
    "video/mp4": ("audio/mp4",),
    "audio/ogg": ("video/ogg",),
    "video/webm": ("audio/webm",),
    "font/woff": ("font/woff2",),
    "font/ttf": ("font/otf",),
}
# Web servers that share their folders with uploads may run these, whatever they hold.
_RUN_BY_SERVERS: Final = frozenset(
    [
        "php",
        "php3",
        "php4",
        "php5",
        "php7",
        "php8",
        "phps",
        "pht",
        "phtml",
        "phar",
        "asp",
        "aspx",
        "ashx",
        "asmx",
        "jsp",
        "jspx",
        "jspf",
        "cgi",
        "shtml",
        "shtm",
        "stm",
        "htaccess",
    ]
)
_OLE: Final = bytes.fromhex("D0CF11E0A1B11AE1")
_XML: Final = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<\?xml\s")
# In XML only what is in these namespaces acts, whatever an element is called.
_ACTIVE_XML: Final = (
    (re.compile(rb"<svg[\s>:/]|www\.w3\.org/2000/svg", re.IGNORECASE), _SVG),
    (re.compile(rb"www\.w3\.org/1999/xhtml", re.IGNORECASE), "text/html"),
    # A style sheet can make anything of it, and so can a namespace in disguise.
    (
        re.compile(
            rb"<\?xml-stylesheet|xmlns(?::[^\s=]+)?\s*=\s*(?:\"[^\"]*&|'[^']*&)",
            re.IGNORECASE,
        ),
        "text/html",
    ),
)
_MARKUP: Final = (
    (re.compile(rb"<svg[\s>:/]", re.IGNORECASE), _SVG),
    (
        re.compile(
            rb"<!doctype html|<(?:html|head|body|script|iframe|object|embed|style|meta"
            rb"|img|link|a|form|base|math|video|audio)[\s>/]",
            re.IGNORECASE,
        ),
        "text/html",
    ),
)
_TEXT_TYPES: Final = frozenset(
    {
        "application/javascript",
        "application/json",
        "application/xml",
        "application/x-sh",
        "application/x-yaml",
        "application/yaml",
        "application/toml",
        _SVG,
    }
)
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")


def judge_content_type(beginning: bytes, filename: str = "") -> str:
    """Return the type of a file, which its first bytes decide.

    The name counts only where the bytes leave several types open: what an archive is
    for, or what a text is written in.

    Parameters
    ----------
    beginning : bytes
        The first 8192 bytes, or all that there are.
    filename : str
        What the sender calls it.

    Returns
    -------
    str
        A type without parameters, ``application/octet-stream`` if it is unknown.
    """
    named = type_of(filename)
    found = filetype.guess_mime(beginning)
    if found or beginning.startswith(_OLE):
        return _told_by_name(usual(found or _OLE_TYPE), named)
    text = _as_text(beginning)
    if text is None:
        return UNKNOWN
    return _judge_text(text, named)


def _judge_text(text: bytes, named: str) -> str:
    is_xml = _XML.match(text) is not None
    for pattern, markup in _ACTIVE_XML if is_xml else _MARKUP:
        if pattern.search(text):
            return markup
    if is_xml:
        return _told_by_name("application/xml", named)
    return named if _is_text_type(named) else _TEXT if text else UNKNOWN


def _told_by_name(found: str, named: str) -> str:
    return named if named.startswith(_CONTAINERS.get(found, ())) else found


def _without_inner_programs(filename: str) -> str:
    """Return a name that Apache does not run for an ending before the last one."""
    first, *middle, last = filename.split(".") if "." in filename else ("", filename)
    if not middle:
        return filename
    kept = "".join(
        f"{'_' if one.lower() in _RUN_BY_SERVERS else '.'}{one}" for one in middle
    )
    return f"{first}{kept}.{last}"


def is_declared(judged: str, declared: str) -> bool:
    """Tell whether a file may be what its name or sender says."""
    if judged == declared:
        return True
    if judged not in (UNKNOWN, _TEXT):
        return False
    # Of most types the bytes say nothing; of these they would.
    is_known = declared in _told() or _is_text_type(declared)
    return declared == UNKNOWN or not is_known


@cache
def _told() -> dict[str, str]:
    """Return the types that bytes tell, by their usual names, with an ending each."""
    return {usual(kind.mime): kind.extension for kind in filetype.TYPES}


def type_of(filename: str) -> str:
    """Return the type that the ending of a name stands for."""
    return usual(guess_content_type(filename.rpartition("/")[2].lower()))


def usual(content_type: str) -> str:
    """Return the usual name of a type, without parameters."""
    plain = content_type.partition(";")[0].strip().lower()
    return _USUAL.get(plain, plain)


def with_ending_for(
    filename: str, content_type: str, *, keeps_others: bool = False
) -> str:
    """Return a name with an ending that stands for the type.

    Some stores keep no type and tell it by the key, so the two have to agree.

    Parameters
    ----------
    filename : str
        A safe name.
    content_type : str
        What the file is.
    keeps_others : bool
        Whether an ending of which bytes tell nothing may stay.
    """
    filename = _without_inner_programs(filename)
    stem, dot, old = filename.rpartition(".")
    named = type_of(filename)
    fits = named == content_type != UNKNOWN
    may_stay = fits or (keeps_others and is_declared(content_type, named))
    if may_stay and old.lower() not in _RUN_BY_SERVERS and dot:
        return filename
    if not dot and content_type == UNKNOWN:
        return filename
    return f"{stem if dot else filename}.{_ending_for(content_type)}"


def _ending_for(content_type: str) -> str:
    told: str | None = _told().get(content_type)
    return _ENDINGS.get(content_type) or usual_ending(content_type) or told or "bin"


def is_wanted(content_type: str, filename: str, wanted: Iterable[str]) -> bool:
    """Tell whether a type is among those that are wanted.

    Parameters
    ----------
    content_type : str
        What the file is.
    filename : str
        What it is called; it counts where an ending stands for no type that is known.
    wanted : iterable of str
        Endings without a dot (``jpg``), types (``image/png``) or groups (``image/*``).
    """
    ending = filename.rpartition(".")[2].lower()
    return any(_fits(content_type, ending, one.lower().lstrip(".")) for one in wanted)


def _fits(content_type: str, ending: str, wanted: str) -> bool:
    if wanted.endswith("/*"):
        return content_type.startswith(wanted[:-1])
    if "/" in wanted:
        return content_type == usual(wanted)
    named = type_of(f"x.{wanted}")
    if named != UNKNOWN and content_type == named:
        return True
    return ending == wanted and is_declared(content_type, named)


def _as_text(beginning: bytes) -> bytes | None:
    """Return what is text in UTF-8; None if it is none in any usual encoding."""
    is_wide = beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    # Latin-1 stands for all that have one byte for a character: each of them decodes.
    for encoding in ("utf-16",) if is_wide else ("utf-8", "latin-1"):
        try:
            # A character may be cut at the end of what was read.
            text = codecs.getincrementaldecoder(encoding)().decode(beginning)
        except UnicodeDecodeError:
            continue
        return None if _NO_TEXT.search(text) else text.encode(errors="replace")
    return None


def _is_text_type(content_type: str) -> bool:
    return content_type.startswith("text/") or content_type in _TEXT_TYPES
