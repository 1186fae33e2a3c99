"""Google Cloud Storage: against a client of google-cloud-storage."""

import os
from collections.abc import Iterator
from typing import Any

from benchmarks import on_objects
from benchmarks.measure import Effort, Rows
from minimalkv import get_store_from_url
from tests.servers import servers


class GoogleBlobs:
    """A client of google-cloud-storage on one bucket."""

    name = "google-cloud-storage"

    def __init__(self, client: Any, bucket: str) -> None:
        self.bucket = client.bucket(bucket)

    def get(self, key: str) -> bytes:
        """Return a value."""
        value: bytes = self.bucket.blob(key).download_as_bytes()
        return value

    def put(self, key: str, value: bytes) -> None:
        """Replace a value."""
        self.bucket.blob(key).upload_from_string(value)

    def head(self, key: str) -> object:
        """Return what is known about a value."""
        return self.bucket.get_blob(key)

    def delete(self, key: str) -> None:
        """Remove a value that is there."""
        self.bucket.blob(key).delete()

    def names(self, prefix: str) -> Iterator[str]:
        """Yield the keys that begin with something."""
        for blob in self.bucket.list_blobs(prefix=prefix):
            yield blob.name


def rows(effort: Effort) -> Rows:
    """Measure small requests."""
    server = servers.gcs()
    # There is no other way to tell a store of it.
    os.environ["STORAGE_EMULATOR_HOST"] = server.emulator_host
    url = server.url()
    with server.client() as client, get_store_from_url(url) as store:
        bare = GoogleBlobs(client, server.namespace(url))
        yield from on_objects.rows("gcs", bare, store, effort)
