"""Copies inside S3, also of what is too large for one request."""

import contextlib
from typing import Any, Final

from minimalkv._errors import StoreError
from minimalkv.net._s3_calls import Calls
from minimalkv.net._s3_errors import code_of

LARGEST_COPY_BYTES: Final = 5 * 1024**3
"""What S3 copies, and stores, with one request."""

COPY_PART_BYTES: Final = 512 * 1024 * 1024
"""How much of a larger value is copied at a time; 10 000 parts are 5 TB."""

_TOO_LARGE: Final = ("InvalidRequest", "EntityTooLarge")
_KEPT: Final = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Metadata",
)


def copy_object(
    calls: Calls, key: str, source: str, dest: str, params: dict[str, Any]
) -> None:
    """Copy an object with all that describes it.

    Parameters
    ----------
    calls : Calls
        Sends the requests.
    key : str
        The key of the source, which errors name.
    source, dest : str
        The names of the objects.
    params : dict
        What is not copied along: the storage class and the permissions.
    """
    try:
        calls("copy_object", key, Key=dest, CopySource=source, **params)
    except StoreError as error:
        # The size is asked for only when S3 says that one request is not enough.
        if not _is_too_large(error):
            raise
        found = calls("head_object", key, Key=source)
        if found["ContentLength"] <= LARGEST_COPY_BYTES:
            raise
        copy_in_parts(calls, key, found, source, dest, params)


def _is_too_large(error: StoreError) -> bool:
    cause = error.__cause__
    return isinstance(cause, Exception) and code_of(cause) in _TOO_LARGE


def copy_in_parts(
    calls: Calls,
    key: str,
    found: dict[str, Any],
    source: str,
    dest: str,
    params: dict[str, Any],
) -> None:
    """Copy an object part by part, all of one version.

    Parameters
    ----------
    found : dict
        What ``head_object`` says about the source.
    """
    kept = {name: found[name] for name in _KEPT if found.get(name)}
    begun = calls("create_multipart_upload", key, Key=dest, **kept, **params)
    upload = {"Key": dest, "UploadId": begun["UploadId"]}
    part = {**upload, "CopySource": source, "CopySourceIfMatch": found["ETag"]}
    try:
        listed = {"Parts": _copy_parts(calls, key, found["ContentLength"], part)}
        calls("complete_multipart_upload", key, **upload, MultipartUpload=listed)
    except BaseException:
        with contextlib.suppress(StoreError):
            calls("abort_multipart_upload", key, **upload)
        raise


def _copy_parts(
    calls: Calls, key: str, size: int, part: dict[str, Any]
) -> list[dict[str, Any]]:
    parts = []
    for number, start in enumerate(range(0, size, COPY_PART_BYTES), 1):
        last = min(start + COPY_PART_BYTES, size) - 1
        response = calls(
            "upload_part_copy",
            key,
            **part,
            PartNumber=number,
            CopySourceRange=f"bytes={start}-{last}",
        )
        result = response["CopyPartResult"]
        kept = {k: result[k] for k in ("ETag", "ChecksumCRC32") if result.get(k)}
        parts.append({"PartNumber": number, **kept})
    return parts
