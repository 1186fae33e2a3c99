"""A value on its way to S3: in one request, or in parts where it is large."""

import contextlib
import io
import uuid
from collections.abc import Mapping
from typing import Any, Final

from minimalkv._errors import StoreError, StoreUnavailable
from minimalkv.net._s3_body import checksum
from minimalkv.net._s3_calls import Calls
from minimalkv.net._s3_probe import require_conditions

PART_BYTES: Final = 5 * 1024 * 1024
"""The smallest part that S3 takes; up to five of them are in memory."""

_COPY_PARAMETERS: Final = ("ACL", "StorageClass")


class Upload:
    """One value that is stored, as `MultipartSink` wants it.

    Parameters
    ----------
    calls : Calls
        Sends the requests.
    key, name : str
        The key, and the name of its object.
    params : mapping
        What describes the value.
    conditions : mapping
        ``IfMatch`` or ``IfNoneMatch``, or nothing.
    prefix : str
        What the names of the store's objects begin with.
    """

    def __init__(
        self,
        calls: Calls,
        key: str,
        name: str,
        *,
        params: Mapping[str, Any],
        conditions: Mapping[str, Any],
        prefix: str,
    ) -> None:
        self._calls = calls
        self._key = key
        self._name = name
        self._params = params
        self._conditions = conditions
        self._prefix = prefix
        self._target = name
        self._upload_id: str | None = None
        self._parts: dict[int, dict[str, object]] = {}

    def put_whole(self, data: bytes) -> None:
        self._calls(
            "put_object",
            self._key,
            Key=self._name,
            Body=data,
            ChecksumCRC32=checksum(data),
            **self._params,
            **self._conditions,
        )

    def begin(self) -> None:
        if self._conditions and not self._calls.connection.is_aws:
            # Of two that complete an upload on condition at once, SeaweedFS lets both
            # win; it has one winner for a copy. Amazon has one for both, but copies no
            # more than 5 GB at once, so there the upload itself has the condition.
            require_conditions(self._calls, self._prefix, "copy")
            self._target = f"{self._prefix};mkv-tmp/{uuid.uuid4().hex}"
        response = self._calls(
            "create_multipart_upload",
            self._key,
            Key=self._target,
            ChecksumAlgorithm="CRC32",
            **self._params,
        )
        self._upload_id = response["UploadId"]

    def put_part(self, number: int, data: bytes) -> None:
        crc = checksum(data)
        response = self._calls(
            "upload_part",
            self._key,
            **self._upload(),
            PartNumber=number,
            # As a file it is sent in pieces, so that the timeout is about each.
            Body=io.BytesIO(data),
            ChecksumCRC32=crc,
        )
        if not response.get("ETag"):
            raise StoreUnavailable(f"The answer for a part of {self._key!r} was cut.")
        self._parts[number] = {
            "PartNumber": number,
            "ETag": response["ETag"],
            "ChecksumCRC32": crc,
        }

    def _upload(self) -> dict[str, Any]:
        return {"Key": self._target, "UploadId": self._upload_id}

    def complete(self, parts: int) -> None:
        listed = [self._parts[number] for number in range(1, parts + 1)]
        is_direct = self._target == self._name
        self._calls(
            "complete_multipart_upload",
            self._key,
            **self._upload(),
            MultipartUpload={"Parts": listed},
            **(self._conditions if is_direct else {}),
        )
        self._upload_id = None
        if not is_direct:
            self._move()

    def _move(self) -> None:
        params = {k: v for k, v in self._params.items() if k in _COPY_PARAMETERS}
        try:
            self._calls(
                "copy_object",
                self._key,
                Key=self._name,
                CopySource=self._target,
                **params,
                **self._conditions,
            )
        finally:
            with contextlib.suppress(StoreError):
                self._calls("delete_object", self._key, Key=self._target)

    def abort(self) -> None:
        if self._upload_id is None:
            return
        # What went wrong is what the caller is told, not that this failed, too.
        with contextlib.suppress(StoreError):
            self._calls("abort_multipart_upload", self._key, **self._upload())
