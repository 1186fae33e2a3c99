"""A store that sees fake-gcs-server through a proxy."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minimalkv.net.gcstore import GoogleCloudStore
from tests.backends.gcs import GCSServer
from tests.net.backend import GCS


@contextmanager
def store_through(
    server: GCSServer, port: int, **options: Any
) -> Iterator[GoogleCloudStore]:
    """Yield a store on a new bucket that connects to another port."""
    gcs = GCS(server)
    with gcs.opened(gcs.url(**options), port) as store:
        yield store
