"""URLs that let others get a value, or put one, without a key of their own."""

import math
from typing import Any, Final
from urllib.parse import urlsplit

from minimalkv._errors import InvalidArgument, Unsupported
from minimalkv.net._disposition import attachment
from minimalkv.net._s3_calls import Calls
from minimalkv.net._s3_errors import FAILURES, translate

EXPIRES_SECS: Final = 3600
"""How long a URL is good for, unless somebody says otherwise."""

LONGEST_EXPIRES_SECS: Final = 7 * 24 * 3600
"""Version 4 of the signature goes no further."""


def presign(
    calls: Calls,
    name: str,
    *,
    expires: float,
    method: str = "GET",
    content_type: str | None = None,
    download_name: str | None = None,
    extra: dict[str, Any],
) -> str:
    """Return a signed URL of an object.

    Parameters
    ----------
    calls : Calls
        Whose client signs; nothing is sent.
    name : str
        The name of the object.
    expires : float
        Seconds until it ends, rounded up.
    method, content_type, download_name
        As for `url_for`.
    extra : dict
        What else the object is put with.

    Raises
    ------
    InvalidArgument
        If *expires* is more than a week.
    Unsupported
        If *download_name* is given for a PUT.
    """
    if expires > LONGEST_EXPIRES_SECS:
        raise InvalidArgument(
            f"expires is at most {LONGEST_EXPIRES_SECS} seconds (a week) on S3, not "
            f"{expires!r}."
        )
    if method == "GET":
        said = _answer_as(content_type, download_name)
    else:
        said = {**extra, **_put_as(content_type, download_name)}
    try:
        url: str = calls.connection.client.generate_presigned_url(
            f"{method.lower()}_object",
            Params={"Bucket": calls.bucket.name, "Key": name, **said},
            ExpiresIn=math.ceil(expires),
            HttpMethod=method,
        )
    except FAILURES as error:
        raise translate(error, calls.asked("presign", name)) from error
    return url


def _put_as(content_type: str | None, download_name: str | None) -> dict[str, str]:
    if download_name is not None:
        raise Unsupported("download_name is about getting a value, not about a PUT.")
    return {} if content_type is None else {"ContentType": content_type}


def _answer_as(content_type: str | None, download_name: str | None) -> dict[str, str]:
    params = {}
    if content_type is not None:
        params["ResponseContentType"] = content_type
    if download_name is not None:
        params["ResponseContentDisposition"] = attachment(download_name)
    return params


def plain_url(signed: str) -> str:
    """Return a URL without its signature, for values that anybody may read."""
    return urlsplit(signed)._replace(query="").geturl()
