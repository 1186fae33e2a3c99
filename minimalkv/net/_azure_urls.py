"""URLs that let others get a value, or put one, without a key of their own."""

import math
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from azure.storage.blob import BlobSasPermissions, generate_blob_sas

from minimalkv._errors import InvalidArgument, Unsupported
from minimalkv._expiry import MAX_TTL_SECS
from minimalkv.net._azure_calls import Calls
from minimalkv.net._azure_client import Client
from minimalkv.net._azure_errors import SIGN
from minimalkv.net._disposition import attachment

EXPIRES_SECS: Final = 3600
"""How long a URL is good for, unless somebody says otherwise."""

LONGEST_DELEGATION: Final = timedelta(days=7)
"""How long a key lives that signs in the place of the account's."""

_COPYING_SECS: Final = 3600


def plain_url(calls: Calls, name: str) -> str:
    """Return the URL of a blob without a signature."""
    return f"{calls.connection.client.url}/{quote(name)}"


def readable_url(calls: Calls, name: str) -> str:
    """Return a URL under which Azure itself can read a blob, to copy it."""
    client = calls.connection.client
    if client.token:
        return f"{plain_url(calls, name)}?{client.token}"
    return signed_url(calls, name, expires=_COPYING_SECS)


def signed_url(
    calls: Calls,
    name: str,
    *,
    expires: float,
    method: str = "GET",
    content_type: str | None = None,
    download_name: str | None = None,
) -> str:
    """Return a signed URL of a blob.

    Parameters
    ----------
    calls : Calls
        Whose client signs. Nothing is sent where it has the account key.
    name : str
        The name of the blob.
    expires : float
        Seconds until it ends, rounded up.
    method, content_type, download_name
        As for `url_for`.

    Raises
    ------
    InvalidArgument
        If *expires* is longer than a signature may be good for.
    Unsupported
        If an option is about something that the signature cannot say.
    """
    is_get = method == "GET"
    if not is_get and (content_type or download_name):
        raise Unsupported(
            "A URL of Azure cannot say which type to accept or which name to give "
            "what is put. Say the type in the header x-ms-blob-content-type of the "
            "PUT, and look at head() afterwards."
        )
    client = calls.connection.client
    token = generate_blob_sas(
        client.container.account_name or "",
        calls.connection.settings.container,
        name,
        permission=BlobSasPermissions(read=is_get, create=not is_get, write=not is_get),
        protocol="https" if client.url.startswith("https:") else None,
        content_type=content_type,
        content_disposition=attachment(download_name) if download_name else None,
        **_signer(calls, _end(expires)),
    )
    return f"{plain_url(calls, name)}?{token}"


def _end(expires: float) -> datetime:
    if expires > MAX_TTL_SECS:
        raise InvalidArgument(
            f"expires is at most {MAX_TTL_SECS} seconds, a hundred years, not "
            f"{expires!r}."
        )
    # A signature knows whole seconds only.
    return datetime.fromtimestamp(math.ceil(time.time() + expires), UTC)


def _signer(calls: Calls, end: datetime) -> dict[str, Any]:
    client = calls.connection.client
    if client.credential is None:
        key = getattr(client.container.credential, "account_key", None)
        return {"account_key": key, "expiry": end}
    return {"user_delegation_key": _delegation_key(calls, client, end), "expiry": end}


def _delegation_key(calls: Calls, client: Client, end: datetime) -> Any:
    now = datetime.now(UTC)
    if end - now > LONGEST_DELEGATION:
        raise InvalidArgument(
            "expires is at most a week, 604800 seconds, without the account key."
        )
    kept = client.delegated.get("key")
    if kept is not None and kept[1] >= end:
        return kept[0]
    last = now + LONGEST_DELEGATION
    asked = calls.asked(SIGN, None)
    key = calls.repeat(
        asked, lambda client, _: client.service.get_user_delegation_key(now, last)
    )
    client.delegated["key"] = (key, last)
    return key
