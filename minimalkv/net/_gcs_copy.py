"""Copies inside Google Cloud Storage."""

from typing import Final
from urllib.parse import quote

from urllib3 import HTTPResponse

from minimalkv.net._asked import Broken
from minimalkv.net._gcs_calls import Ask, Calls, read_json

_FIELDS: Final = "?fields=done,rewriteToken"


def copy_object(calls: Calls, source: str, dest: str) -> None:
    """Copy an object with all that describes it.

    It is done with one request, unless the value has to move to other disks: then
    each request does a part.

    Parameters
    ----------
    calls : Calls
        Sends the requests.
    source, dest : str
        The keys, of which errors name the source.
    """
    dest_path = calls.object_path(dest).removeprefix("/storage/v1")
    path = f"{calls.object_path(source)}/rewriteTo{dest_path}{_FIELDS}"
    ask = Ask("copy", "POST", path, source, {"Content-Length": "0"})
    token = calls(ask, _token_in)
    while token:
        more = f"{path}&rewriteToken={quote(token, safe='')}"
        token = calls(ask._replace(path=more), _token_in)


def _token_in(response: HTTPResponse) -> str:
    """Return with what to go on; nothing if the copy is complete."""
    found = read_json(response)
    token = found.get("rewriteToken")
    if found.get("done") is True:
        return ""
    if not token:
        raise Broken("sent an answer without the token to go on with")
    return str(token)
