"""The pages of a listing, read as they are wanted and without the SDK's models."""

from collections.abc import Iterator
from functools import partial
from typing import Final, TypeAlias
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from minimalkv._meta import ObjectMeta, guess_content_type
from minimalkv.net import _listing
from minimalkv.net._asked import Broken
from minimalkv.net._azure_body import KEPT, Answer
from minimalkv.net._azure_calls import Calls
from minimalkv.net._azure_errors import LIST
from minimalkv.net._headers import date_of, etag_of, hex_of

PAGE_NAMES: Final = 5000
"""The largest page that Azure gives."""

# An account with real folders lists them, too.
_FOLDER: Final = b"<ResourceType>directory<"
_BEGIN: Final = b"<Properties>"
_END: Final = b"</Properties>"
_KIND: Final = "Properties/ResourceType"


Page: TypeAlias = _listing.Page[Element]


def pages(
    calls: Calls, prefix: str, delimiter: str = "", *, names_only: bool = False
) -> Iterator[Page]:
    """Yield the pages of a listing, each when it is asked for.

    Parameters
    ----------
    calls : Calls
        Sends the requests.
    prefix : str
        What the names of the blobs begin with.
    delimiter : str
        Where to cut names to folders; empty to list all blobs.
    names_only : bool
        Whether nobody asks what the blobs are.
    """
    query = {"restype": "container", "comp": "list", "maxresults": str(PAGE_NAMES)}
    given = {"prefix": prefix, "delimiter": delimiter}
    query |= {name: value for name, value in given.items() if value}
    read = partial(_read_page, names_only=names_only)

    def ask(marker: str) -> Page:
        more = {"marker": marker} if marker else {}
        page: Page = calls(LIST, query={**query, **more}, then=read)
        return page

    return _listing.pages(ask)


def _read_page(answer: Answer, *, names_only: bool) -> Page:
    text: bytes = answer.raw.read()
    try:
        return parse_page(_names_in(text) if names_only else text)
    except (ElementTree.ParseError, LookupError):
        pass
    # Without a length in its headers, an answer may end anywhere.
    raise Broken("sent a page of a listing that is cut off, or none")


def _names_in(text: bytes) -> bytes:
    """Leave out what describes the blobs, which takes most of the time to parse.

    A page that is cut off within one stays as it is, and so an error.
    """
    # The name of a blob cannot be taken for a tag: there, "<" is written "&lt;".
    is_whole = text.count(_BEGIN) == text.count(_END)
    if _FOLDER in text or not is_whole:
        return text  # only its description tells a folder from a blob
    first, *others = text.split(_BEGIN)
    return b"".join([first, *(each.partition(_END)[2] for each in others)])


def parse_page(text: bytes) -> Page:
    """Read a page.

    Raises
    ------
    ParseError, LookupError
        If it is not whole.
    """
    root = ElementTree.fromstring(text)  # noqa: S314 - from the user's own server
    found = root.find("Blobs")
    if found is None:
        raise LookupError("Blobs")
    listed = found.findall("Blob")
    if _FOLDER in text:
        listed = [blob for blob in listed if blob.findtext(_KIND) != "directory"]
    blobs = [(_name_of(blob), blob) for blob in listed]
    folders = [_name_of(folder) for folder in found.findall("BlobPrefix")]
    return _listing.Page(blobs, folders, root.findtext("NextMarker") or "")


def _name_of(element: Element) -> str:
    name = element.find("Name")
    if name is None:
        raise LookupError("Name")
    text = name.text or ""
    # So come those that have characters which XML has not.
    return unquote(text) if name.get("Encoded") == "true" else text


def describe_listed(key: str, blob: Element) -> ObjectMeta:
    """Tell the facts that a listing has about a blob."""
    found = blob.find("Properties")
    texts = {} if found is None else {child.tag: child.text or "" for child in found}
    return ObjectMeta(
        key,
        int(texts.get("Content-Length") or 0),
        etag=etag_of(texts.get("Etag")),
        modified=date_of(texts.get("Last-Modified")),
        content_type=texts.get("Content-Type") or guess_content_type(key),
        md5=hex_of(texts.get("Content-MD5")),
        headers={name: texts[name] for name in KEPT if texts.get(name)},
    )
