"""The pages of a listing."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote

from urllib3 import HTTPResponse

from minimalkv.net import _listing
from minimalkv.net._asked import Broken
from minimalkv.net._gcs_calls import Ask, Calls, read_json
from minimalkv.net._listing import Page

_PAGE: Final = 1000
_T = TypeVar("_T")


def pages(
    calls: Calls,
    prefix: str,
    fields: str,
    read: Callable[[str, Mapping[str, Any]], _T],
    delimiter: str = "",
) -> Iterator[Page[_T]]:
    """Yield the pages of a listing, each when it is asked for.

    Parameters
    ----------
    calls : Calls
        Sends the requests.
    prefix : str
        What the names of the objects begin with.
    fields : str
        What is wanted of each, separated by commas.
    read : callable
        Gets a name, and makes something of the description of the object.
    delimiter : str
        Where to cut names to folders; empty to list all objects.
    """
    path = f"{calls.bucket.path}/o?maxResults={_PAGE}&prefix={quote(prefix, safe='')}"
    path += f"&fields=nextPageToken,prefixes,items({fields})"
    if delimiter:
        path += f"&delimiter={quote(delimiter, safe='')}"

    def read_page(response: HTTPResponse) -> Page[_T]:
        found = read_json(response)
        try:
            items = [(str(each["name"]), each) for each in found.get("items", ())]
            objects = [(name, read(name, each)) for name, each in items]
            folders = [str(folder) for folder in found.get("prefixes", ())]
        except (KeyError, TypeError):
            raise Broken("sent no page of a listing") from None
        return Page(objects, folders, found.get("nextPageToken") or None)

    def ask(token: str) -> Page[_T]:
        more = f"&pageToken={quote(token, safe='')}" if token else ""
        return calls(Ask("list", "GET", path + more), read_page)

    return _listing.pages(ask)
