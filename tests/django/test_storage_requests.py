"""How many requests the use of files takes, and how much is sent."""

import io
import zipfile
from collections.abc import Callable, Iterator

import pytest
from django.core.files.base import ContentFile, File

from minimalkv._contract.tools import sample
from minimalkv_django.storage import KVStorage
from tests.django.storages import Pipe
from tests.net.backend import Backend, on, one_of
from tests.proxy import Proxy

_MIB = 2**20
_LARGE = 64 * _MIB

backend = one_of("s3", "azure", "gcs")


@pytest.fixture(scope="module")
def proxy(backend: Backend) -> Iterator[Proxy]:
    with Proxy(backend.server.port, settle_secs=0) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def opened(backend: Backend, proxy: Proxy) -> Iterator[KVStorage]:
    with backend.opened(backend.url(), proxy.port) as store:
        # What a first conditional write does more than the others is done now.
        store.add("first", b"")
        yield KVStorage(store, location="media")


@pytest.fixture
def storage(opened: KVStorage, proxy: Proxy) -> KVStorage:
    opened.store.delete_prefix("")
    opened.save("old.txt", ContentFile(b"0123456789"))
    proxy.reset_counts()
    return opened


def overwrite(storage: KVStorage) -> None:
    KVStorage(storage.store, "media", allow_overwrite=True).save(
        "old.txt", ContentFile(b"new")
    )


def write(storage: KVStorage) -> None:
    with storage.open("old.txt", "wb") as file:
        file.write(b"new")


def read(storage: KVStorage) -> None:
    with storage.open("old.txt") as file:
        assert file.read() == b"0123456789"


def read_end(storage: KVStorage) -> None:
    with storage.open("old.txt") as file:
        assert file.size == 10
        file.seek(-2, io.SEEK_END)
        assert file.read() == b"89"


def list_and_look(storage: KVStorage) -> None:
    assert storage.listdir("") == ([], ["old.txt"])
    for _ in range(3):
        assert storage.exists("old.txt")
        assert storage.size("old.txt") == 10
        assert storage.get_modified_time("old.txt")


USES: dict[str, tuple[Callable[[KVStorage], object], int]] = {
    "save": (lambda storage: storage.save("a.txt", ContentFile(b"1")), 1),
    "save 4 MiB": (lambda storage: storage.save("a", ContentFile(bytes(4 * _MIB))), 1),
    "save what is read once": (lambda storage: storage.save("a", Pipe(b"1")), 1),
    "save a name that is taken": (
        lambda storage: storage.save("old.txt", ContentFile(b"1")),
        3,  # Azure says that there is something, and is asked whether it is a file
    ),
    "overwrite": (overwrite, 1),
    "write": (write, 1),
    "read": (read, 1),
    "read the end": (read_end, 1),
    "exists": (lambda storage: storage.exists("old.txt"), 1),
    "exists not": (lambda storage: storage.exists("missing"), 2),
    "size": (lambda storage: storage.size("old.txt"), 1),
    "modified": (lambda storage: storage.get_modified_time("old.txt"), 1),
    "delete": (lambda storage: storage.delete("old.txt"), 1),
    "listdir": (lambda storage: storage.listdir(""), 1),
    "list and look": (list_and_look, 1),
    "url": (lambda storage: storage.url("old.txt"), 0),
    "free name": (lambda storage: storage.get_available_name("free.txt"), 2),
}


@pytest.mark.parametrize("use", USES)
def test_uses_take_few_requests(storage: KVStorage, proxy: Proxy, use: str) -> None:
    do, most = USES[use]
    do(storage)

    assert len(proxy.requests) <= most, proxy.methods


# Large files.


@pytest.fixture(scope="module")
def large(opened: KVStorage) -> KVStorage:
    """Return a storage with an archive of 64 MiB, in a location of its own."""
    storage = KVStorage(opened.store, location="large", allow_overwrite=True)
    with (
        storage.open("a.zip", "wb") as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive,
    ):
        archive.writestr("first.bin", sample(_MIB) * 64)
        archive.writestr("last.txt", b"the last one")
    return storage


def test_the_end_of_a_large_file_is_read_alone(large: KVStorage, proxy: Proxy) -> None:
    proxy.reset_counts()
    with large.open("a.zip") as file:
        assert file.size > _LARGE
        file.seek(-1024, io.SEEK_END)
        end = file.read()

    assert len(end) == 1024
    assert b"last.txt" in end
    assert len(proxy.requests) <= 2
    assert proxy.sent_bytes <= _MIB


def test_a_file_of_a_large_archive_is_read_alone(
    large: KVStorage, proxy: Proxy
) -> None:
    proxy.reset_counts()
    with large.open("a.zip") as file, zipfile.ZipFile(file) as archive:
        assert archive.namelist() == ["first.bin", "last.txt"]
        assert archive.read("last.txt") == b"the last one"

    assert len(proxy.requests) <= 2
    assert proxy.sent_bytes <= _MIB


@on("s3")
def test_a_large_file_is_streamed_in_both_directions(
    storage: KVStorage, proxy: Proxy
) -> None:
    storage.save("large", File(io.BytesIO(bytes(20 * _MIB))))
    name = storage.save("large", ContentFile(bytes(20 * _MIB)))
    assert proxy.received_bytes < 41 * _MIB, "nothing was sent to a name that is taken"
    proxy.reset_counts()
    with storage.open(name) as file:
        assert sum(map(len, file.chunks())) == 20 * _MIB
    assert len(proxy.requests) < 12
