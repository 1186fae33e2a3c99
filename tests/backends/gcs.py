"""fake-gcs-server, which speaks Google Cloud Storage."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage  # type: ignore[import-untyped] # it has no types

from tests.backends import programs
from tests.backends.base import StoreServer, query_of, send


class GCSServer(StoreServer):
    """fake-gcs-server; a namespace is a bucket.

    Stores find it through the environment: put `emulator_host` into
    ``STORAGE_EMULATOR_HOST``, as the fixture does.
    """

    scheme = "gcs"
    project: Final = "test-project"

    def _command(self, folder: Path) -> list[str]:
        del folder
        at = f"{self.host}:{self.port}"
        options = {
            "scheme": "http",
            "host": self.host,
            "port": str(self.port),
            "backend": "memory",
            "public-host": at,
            "external-url": f"http://{at}",
            "log-level": "warn",
        }
        pairs = [text for key, value in options.items() for text in (f"-{key}", value)]
        return [programs.fake_gcs(), *pairs]

    def _prepare(self) -> None:
        send(self.port, "GET", f"/storage/v1/b?project={self.project}")

    @property
    def emulator_host(self) -> str:
        """The value of ``STORAGE_EMULATOR_HOST``."""
        return f"http://{self.host}:{self.port}"

    @contextmanager
    def client(self) -> Iterator[Any]:
        """Yield a client, and close it."""
        client = storage.Client(
            self.project,
            AnonymousCredentials(),  # type: ignore[no-untyped-call] # it has no types
            client_options=ClientOptions(api_endpoint=self.emulator_host),
        )
        with closing(client):
            yield client

    def namespace(self, url: str) -> str:
        return urlsplit(url).hostname or ""

    def _new_namespace(self, *, create: bool) -> str:
        name = self._new_bucket_name()
        if create:
            send(
                self.port,
                "POST",
                f"/storage/v1/b?project={self.project}",
                json.dumps({"name": name}),
                {"Content-Type": "application/json"},
            )
        return name

    def _url(self, name: str, userinfo: str, options: dict[str, str]) -> str:
        del userinfo
        return f"gcs://{name}{query_of(options)}"
