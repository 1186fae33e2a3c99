"""Azure: against a client of azure-storage-blob."""

from collections.abc import Iterator

from azure.storage.blob import BlobServiceClient, ContainerClient

from benchmarks import on_objects
from benchmarks.measure import Effort, Rows
from minimalkv import get_store_from_url
from tests.servers import servers


class AzureBlobs:
    """A client of one container."""

    name = "azure-storage-blob"

    def __init__(self, container: ContainerClient) -> None:
        self.container = container

    def get(self, key: str) -> bytes:
        """Return a value."""
        return self.container.download_blob(key).readall()

    def put(self, key: str, value: bytes) -> object:
        """Replace a value."""
        return self.container.upload_blob(key, value, overwrite=True)

    def head(self, key: str) -> object:
        """Return what is known about a value."""
        return self.container.get_blob_client(key).get_blob_properties()

    def delete(self, key: str) -> None:
        """Remove a value that is there."""
        self.container.delete_blob(key)

    def names(self, prefix: str) -> Iterator[str]:
        """Return the keys that begin with something."""
        # Takes a third of the time of `list_blobs`.
        return iter(self.container.list_blob_names(name_starts_with=prefix))


def rows(effort: Effort) -> Rows:
    """Measure small requests."""
    server = servers.azure()
    url = server.url()
    string = server.connection_string
    with (
        BlobServiceClient.from_connection_string(string) as client,
        get_store_from_url(url) as store,
    ):
        bare = AzureBlobs(client.get_container_client(server.namespace(url)))
        yield from on_objects.rows("azure", bare, store, effort)
