"""Copies inside S3, also of what is too large for one request."""

import contextlib
from typing import Any, Final

from minimalkv._errors import MinimalkvError, StoreError
from minimalkv.net._headers import text_of
from minimalkv.net._logs import tell_left
from minimalkv.net._multipart import WORKERS
from minimalkv.net._parallel import in_parallel
from minimalkv.net._s3_body import length_of, member
from minimalkv.net._s3_calls import Calls
from minimalkv.net._s3_errors import TIMED_OUT, code_of

LARGEST_COPY_BYTES: Final = 5 * 1024**3
"""What S3 copies, and stores, with one request."""

COPY_PART_BYTES: Final = 512 * 1024 * 1024
"""How much of a larger value is copied at a time, unless that takes too many parts."""

_MOST_PARTS: Final = 10_000
_TOO_LARGE: Final = ("InvalidRequest", "EntityTooLarge")
_KEPT: Final = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
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
        calls(
            "copy_object",
            key,
            then=member("CopyObjectResult"),
            Key=dest,
            CopySource=source,
            **params,
        )
    except StoreError as error:
        found = _too_large(calls, key, source, error)
        if found is None:
            raise
        copy_in_parts(calls, key, found, source, dest, params)


def _too_large(
    calls: Calls, key: str, source: str, error: StoreError
) -> dict[str, Any] | None:
    """Return what there is to know about a source that is why a copy failed."""
    # It is asked for only when one request is not enough.
    largest = _largest_at_once(error)
    if largest is None:
        return None
    with contextlib.suppress(MinimalkvError):
        found: dict[str, Any] = calls("head_object", key, then=_whole, Key=source)
        return found if found["ContentLength"] > largest else None
    return None


def _largest_at_once(error: StoreError) -> int | None:
    """Tell what may be the reason: a larger value than this, or None for another."""
    cause = error.__cause__
    if isinstance(cause, TIMED_OUT):
        # Some servers are silent until they have copied all of it.
        return COPY_PART_BYTES
    is_too_large = isinstance(cause, Exception) and code_of(cause) in _TOO_LARGE
    return LARGEST_COPY_BYTES if is_too_large else None


def _whole(response: dict[str, Any]) -> dict[str, Any]:
    length_of(response)
    member("ETag")(response)
    return response


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
    described = {"Key": dest, **_described(found), **params}
    read = member("UploadId")
    upload_id = calls("create_multipart_upload", key, then=read, **described)
    upload = {"Key": dest, "UploadId": upload_id}
    part = {**upload, "CopySource": source, "CopySourceIfMatch": found["ETag"]}
    try:
        listed = {"Parts": _copy_parts(calls, key, found["ContentLength"], part)}
        whole = {**upload, "MultipartUpload": listed}
        calls("complete_multipart_upload", key, then=member("ETag"), **whole)
    except BaseException:
        try:
            calls("abort_multipart_upload", key, **upload)
        except MinimalkvError as error:
            tell_left(error)
        raise


def _described(found: dict[str, Any]) -> dict[str, Any]:
    # Read as Latin-1, it would be sent as UTF-8.
    kept = {name: text_of(found[name]) for name in _KEPT if found.get(name)}
    metadata = found.get("Metadata") or {}
    return kept | {"Metadata": {k: text_of(v) for k, v in metadata.items()}}


def _copy_parts(
    calls: Calls, key: str, size: int, part: dict[str, Any]
) -> list[dict[str, Any]]:
    part_bytes = max(COPY_PART_BYTES, -(-size // _MOST_PARTS))

    def copy(start: int) -> dict[str, Any]:
        number = start // part_bytes + 1
        last = min(start + part_bytes, size) - 1
        result = calls(
            "upload_part_copy",
            key,
            then=member("CopyPartResult"),
            **part,
            PartNumber=number,
            CopySourceRange=f"bytes={start}-{last}",
        )
        kept = {k: result[k] for k in ("ETag", "ChecksumCRC32") if result.get(k)}
        return {"PartNumber": number, **kept}

    workers = min(WORKERS, calls.connection.settings.max_connections)
    return in_parallel(copy, range(0, size, part_bytes), workers)
