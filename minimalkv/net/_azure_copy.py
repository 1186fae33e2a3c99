"""Copies inside Azure, also of what it does not copy by one request."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from minimalkv.net._attempts import MAX_TRIES
from minimalkv.net._azure_calls import Calls
from minimalkv.net._azure_errors import COPY, HEAD, PUT, CopyRefused, SourceChanged
from minimalkv.net._azure_upload import (
    BLOCK_LIST,
    block_list,
    block_query,
    new_token,
)
from minimalkv.net._azure_urls import plain_url, readable_url
from minimalkv.net._objects import never_the_same
from minimalkv.net._parallel import in_parallel

LARGEST_COPY_BYTES: Final = 256 * 1024 * 1024
"""What Azure copies by one request; also a part of a larger copy."""

_SCOPE: Final = "https://storage.azure.com/.default"
_WHOLE: Final[Mapping[str, str]] = {}
_DESCRIBING: Final = (
    "Content-Type",
    "Content-Encoding",
    "Content-Language",
    "Content-Disposition",
    "Content-MD5",
    "Cache-Control",
)


class Copy(NamedTuple):
    """What is copied, and to where.

    Attributes
    ----------
    calls : Calls
        Sends the requests.
    key : str
        The key of the source, which errors name.
    source, dest : str
        The names of the blobs.
    """

    calls: Calls
    key: str
    source: str
    dest: str

    def send(
        self, headers: Mapping[str, str], query: Mapping[str, str] = _WHOLE
    ) -> None:
        """Let Azure copy the blob, or a part of it."""
        # Where it is said anew each time: neither a signature nor a token lives as
        # long as it takes to copy a terabyte.
        where = self._from_source()
        self.calls(COPY, self.key, self.dest, query=query, headers={**where, **headers})

    def _from_source(self) -> dict[str, str]:
        """Say where the source is, and prove that it may be read."""
        calls = self.calls
        if calls.connection.client.credential is None:
            return {"x-ms-copy-source": readable_url(calls, self.source)}
        asked = calls.asked(COPY, self.key)
        token = calls.repeat(
            asked, lambda client, _: client.credential.get_token(_SCOPE).token
        )
        return {
            "x-ms-copy-source": plain_url(calls, self.source),
            "x-ms-copy-source-authorization": f"Bearer {token}",
        }


def copy_blob(calls: Calls, key: str, source: str, dest: str) -> None:
    """Copy a blob with all that describes it.

    Parameters
    ----------
    calls, key, source, dest
        As for `Copy`.

    Raises
    ------
    Unsupported
        If the server cannot do it.
    """
    copy = Copy(calls, key, source, dest)
    try:
        copy.send({"x-ms-requires-sync": "true"})
    except CopyRefused as error:
        refused = error
    else:
        return
    for _ in range(MAX_TRIES):
        # The size is asked for only when Azure says that one request is not enough.
        found: Mapping[str, str] = calls(HEAD, key, source)
        if 0 < int(found["Content-Length"]) <= LARGEST_COPY_BYTES:
            raise refused
        with suppress(SourceChanged):
            copy_in_parts(copy, found)
            return
    raise never_the_same(key)


def copy_in_parts(copy: Copy, found: Mapping[str, str]) -> None:
    """Copy a blob part by part, all of one version; an empty one has no part.

    Parameters
    ----------
    copy : Copy
        What is copied.
    found : mapping of str to str
        The headers that Azure gives about the source.

    Raises
    ------
    SourceChanged
        If there is another version now.
    """
    token = new_token()
    size = int(found["Content-Length"])

    def send(number: int) -> None:
        start = (number - 1) * LARGEST_COPY_BYTES
        last = min(start + LARGEST_COPY_BYTES, size) - 1
        headers = {
            "x-ms-source-range": f"bytes={start}-{last}",
            "x-ms-source-if-match": found["ETag"],
        }
        copy.send(headers, block_query(token, number))

    calls = copy.calls
    parts = -(-size // LARGEST_COPY_BYTES)
    in_parallel(send, range(1, parts + 1), calls.connection.settings.max_connections)
    body = block_list(token, parts)
    headers = _described(found)
    calls(PUT, copy.key, copy.dest, query=BLOCK_LIST, headers=headers, body=body)


def _described(found: Mapping[str, str]) -> dict[str, str]:
    kept = {f"x-ms-blob-{n.lower()}": found[n] for n in _DESCRIBING if found.get(n)}
    others = {n: v for n, v in found.items() if n.lower().startswith("x-ms-meta-")}
    return kept | others
