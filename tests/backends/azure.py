"""Azurite, which speaks Azure Blob Storage."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from azure.storage.blob import BlobServiceClient

from tests.backends import programs
from tests.backends.base import Credentials, StoreServer, query_of


class AzureServer(StoreServer):
    """Azurite; a namespace is a container of its one account."""

    scheme = "azure"
    # Microsoft publishes this key: every emulator has it.
    credentials = Credentials(
        "devstoreaccount1",
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/"
        "K1SZFPTOtr/KBHBeksoGMGw==",
    )

    def _command(self, folder: Path) -> list[str]:
        flags = ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
        place = ["--location", str(folder), "--blobPort", str(self.port)]
        return [*programs.azurite(), *flags, *place, "--blobHost", self.host]

    def _prepare(self) -> None:
        with self.client() as client:
            client.get_service_properties()

    @property
    def endpoint(self) -> str:
        """The URL of the account."""
        return f"http://{self.host}:{self.port}/{self.credentials.name}"

    @property
    def connection_string(self) -> str:
        """What the portal of the account would show."""
        name, key = self.credentials
        return (
            f"DefaultEndpointsProtocol=http;AccountName={name};AccountKey={key};"
            f"BlobEndpoint={self.endpoint};"
        )

    @contextmanager
    def client(self) -> Iterator[BlobServiceClient]:
        """Yield a client of the account, and close it."""
        string = self.connection_string
        with BlobServiceClient.from_connection_string(string, retry_total=0) as client:
            yield client

    def namespace(self, url: str) -> str:
        return urlsplit(url).hostname or ""

    def _new_namespace(self, *, create: bool) -> str:
        name = self._new_bucket_name()
        if create:
            with self.client() as client:
                client.create_container(name)
        return name

    def _url(self, name: str, userinfo: str, options: dict[str, str]) -> str:
        if "connection_string" in options:
            return f"azure://{name}{query_of(options)}"
        query = query_of({"blob_endpoint": self.endpoint, **options})
        return f"azure://{userinfo}{name}{query}"
