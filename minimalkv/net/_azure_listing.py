"""The pages of a listing, read as they are wanted and without the SDK's models."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from minimalkv._errors import StoreUnavailable
from minimalkv._meta import ObjectMeta, guess_content_type
from minimalkv.net._azure_body import Answer, etag_of, hex_of
from minimalkv.net._azure_calls import Calls
from minimalkv.net._azure_errors import LIST

PAGE_NAMES: Final = 5000
"""The largest page that Azure gives."""

# An account with real folders lists them, too.
_FOLDER: Final = b"<ResourceType>directory<"
_KIND: Final = "Properties/ResourceType"
_KEPT: Final = ("Cache-Control", "Content-Disposition", "Content-Encoding")


class Page(NamedTuple):
    """The blobs of a page by name, its folders, and the way to the next page."""

    blobs: list[tuple[str, Element]]
    folders: list[str]
    marker: str


def pages(calls: Calls, prefix: str, delimiter: str = "") -> Iterator[Page]:
    """Yield the pages of a listing, each when it is asked for.

    Parameters
    ----------
    calls : Calls
        Sends the requests.
    prefix : str
        What the names of the blobs begin with.
    delimiter : str
        Where to cut names to folders; empty to list all blobs.
    """
    query = {"restype": "container", "comp": "list", "maxresults": str(PAGE_NAMES)}
    given = {"prefix": prefix, "delimiter": delimiter}
    query |= {name: value for name, value in given.items() if value}
    while True:
        page: Page = calls(LIST, query=query, then=_read_page)
        yield page
        if not page.marker:
            return
        query["marker"] = page.marker


def _read_page(answer: Answer) -> Page:
    text: bytes = answer.raw.read()
    try:
        return parse_page(text)
    except (ElementTree.ParseError, LookupError):
        pass
    # Without a length in its headers, an answer may end anywhere.
    raise StoreUnavailable("A page of the listing was cut off. Try again.")


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
    return Page(blobs, folders, root.findtext("NextMarker") or "")


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
        modified=_date(texts.get("Last-Modified")),
        content_type=texts.get("Content-Type") or guess_content_type(key),
        md5=hex_of(texts.get("Content-MD5")),
        headers={name: texts[name] for name in _KEPT if texts.get(name)},
    )


def _date(text: str | None) -> datetime | None:
    return parsedate_to_datetime(text).astimezone(UTC) if text else None
