"""A value on its way to S3: in one request, or in parts where it is large."""

import io
import logging
import uuid
from collections.abc import Mapping
from threading import Lock
from typing import Any, Final

from botocore.exceptions import ClientError

from minimalkv._errors import MinimalkvError, StoreUnavailable, Unsupported
from minimalkv.net._logs import tell_left
from minimalkv.net._pieces import SEND_BYTES
from minimalkv.net._s3_body import checksums, member
from minimalkv.net._s3_calls import Calls
from minimalkv.net._s3_copy import LARGEST_COPY_BYTES
from minimalkv.net._s3_errors import TIMED_OUT, status_of
from minimalkv.net._s3_probe import copies_on_condition, require_complete

_log: Final = logging.getLogger("minimalkv")

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
        self._sent_bytes = 0
        self._lock = Lock()

    def put_whole(self, data: bytes) -> None:
        self._calls(
            "put_object",
            self._key,
            Key=self._name,
            Body=data,
            **self._sums_of(data),
            **self._params,
            **self._conditions,
        )

    def _sums_of(self, data: bytes) -> dict[str, Any]:
        return checksums(data, crc=self._calls.connection.sends_crc)

    def begin(self) -> None:
        if self._conditions and not self._calls.connection.is_aws:
            # Of two that complete an upload on condition at once, SeaweedFS lets both
            # win; it has one winner for a copy. Amazon has one for both, but copies no
            # more than 5 GB at once, so there the upload itself has the condition; as
            # it has where a copy knows of no condition.
            if copies_on_condition(self._calls, self._prefix):
                self._target = f"{self._prefix};mkv-tmp/{uuid.uuid4().hex}"
            else:
                require_complete(self._calls, self._prefix)
        sums: dict[str, Any] = {}
        if self._calls.connection.sends_crc:
            sums["ChecksumAlgorithm"] = "CRC32"
        self._upload_id = self._calls(
            "create_multipart_upload",
            self._key,
            then=member("UploadId"),
            Key=self._target,
            **sums,
            **self._params,
        )

    def put_part(self, number: int, data: bytes) -> None:
        self._count(len(data))
        sums = self._sums_of(data)
        etag = self._calls(
            "upload_part",
            self._key,
            then=member("ETag"),
            **self._upload(),
            PartNumber=number,
            # As a file it is sent in pieces, so that the timeout is about each.
            Body=_Body(data),
            **sums,
        )
        sums.pop("ContentMD5", None)
        self._parts[number] = {"PartNumber": number, "ETag": etag, **sums}

    def _count(self, size: int) -> None:
        with self._lock:
            self._sent_bytes += size
        if self._target != self._name and self._sent_bytes > LARGEST_COPY_BYTES:
            raise Unsupported(
                f"{self._key!r} is larger than {LARGEST_COPY_BYTES} bytes, the most "
                "that can be written on condition to this server. Write it without."
            )

    def _upload(self) -> dict[str, Any]:
        return {"Key": self._target, "UploadId": self._upload_id}

    def complete(self, parts: int) -> None:
        listed = [self._parts[number] for number in range(1, parts + 1)]
        is_direct = self._target == self._name
        self._calls(
            "complete_multipart_upload",
            self._key,
            then=member("ETag"),
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
                then=member("CopyObjectResult"),
                Key=self._name,
                CopySource=self._target,
                **params,
                **self._conditions,
            )
        except StoreUnavailable as error:
            if not _may_go_on(error.__cause__):
                self._remove_target()
            raise
        except BaseException:
            self._remove_target()
            raise
        self._remove_target()

    def _remove_target(self) -> None:
        try:
            self._calls("delete_object", self._key, Key=self._target)
        except MinimalkvError as error:
            _log.warning("A temporary object stays, %s: %s", self._target, error)

    def abort(self) -> None:
        if self._upload_id is None:
            return
        # What went wrong is what the caller is told, not that this failed, too.
        try:
            self._calls("abort_multipart_upload", self._key, **self._upload())
        except MinimalkvError as error:
            tell_left(error)


class _Body(io.BytesIO):
    """A part as a file of which little is read at a time.

    To sign it, botocore asks for a MiB at a time, and the heap of each thread kept two.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        """Return at most so many bytes; without a number all."""
        if size is None or size < 0:
            return super().read()
        return super().read(min(size, SEND_BYTES))


def _may_go_on(cause: BaseException | None) -> bool:
    """Tell whether the server may still be copying: it needs the source for that."""
    is_late = isinstance(cause, ClientError) and status_of(cause) == 504
    return is_late or isinstance(cause, TIMED_OUT)
