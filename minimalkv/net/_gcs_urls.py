"""URLs that let others get a value, or put one, without credentials of their own."""

from datetime import timedelta
from typing import Any

from google.auth.credentials import Signing

from minimalkv._errors import Unsupported
from minimalkv.net._disposition import attachment
from minimalkv.net._gcs_calls import Calls
from minimalkv.net._gcs_client import Link
from minimalkv.net._gcs_errors import FAILURES, fail
from minimalkv.net._presigned import EXPIRES_SECS, refuse_name, whole_secs


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
    AccessDenied, StoreUnavailable
        If Google has to sign, and refuses or cannot be reached.
    Unsupported
        If the credentials cannot sign, or *download_name* is given for a PUT.
    """
    secs = whole_secs(expires, "Google Cloud Storage")
    options: dict[str, Any] = {}
    if method == "GET":
        options["response_type"] = content_type
        if download_name is not None:
            options["response_disposition"] = attachment(download_name)
    else:
        refuse_name(download_name)
        options["content_type"] = content_type
    return _sign(calls, key, method, secs, options)


def _sign(
    calls: Calls, key: str, method: str, secs: int, options: dict[str, Any]
) -> str:
    link = calls.connection.client
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
    except FAILURES as error:
        failure = error
    else:
        return url
    # Not within the clause: what requests raised may show a token.
    return fail(calls.asked("sign a URL for", key), failure)


def _signer(link: Link) -> Signing:
    signer = link.signer
    if not isinstance(signer, Signing):
        raise Unsupported(
            f"{type(signer).__name__} cannot sign URLs. Give the store the JSON of a "
            "service account, or credentials that impersonate one: "
            "`gcloud auth application-default login --impersonate-service-account`."
        )
    return signer
