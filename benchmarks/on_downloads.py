"""Large objects into a file: against the download that an SDK brings."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from azure.storage.blob import BlobServiceClient

from benchmarks.measure import Effort, Rows, compare
from benchmarks.on_s3 import default_client
from minimalkv import KeyValueStore, get_store_from_url
from tests.servers import servers

AIM: Final = 1 / 1.5

_MIB: Final = 2**20
_SIZE_MIB: Final = 256
_KEY: Final = "large"
_SLOWER: Final = 4

Download = Callable[[Path], object]


def rows(effort: Effort) -> Rows:
    """Measure a file that nobody flushes, in memory where the machine has such one."""
    slow = effort.slow(_SLOWER)
    shared = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    where = shared if os.access(shared, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=where) as name:
        for peer, opened in _PEERS.items():
            with opened() as (url, theirs), get_store_from_url(url) as store:
                yield from _rows(peer, theirs, store, Path(name), slow)


def _rows(
    peer: str, theirs: Download, store: KeyValueStore, folder: Path, effort: Effort
) -> Rows:
    label = f"get_file of {_SIZE_MIB} MiB / {peer}"
    calls = (
        partial(theirs, folder / "theirs"),
        partial(store.get_file, _KEY, folder / "ours"),
    )
    value = os.urandom(_MIB)
    with store.open_writer(_KEY) as file:
        for _ in range(_SIZE_MIB):
            file.write(value)
    for call in calls:
        call()
    if (folder / "ours").read_bytes() != (folder / "theirs").read_bytes():
        raise RuntimeError(f"{peer} and ours got different bytes.")
    yield compare(label, *calls, effort, AIM)
    yield compare(f"{label}, CPU", *calls, effort.of_cpu())


@contextmanager
def _s3() -> Iterator[tuple[str, Download]]:
    server = servers.s3()
    url = server.url()
    client = default_client(server)
    bucket = server.namespace(url)
    with closing(client):
        yield url, lambda path: client.download_file(bucket, _KEY, str(path))


@contextmanager
def _azure() -> Iterator[tuple[str, Download]]:
    server = servers.azure()
    url = server.url()
    with BlobServiceClient.from_connection_string(server.connection_string) as client:
        blob = client.get_blob_client(server.namespace(url), _KEY)

        def download(path: Path) -> None:
            with path.open("wb") as file:
                blob.download_blob().readinto(file)

        yield url, download


@contextmanager
def _gcs() -> Iterator[tuple[str, Download]]:
    server = servers.gcs()
    os.environ["STORAGE_EMULATOR_HOST"] = server.emulator_host
    url = server.url()
    with server.client() as client:
        bucket: Any = client.bucket(server.namespace(url))
        yield url, lambda path: bucket.blob(_KEY).download_to_filename(path)


_PEERS: Final = {
    "download_file of boto3": _s3,
    "download_blob of azure-storage-blob": _azure,
    "download_to_filename of google-cloud-storage": _gcs,
}
