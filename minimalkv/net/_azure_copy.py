"""Copies inside Azure, also of what it does not copy by one request."""

from collections.abc import Mapping
from typing import Final

from minimalkv.net._azure_calls import Calls
from minimalkv.net._azure_errors import COPY, HEAD, PUT, CopyRefused
from minimalkv.net._azure_upload import (
    BLOCK_LIST,
    block_list,
    block_query,
    new_token,
)
from minimalkv.net._azure_urls import plain_url, readable_url

LARGEST_COPY_BYTES: Final = 256 * 1024 * 1024
"""What Azure copies by one request; also a part of a larger copy."""

_SCOPE: Final = "https://storage.azure.com/.default"
_DESCRIBING: Final = (
    "Content-Type",
    "Content-Encoding",
    "Content-Language",
    "Content-Disposition",
    "Content-MD5",
    "Cache-Control",
)


def copy_blob(calls: Calls, key: str, source: str, dest: str) -> None:
    """Copy a blob with all that describes it.

    Parameters
    ----------
    calls : Calls
        Sends the requests.
    key : str
        The key of the source, which errors name.
    source, dest : str
        The names of the blobs.
    """
    headers = _from_source(calls, source)
    try:
        calls(COPY, key, dest, headers={**headers, "x-ms-requires-sync": "true"})
    except CopyRefused:
        # The size is asked for only when Azure says that one request is not enough.
        found: Mapping[str, str] = calls(HEAD, key, source)
        size = int(found["Content-Length"])
        if 0 < size <= LARGEST_COPY_BYTES:
            raise
        copy_in_parts(calls, key, dest, found, headers)


def _from_source(calls: Calls, source: str) -> dict[str, str]:
    """Say where the source is, and prove that it may be read."""
    client = calls.connection.client
    if client.credential is None:
        return {"x-ms-copy-source": readable_url(calls, source)}
    token = client.credential.get_token(_SCOPE).token
    return {
        "x-ms-copy-source": plain_url(calls, source),
        "x-ms-copy-source-authorization": f"Bearer {token}",
    }


def copy_in_parts(
    calls: Calls,
    key: str,
    dest: str,
    found: Mapping[str, str],
    headers: Mapping[str, str],
) -> None:
    """Copy a blob part by part, all of one version; an empty one has no part.

    Parameters
    ----------
    found : mapping of str to str
        The headers that Azure gives about the source.
    headers : mapping of str to str
        Where the source is.
    """
    token = new_token()
    size = int(found["Content-Length"])
    starts = range(0, size, LARGEST_COPY_BYTES)
    for number, start in enumerate(starts, 1):
        last = min(start + LARGEST_COPY_BYTES, size) - 1
        part = {
            "x-ms-source-range": f"bytes={start}-{last}",
            "x-ms-source-if-match": found["ETag"],
        }
        query = block_query(token, number)
        calls(COPY, key, dest, query=query, headers={**headers, **part})
    body = block_list(token, len(starts))
    calls(PUT, key, dest, query=BLOCK_LIST, headers=_described(found), body=body)


def _described(found: Mapping[str, str]) -> dict[str, str]:
    kept = {f"x-ms-blob-{n.lower()}": found[n] for n in _DESCRIBING if found.get(n)}
    others = {n: v for n, v in found.items() if n.lower().startswith("x-ms-meta-")}
    return kept | others
