"""The pages of a listing."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Generic, NamedTuple, TypeVar
from urllib.parse import quote

from urllib3 import HTTPResponse

from minimalkv.net._gcs_calls import Ask, Calls, read_json
from minimalkv.net._gcs_errors import Broken

_PAGE: Final = 1000


_T = TypeVar("_T")


class Page(NamedTuple, Generic[_T]):
    """Up to a thousand objects, the folders among them, and how to get the next."""

    objects: list[_T]
    folders: list[str]
    token: str | None


def pages(
    calls: Calls,
    prefix: str,
    fields: str,
    read: Callable[[Mapping[str, Any]], _T],
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
        Makes something of the description of an object.
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
            objects = [read(each) for each in found.get("items", ())]
            folders = [str(folder) for folder in found.get("prefixes", ())]
        except (KeyError, TypeError):
            raise Broken("A page of a listing was expected.") from None
        return Page(objects, folders, found.get("nextPageToken") or None)

    token: str | None = ""
    while token is not None:
        more = f"&pageToken={quote(token, safe='')}" if token else ""
        page = calls(Ask("list", "GET", path + more), read_page)
        yield page
        token = page.token
