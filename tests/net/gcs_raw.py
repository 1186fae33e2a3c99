"""What fake-gcs-server holds, asked for behind the back of the stores."""

import json
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import quote

from tests.backends.process import HOST


class RawBucket(NamedTuple):
    """A bucket, by plain HTTP."""

    port: int
    name: str

    def _ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        connection = HTTPConnection(HOST, self.port, timeout=10)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        assert answer.status == 200, text
        return text

    def _path(self, name: str) -> str:
        return f"/storage/v1/b/{self.name}/o/{quote(name, safe='')}"

    def names(self) -> set[str]:
        found = json.loads(self._ask("GET", f"/storage/v1/b/{self.name}/o"))
        return {each["name"] for each in found.get("items", ())}

    def describe(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._ask("GET", self._path(name)))
        return found

    def read(self, name: str) -> bytes:
        return self._ask("GET", f"{self._path(name)}?alt=media")

    def write(self, name: str, data: bytes) -> None:
        path = f"/upload/storage/v1/b/{self.name}/o?uploadType=media"
        self._ask("POST", f"{path}&name={quote(name, safe='')}", data)
