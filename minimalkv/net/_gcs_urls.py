"""URLs that let others get a value, or put one, without credentials of their own."""

import math
from datetime import timedelta
from typing import Any, Final

from google.auth.credentials import Credentials, Signing
from google.auth.exceptions import GoogleAuthError

from minimalkv._errors import InvalidArgument, Unsupported
from minimalkv.net._disposition import attachment
from minimalkv.net._gcs_calls import Ask, Calls
from minimalkv.net._gcs_client import Link

EXPIRES_SECS: Final = 3600
"""How long a URL is good for, unless somebody says otherwise."""

LONGEST_EXPIRES_SECS: Final = 7 * 24 * 3600
"""Version 4 of the signature goes no further."""


def presign(
    calls: Calls,
    key: str,
    *,
    expires: float = EXPIRES_SECS,
    method: str = "GET",
    content_type: str | None = None,
    download_name: str | None = None,
) -> str:
    """Return a signed URL of an object, as `url_for` describes it.

    Raises
    ------
    InvalidArgument
        If *expires* is more than a week.
    Unsupported
        If the credentials cannot sign, or *download_name* is given for a PUT.
    """
    if expires > LONGEST_EXPIRES_SECS:
        raise InvalidArgument(
            f"expires is at most {LONGEST_EXPIRES_SECS} seconds (a week) on Google "
            f"Cloud Storage, not {expires!r}."
        )
    options: dict[str, Any] = {}
    if method == "GET":
        options["response_type"] = content_type
        if download_name is not None:
            options["response_disposition"] = attachment(download_name)
    elif download_name is not None:
        raise Unsupported("download_name is about getting a value, not about a PUT.")
    else:
        options["content_type"] = content_type
    return _sign(calls, key, method, math.ceil(expires), options)


def _sign(
    calls: Calls, key: str, method: str, secs: int, options: dict[str, Any]
) -> str:
    link = calls.connection.link
    blob = link.sdk_client.bucket(calls.bucket.name).blob(key)
    try:
        url: str = blob.generate_signed_url(
            version="v4",
            expiration=timedelta(seconds=secs),
            method=method,
            credentials=_signer(link),
            api_access_endpoint=link.endpoint,
            **options,
        )
    except GoogleAuthError as error:
        ask = Ask("sign a URL for", method, "", key)
        raise calls.error(ask, error) from error
    return url


def _signer(link: Link) -> Credentials:
    signer = link.signer
    if not isinstance(signer, Signing):
        raise Unsupported(
            f"{type(signer).__name__} cannot sign URLs. Give the store the JSON of a "
            "service account, or credentials that impersonate one: "
            "`gcloud auth application-default login --impersonate-service-account`."
        )
    return signer
