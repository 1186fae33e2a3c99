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

_LONGEST_KEY: Final = timedelta(days=7)
# A key ends in a week by the clock of Azure at the latest, and is good for nothing
# before it begins: this is how far the clock of this machine may be wrong.
_SKEW: Final = timedelta(minutes=15)
LONGEST_DELEGATED_SECS: Final = (_LONGEST_KEY - _SKEW).total_seconds()
"""How long a URL is good at most that is signed without the account's key."""

_COPYING_SECS: Final = 3600


def plain_url(calls: Calls, name: str) -> str:
    """Return the URL of a blob without a signature."""
    return f"{calls.connection.client.url}/{quote(name)}"


def readable_url(calls: Calls, name: str) -> str:
    """Return a URL under which Azure itself can read a blob, to copy it."""
    client = calls.connection.client
    if client.token:
        return f"{plain_url(calls, name)}?{client.token}"
    if not calls.connection.settings.can_sign:
        # Whoever reads without a key reads what is public.
        return plain_url(calls, name)
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
    """Return a signed URL of a blob, as `url_for` describes it.

    Nothing is sent where the client has the account key.

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
    settings = calls.connection.settings
    token = generate_blob_sas(
        settings.account_name or client.container.account_name or "",
        settings.container,
        name,
        permission=BlobSasPermissions(read=is_get, create=not is_get, write=not is_get),
        protocol="https" if client.url.startswith("https:") else None,
        content_type=content_type,
        content_disposition=attachment(download_name) if download_name else None,
        **_signer(calls, expires),
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


def _signer(calls: Calls, expires: float) -> dict[str, Any]:
    client, end = calls.connection.client, _end(expires)
    if client.credential is None:
        key = getattr(client.container.credential, "account_key", None)
        return {"account_key": key, "expiry": end}
    if expires > LONGEST_DELEGATED_SECS:
        raise InvalidArgument(
            f"expires is at most {LONGEST_DELEGATED_SECS:.0f} seconds (a week less 15 "
            f"minutes) without the account key, not {expires!r}."
        )
    return {"user_delegation_key": _delegation_key(calls, client, end), "expiry": end}


def _delegation_key(calls: Calls, client: Client, end: datetime) -> Any:
    kept = client.delegated.get("key")
    if kept is not None and kept[1] >= end:
        return kept[0]
    last = max(end, _end(LONGEST_DELEGATED_SECS))
    begin = last - _LONGEST_KEY
    asked = calls.asked(SIGN, None)
    key = calls.repeat(
        asked, lambda client, _: client.service.get_user_delegation_key(begin, last)
    )
    client.delegated["key"] = (key, last)
    return key
