"""Which content types a browser may show, and as what the others are sent.

What users upload comes from the origin of the site: a page or script among it would act
for whoever looks at it. So a browser shows only what cannot act, and everything that
can is sent under a type that no browser runs.
"""

import re
from typing import Final

UNKNOWN: Final = "application/octet-stream"
PDF: Final = "application/pdf"


def _types(**names: str) -> frozenset[str]:
    return frozenset(
        f"{kind}/{name}" for kind, listed in names.items() for name in listed.split()
    )


_SHOWN: Final = _types(
    image="png jpeg gif webp avif bmp x-icon vnd.microsoft.icon",
    audio="mpeg mp4 aac x-aac ogg opus wav x-wav vnd.wave webm flac x-m4a",
    video="mpeg mp4 ogg webm quicktime x-m4v x-matroska",
    application="pdf",
    text="plain",
)

# Saved only, and under their own type: no browser runs them, and the program that
# opens them is found by it. Everything in no list might be run by something.
_SAVED: Final = _types(
    image="tiff heic heif jxl",
    font="woff woff2 ttf otf collection",
    text="csv markdown tab-separated-values calendar vcard",
    application="json x-ndjson geo+json zip gzip x-bzip2 x-xz x-brotli zstd x-tar "
    "x-7z-compressed vnd.rar vnd.sqlite3 vnd.apache.parquet epub+zip msword rtf "
    "vnd.ms-excel vnd.ms-powerpoint vnd.google-earth.kmz vnd.apple.pkpass",
)
_SAVED_FAMILIES: Final = (
    "application/vnd.openxmlformats-officedocument.",
    "application/vnd.oasis.opendocument.",
)

_LONGEST: Final = 256
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")
# Those in which every byte stands for what it is in ASCII.
_CHARSETS: Final = ("utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252")
_CHARSET: Final = re.compile(r';\s*charset\s*=\s*"?([a-z0-9-]+)"?\s*(?:;|$)')


def is_safe_inline(content_type: str | None) -> bool:
    """Tell whether a browser may show a file of a type, instead of saving it.

    Parameters
    ----------
    content_type : str or None
        As it stands in a header, with or without parameters; it may be any text.

    Returns
    -------
    bool
        True for the usual images, audio, video, PDF and plain text; False for HTML,
        SVG, XML, scripts, style sheets, and whatever else there is.
    """
    return media_type(content_type) in _SHOWN


def media_type(content_type: str | None) -> str:
    """Return a type in lower case and without parameters; `UNKNOWN` if it is none."""
    if not content_type or len(content_type) > _LONGEST:
        return UNKNOWN
    if not (content_type.isascii() and content_type.isprintable()):
        return UNKNOWN
    name = content_type.partition(";")[0].strip().lower()
    return name if _TYPE.fullmatch(name) else UNKNOWN


def served_type(content_type: str | None) -> str:
    """Return the header under which a value of a type is sent.

    Of its parameters, only the charset of a text is kept: UTF-8 where it says none, or
    one that hides markup.
    """
    name = media_type(content_type)
    if name not in _SHOWN and name not in _SAVED:
        return name if name.startswith(_SAVED_FAMILIES) else UNKNOWN
    if not name.startswith("text/"):
        return name
    said = _CHARSET.search((content_type or "").lower())
    charset = said[1] if said and said[1] in _CHARSETS else "utf-8"
    return f"{name}; charset={charset}"
