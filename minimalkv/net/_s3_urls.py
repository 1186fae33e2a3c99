"""URLs that let others get a value, or put one, without a key of their own."""

from urllib.parse import urlsplit

from minimalkv.net._disposition import attachment
from minimalkv.net._presigned import refuse_name, whole_secs
from minimalkv.net._s3_calls import Calls
from minimalkv.net._s3_errors import FAILURES, fail


def presign(
    calls: Calls,
    name: str,
    *,
    expires: float,
    method: str = "GET",
    content_type: str | None = None,
    download_name: str | None = None,
) -> str:
    """Return a signed URL of an object, as `url_for` describes it; nothing is sent.

    Raises
    ------
    InvalidArgument
        If *expires* is more than a week.
    Unsupported
        If *download_name* is given for a PUT.
    """
    secs = whole_secs(expires, "S3")
    if method == "GET":
        said = _answer_as(content_type, download_name)
    else:
        said = _put_as(content_type, download_name)
    try:
        url: str = calls.connection.client.generate_presigned_url(
            f"{method.lower()}_object",
            Params={"Bucket": calls.bucket.name, "Key": name, **said},
            ExpiresIn=secs,
            HttpMethod=method,
        )
    except FAILURES as error:
        fail(calls.asked("presign", name), error)
    return url


def _put_as(content_type: str | None, download_name: str | None) -> dict[str, str]:
    refuse_name(download_name)
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
