"""Many who save under one name at the same moment all keep their files."""

import io
import subprocess
import sys
from pathlib import Path
from threading import Barrier, Thread

import pytest
from django.core.files.base import ContentFile

from minimalkv import get_store_from_url
from minimalkv.decorator import StoreDecorator
from minimalkv_django.storage import KVStorage
from tests.django.storages import Pipe, backend_of, names_in, read
from tests.django.test_storage_files import LARGE

_ROOT = Path(__file__).parent.parent.parent
_PROCESSES = 8
_SAVES = 20


@pytest.mark.parametrize("kind", ["hfs", "redis", "s3", "azure", "gcs"])
def test_eight_processes_lose_no_file(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    url = f"hfs://{tmp_path}/data?fsync=false"
    if kind != "hfs":
        url = backend_of(request, kind).url()
    saver = [sys.executable, "-W", "error", "-m", "tests.django.saver"]
    done = subprocess.run(
        [*saver, url, str(_PROCESSES), str(_SAVES)],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        timeout=120,
    )

    names = set(done.stdout.split())
    assert len(names) == _PROCESSES * _SAVES
    assert "one/name.txt" in names
    with get_store_from_url(url) as store:
        storage = KVStorage(store, location="media")
        found = {read(storage, name).decode() for name in names}
        assert len(storage.listdir("one")[1]) == len(names)
    assert found == {f"{n}-{s}" for n in range(_PROCESSES) for s in range(_SAVES)}


@pytest.mark.parametrize("is_read_once", [False, True])
def test_eight_threads_lose_no_file(storage: KVStorage, is_read_once: bool) -> None:
    barrier = Barrier(8)
    names: list[str] = []

    def save(number: int) -> None:
        data = LARGE + b"%d" % number
        content = Pipe(data) if is_read_once else io.BytesIO(data)
        barrier.wait(30)
        names.append(storage.save("a.bin", content))

    threads = [Thread(target=save, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(names) == names_in(storage)
    assert sorted(read(storage, name)[-1:] for name in names) == [
        b"%d" % number for number in range(8)
    ]


def test_a_name_that_is_taken_meanwhile_becomes_another(memory: KVStorage) -> None:
    class Overtaken(StoreDecorator):
        """Somebody else is always first."""

        def _put_file(self, key: str, *args: object, **options: object) -> str | None:
            if self._left:
                self._left -= 1
                self._dstore.put(key, b"theirs")
            return super()._put_file(key, *args, **options)  # type: ignore[arg-type]

        _left = 3

    storage = KVStorage(Overtaken(memory.store))
    name = storage.save("a.txt", ContentFile(b"mine"))

    assert read(memory, name) == b"mine"
    assert len(names_in(memory)) == 4
    assert name.startswith("a_")
    assert len(name) == len("a_xxxxxxx.txt"), "there is one suffix, not three"
