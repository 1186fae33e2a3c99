"""Which files a set takes: the groups of endings of Flask-Uploads, and how they count.

An ending stands for the type of what it usually names, and the content of a file
decides whether it is of that type.
"""

from collections.abc import Iterable
from typing import Final

from minimalkv import InvalidArgument
from minimalkv._sniffing import is_wanted, type_of

TEXT: Final = ("txt",)
"""Plain text."""

DOCUMENTS: Final = (
    "rtf",
    "odf",
    "ods",
    "gnumeric",
    "abw",
    "doc",
    "docx",
    "xls",
    "xlsx",
    "pdf",
)
"""Documents of office programs, without those that hold macros."""

IMAGES: Final = ("jpg", "jpe", "jpeg", "png", "gif", "bmp", "webp")
"""Images that browsers show.

Not ``svg``, which Flask-Uploads counts among them: it can hold scripts, which act for
whoever looks at it where it is served as an image by another server than ours. Say
``IMAGES + ("svg",)`` to take it; `minimalkv_flask.serving` has it saved, never shown.
"""

AUDIO: Final = ("wav", "mp3", "aac", "ogg", "oga", "flac")
"""Sound."""

DATA: Final = ("csv", "ini", "json", "plist", "xml", "yaml", "yml")
"""Structured data."""

SCRIPTS: Final = ("js", "php", "pl", "py", "rb", "sh")
"""Programs as text; a web server that runs PHP may run what is uploaded."""

ARCHIVES: Final = ("gz", "bz2", "zip", "tar", "tgz", "txz", "7z")
"""Archives and compressed files."""

SOURCE: Final = (
    "c",
    "cpp",
    "c++",
    "h",
    "hpp",
    "h++",
    "cxx",
    "hxx",
    "hdl",
    "ada",
    "rs",
    "go",
    "f",
    "for",
    "f90",
    "f95",
    "f03",
    "d",
    "dd",
    "di",
    "java",
    "hs",
    "cs",
    "fs",
    "cbl",
    "cob",
    "asm",
    "s",
)
"""Programs as text that have to be compiled first."""

EXECUTABLES: Final = ("so", "exe", "dll")
"""Programs that a machine runs: for `AllExcept` rather than to be taken."""

# Not xml and plist: other servers show them as pages, whose scripts may hide anywhere.
_PASSIVE_DATA: Final = tuple(one for one in DATA if one not in ("xml", "plist"))
DEFAULTS: Final = TEXT + DOCUMENTS + IMAGES + _PASSIVE_DATA
"""What a set takes that says nothing else."""


def checked_types(types: Iterable[str]) -> tuple[str, ...]:
    """Return endings, types and groups as a tuple, in lower case.

    Raises
    ------
    InvalidArgument
        If it is a single text, whose letters would count one by one, or no text.
    """
    found = (types,) if isinstance(types, str) else tuple(types)
    if isinstance(types, str) or not all(isinstance(one, str) for one in found):
        raise InvalidArgument(
            f"Endings come as a list or tuple of texts, as ('jpg', 'png'), not as "
            f"{types!r}."
        )
    return tuple(one.lower().removeprefix(".") for one in found)


class AllExcept:
    """Everything but some endings, types or groups.

    A file is refused for its content as well as for the ending of its name.

    Parameters
    ----------
    items : iterable of str
        Such as ``SCRIPTS + EXECUTABLES``.
    """

    def __init__(self, items: Iterable[str]) -> None:
        self.items = checked_types(items)

    def __contains__(self, item: str) -> bool:
        return item not in self.items

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.items!r})"


ALL: Final = AllExcept(())
"""Everything."""

Wanted = Iterable[str] | AllExcept


def is_taken(content_type: str, filename: str, wanted: Wanted) -> bool:
    """Tell whether a file of a type and name is among what is wanted."""
    if isinstance(wanted, AllExcept):
        return not is_among(content_type, filename, wanted.items)
    return is_wanted(content_type, filename, wanted)


def is_among(content_type: str, filename: str, refused: tuple[str, ...]) -> bool:
    """Tell whether a file is among what is refused: by its type or by its ending."""
    ending = filename.rpartition(".")[2].lower()
    if ending in refused:
        return True
    # Some endings stand for any text, and one that is refused is not all of them.
    told = [one for one in refused if "/" in one or _stands_for_one(one)]
    return is_wanted(content_type, filename, told)


def _stands_for_one(ending: str) -> bool:
    return ending in TEXT or type_of(f"x.{ending}") != "text/plain"
