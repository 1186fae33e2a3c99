"""A value on its way to Azure: in one request, or in blocks where it is large."""

import base64
import uuid
from collections.abc import Mapping
from typing import Final

from minimalkv._conditions import changed, exists
from minimalkv._errors import KeyExists, KeyNotFound
from minimalkv.net._azure_calls import Calls
from minimalkv.net._azure_errors import HEAD, PUT, BlocksLost
from minimalkv.net._bodies import MD5
from minimalkv.net._multipart import MultipartSink

BLOCK_LIST: Final = {"comp": "blocklist"}
"""The query that publishes blocks."""


def new_token() -> str:
    """Return what tells the blocks of one upload from those of any other."""
    return uuid.uuid4().hex


def block_query(token: str, number: int) -> dict[str, str]:
    """Return the query that sends a block, counted from 1."""
    return {"comp": "block", "blockid": _block_id(token, number)}


def _block_id(token: str, number: int) -> str:
    # All ids of one blob have to be equally long, also those of earlier uploads that
    # were never published: so they are as long as those of the SDK.
    return base64.b64encode(f"{token}-{number:013}".encode()).decode()


def block_list(token: str, blocks: int) -> bytes:
    """Return the body that publishes the blocks of an upload."""
    ids = (_block_id(token, number) for number in range(1, blocks + 1))
    # Latest: should the answer get lost, the same list is right once more.
    listed = "".join(f"<Latest>{block}</Latest>" for block in ids)
    return f"<BlockList>{listed}</BlockList>".encode()


class Upload:
    """One value that is stored, as `MultipartSink` wants it.

    Blocks that were sent and not published cannot be taken back: Azure drops them when
    a value is stored under the name, or after a week. Nobody sees them until then.

    Parameters
    ----------
    calls : Calls
        Sends the requests.
    key, name : str
        The key, and the name of its blob.
    headers : mapping of str to str
        What describes the value.
    conditions : mapping of str to str
        ``If-Match`` or ``If-None-Match``, or nothing.
    checksum : bool
        Whether to send the MD5 of all that is sent, and of the whole.
    """

    def __init__(
        self,
        calls: Calls,
        key: str,
        name: str,
        *,
        headers: Mapping[str, str],
        conditions: Mapping[str, str],
        checksum: bool,
    ) -> None:
        self._calls = calls
        self._key = key
        self._name = name
        self._headers = headers
        self._conditions = conditions
        self.checksum = checksum
        self._single_put_bytes = calls.connection.settings.single_put_bytes
        # The blocks of two who write one value at once must not be mixed.
        self._token = new_token()
        self.sum = MD5()

    def put_whole(self, data: bytes) -> None:
        if len(data) > self._single_put_bytes:
            self._put_as_block(data)
            return
        try:
            self._put(data)
        except KeyExists:
            # Azurite takes a name that has but unpublished blocks for taken, as after
            # an upload that was given up; not so where blocks are published.
            if self._is_there():
                raise
            self._put_as_block(data)

    def _is_there(self) -> bool:
        try:
            self._calls(HEAD, self._key, self._name)
        except KeyNotFound:
            return False
        return True

    def _put_as_block(self, data: bytes) -> None:
        self.sum = MD5(data)
        if data:
            self.put_part(1, data)
        self.complete(1 if data else 0)

    def _put(self, data: bytes) -> None:
        self._calls(
            PUT,
            self._key,
            self._name,
            headers={
                "x-ms-blob-type": "BlockBlob",
                **self._headers,
                **self._sum_of(data),
            },
            conditions=self._conditions,
            body=data,
        )

    def _sum_of(self, data: bytes) -> dict[str, str]:
        return {"Content-MD5": MD5(data).text} if self.checksum else {}

    def begin(self) -> None:
        """There is nothing to get ready."""

    def put_part(self, number: int, data: bytes) -> None:
        self._calls(
            PUT,
            self._key,
            self._name,
            query=block_query(self._token, number),
            headers=self._sum_of(data),
            body=data,
        )

    def complete(self, parts: int) -> None:
        headers = dict(self._headers)
        if self.checksum:
            headers["x-ms-blob-content-md5"] = self.sum.text
        try:
            self._calls(
                PUT,
                self._key,
                self._name,
                query=BLOCK_LIST,
                headers=headers,
                conditions=self._conditions,
                body=block_list(self._token, parts),
            )
        except BlocksLost as error:
            if not self._conditions:
                raise
            is_new = "If-None-Match" in self._conditions
            raise (exists if is_new else changed)(self._key) from error

    def abort(self) -> None:
        """Leave the blocks to Azure."""


class BlockSink(MultipartSink):
    """A sink that computes the MD5 of all that it is given.

    Parameters
    ----------
    upload : Upload
        Where the blocks go.
    block_bytes : int
        Size of the blocks.
    workers : int
        Blocks that are sent at once.
    """

    def __init__(self, upload: Upload, block_bytes: int, workers: int) -> None:
        super().__init__(upload, block_bytes, workers)
        self._upload = upload

    def write(self, data: bytes) -> None:
        if self._upload.checksum:
            self._upload.sum.update(data)
        super().write(data)
