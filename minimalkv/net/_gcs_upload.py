"""A value on its way to Google: in one request, or piece by piece where it is large."""

import contextlib
import json
import os
import re
from collections.abc import Mapping
from typing import Final

from urllib3 import HTTPResponse

from minimalkv._errors import StoreError
from minimalkv._meta import guess_content_type
from minimalkv.net._asked import Broken
from minimalkv.net._gcs_body import KEPT, Checksum
from minimalkv.net._gcs_calls import Ask, Calls, check_object, drained
from minimalkv.net._gcs_errors import NotTaken, fail
from minimalkv.net._multipart import PART_BYTES, MultipartSink
from minimalkv.net._pieces import Pieces

# What a request that is not the last one has to bring a multiple of, as a part is.
_STEP_BYTES: Final = 256 * 1024
_JOINED_BYTES: Final = 64 * 1024
_JSON: Final = "application/json; charset=UTF-8"
_STORED: Final = re.compile(r"bytes=0-(\d+)")
_FINISHED: Final = (200, 201)
_MORE: Final = 308
_ANY: Final = tuple(range(200, 600))
# Google forgets an upload by itself, a week later.
_CANCEL_SECS: Final = 1.0


def resource_of(
    name: str,
    content_type: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return what is said about an object when it is stored."""
    described = {KEPT[header]: value for header, value in (headers or {}).items()}
    # Always said: without it Google has another idea of the type than this package.
    described["contentType"] = content_type or guess_content_type(name)
    return {"name": name, **described}


class Upload:
    """One value that is stored, as `MultipartSink` wants it.

    Parameters
    ----------
    calls : Calls
        Sends the requests.
    key : str
        The key that errors name.
    resource : mapping
        What is said about the object, its name among it.
    condition : str
        ``absent`` or ``match``, or empty.
    query : str
        The condition as the query has it.
    """

    def __init__(
        self,
        calls: Calls,
        key: str,
        resource: Mapping[str, str],
        condition: str,
        query: str,
    ) -> None:
        self._calls = calls
        self._key = key
        self._resource = resource
        self._condition = condition
        self._query = query
        self._address: str | None = None
        self._sent_bytes = 0
        self._tail = b""
        self._checksum = Checksum()

    def put_whole(self, data: bytes) -> None:
        mark = os.urandom(16).hex()
        head = (
            f"--{mark}\r\nContent-Type: {_JSON}\r\n\r\n"
            f"{json.dumps({**self._resource, 'crc32c': Checksum(data).text})}\r\n"
            f"--{mark}\r\nContent-Type: {self._resource['contentType']}\r\n\r\n"
        ).encode()
        headers = {"Content-Type": f"multipart/related; boundary={mark}"}
        end = f"\r\n--{mark}--\r\n".encode()
        self._calls(self._begin("multipart", headers, head, data, end), check_object)

    def _begin(self, kind: str, headers: dict[str, str], *body: bytes) -> Ask:
        pieces = Pieces(*body)
        headers["Content-Length"] = str(len(pieces))
        return Ask(
            "write",
            "POST",
            f"{self._calls.upload_path}{kind}&fields=generation{self._query}",
            self._key,
            headers,
            b"".join(body) if len(pieces) <= _JOINED_BYTES else pieces,
            condition=self._condition,
            once=bool(self._condition),
        )

    def begin(self) -> None:
        body = json.dumps(self._resource).encode()
        ask = self._begin("resumable", {"Content-Type": _JSON}, body)
        # Nothing is stored by it, so a lost answer costs nothing.
        self._address = self._calls(ask._replace(once=False), _address_in)

    def put_part(self, number: int, data: bytes) -> None:
        del number  # they come one after the other
        self._checksum.update(data)
        if len(data) % _STEP_BYTES:
            # Only the last request may have any length, and has to say that it is.
            self._tail = data
        else:
            self._send(data, is_last=False)

    def complete(self, parts: int) -> None:
        del parts
        self._send(self._tail, is_last=True)
        self._address = None

    def _send(self, data: bytes, *, is_last: bool) -> None:
        while data or is_last:
            stored = self._calls(self._part(data, is_last=is_last), self._stored_in)
            if stored is None:
                return
            # The server may store less than it was sent.
            done = stored - self._sent_bytes
            if not 0 < done <= len(data):
                asked = self._calls.asked("upload", self._key, self._condition)
                fail(asked, Broken("did not go on where it was"))
            self._sent_bytes, data = stored, data[done:]

    def _stored_in(self, response: HTTPResponse) -> int | None:
        """Return how many bytes are stored by now; None if the value is complete.

        Raises
        ------
        NotTaken
            If they are as many as before: Google wants the part again.
        """
        if response.status in _FINISHED:
            check_object(response)
            return None
        match = _STORED.fullmatch(drained(response).headers.get("Range") or "")
        stored = int(match[1]) + 1 if match else 0
        if stored == self._sent_bytes:
            raise NotTaken("did not take what was sent")
        return stored

    def _part(self, data: bytes, *, is_last: bool) -> Ask:
        begin, end = self._sent_bytes, self._sent_bytes + len(data)
        span = f"{begin}-{end - 1}" if data else "*"
        headers = {
            "Content-Type": self._resource["contentType"],
            "Content-Range": f"bytes {span}/{end if is_last else '*'}",
            "Content-Length": str(len(data)),
        }
        if is_last:
            headers["X-Goog-Hash"] = f"crc32c={self._checksum.text}"
        is_conditional = is_last and bool(self._condition)
        return Ask(
            "upload",
            "PUT",
            self._address or "",
            self._key,
            headers,
            Pieces(data) if data else None,
            condition=self._condition,
            # What Google has already it passes over. An emulator appends it again.
            once=is_conditional or self._calls.connection.client.is_emulated,
            accepted=(*_FINISHED, _MORE),
        )

    def abort(self) -> None:
        if self._address is None:
            return
        ask = Ask(
            "upload",
            "DELETE",
            self._address,
            self._key,
            {"Content-Length": "0"},
            once=True,
            accepted=_ANY,
            most_secs=_CANCEL_SECS,
        )
        # What went wrong is what the caller is told, not that this failed, too.
        with contextlib.suppress(StoreError):
            self._calls(ask, drained)


def _address_in(response: HTTPResponse) -> str:
    address = drained(response).headers.get("Location")
    if not address:
        raise Broken("sent an answer without the address of an upload")
    return str(address)


class UploadSink(MultipartSink):
    """Sends the parts of a value one after the other, all of them of the same size.

    Google counts bytes and not parts, so they need not grow.
    """

    def __init__(self, upload: Upload) -> None:
        super().__init__(upload, PART_BYTES, workers=1)

    def _part_size(self) -> int:
        return PART_BYTES
