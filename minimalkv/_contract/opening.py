"""What `open` gives: a file that seeks, buffers, cannot write, and is one version."""

import io
import random
import zipfile
from typing import Any, BinaryIO

import pytest

from minimalkv._contract.base import Contract, check_bytes
from minimalkv._contract.tools import sample
from minimalkv._errors import KeyNotFound, PreconditionFailed
from minimalkv._key_value_store import KeyValueStore

_LARGE = 300_000


class OpeningContract(Contract):
    """The file of `open`; the values come in by `Contract.fill`."""

    def test_open_file_can_read_and_seek_and_not_write(
        self, store: KeyValueStore
    ) -> None:
        self.fill(store, {"key": b"value"})
        with store.open("key") as file:
            assert file.readable()
            assert file.seekable()
            assert not file.writable()
            write: Any
            for write in (file.write, lambda data: file.writelines([data])):
                with pytest.raises(io.UnsupportedOperation):
                    write(b"evil")
            with pytest.raises(io.UnsupportedOperation):
                file.truncate(1)
            assert file.read() == b"value"
        assert store.get("key") == b"value"

    def test_open_file_reads_in_parts(self, store: KeyValueStore) -> None:
        self.fill(store, {"key": b"first\nsecond\n\nlast"})
        with store.open("key") as file:
            assert file.read(0) == b""
            assert file.read(2) == b"fi"
            assert file.readline() == b"rst\n"
            assert file.tell() == 6
            buffer = bytearray(4)
            assert file.readinto(buffer) == 4  # type: ignore[attr-defined]
            assert buffer == b"seco"
            assert list(file) == [b"nd\n", b"\n", b"last"]
            assert file.read() == file.read(1) == b""
            assert file.readinto(buffer) == 0  # type: ignore[attr-defined]
            file.seek(0)
            assert file.readlines() == [b"first\n", b"second\n", b"\n", b"last"]

    def test_open_file_is_buffered(self, store: KeyValueStore) -> None:
        value = sample(_LARGE)
        self.fill(store, {"key": value})
        with store.open("key") as file:
            check_bytes(file.read(200_000), value[:200_000])
            check_bytes(file.read(-1), value[200_000:])

    def test_open_file_seeks_from_everywhere(self, store: KeyValueStore) -> None:
        self.fill(store, {"key": b"0123456789"})
        with store.open("key") as file:
            assert file.tell() == 0
            assert file.seek(4) == 4
            assert file.read(1) == b"4"
            assert file.seek(2, io.SEEK_CUR) == 7
            assert file.read(1) == b"7"
            assert file.seek(-4, io.SEEK_CUR) == 4
            assert file.read(2) == b"45"
            assert file.seek(-3, io.SEEK_END) == 7
            assert file.read() == b"789"
            assert file.seek(0, io.SEEK_END) == file.tell() == 10
            assert file.seek(0) == 0
            assert file.read() == b"0123456789"

    def test_open_file_cannot_seek_before_the_beginning(
        self, store: KeyValueStore
    ) -> None:
        self.fill(store, {"key": b"0123456789"})
        with store.open("key") as file:
            assert file.read(4) == b"0123"
            for offset, whence in [(-1, 0), (-5, 1), (-11, 2)]:
                with pytest.raises(OSError, match=r"."):
                    file.seek(offset, whence)
            with pytest.raises(ValueError, match=r"."):
                file.seek(0, 7)
            assert file.read() == b"456789"

    def test_open_file_is_empty_past_its_end(self, store: KeyValueStore) -> None:
        self.fill(store, {"key": b"0123456789"})
        with store.open("key") as file:
            for offset in (10, 11, 10**6, 2**40):
                assert file.seek(offset) == offset
                assert file.read() == file.read(1) == b""
            file.seek(9)
            assert file.read(5) == b"9"

    def test_open_file_is_shut_when_closed(self, store: KeyValueStore) -> None:
        self.fill(store, {"key": b"value"})
        file = store.open("key")
        file.close()
        file.close()
        assert file.closed
        for use in (file.read, file.tell, file.readline, lambda: file.seek(0)):
            with pytest.raises(ValueError, match="closed"):
                use()
        with store.open("key") as file:
            assert not file.closed
        assert file.closed

    def test_open_empty_value_is_an_empty_file(self, store: KeyValueStore) -> None:
        self.fill(store, {"key": b""})
        with store.open("key") as file:
            assert file.read() == b""
            assert file.seek(0, io.SEEK_END) == 0
            assert list(file) == []

    def test_open_file_agrees_with_a_file_in_memory(self, store: KeyValueStore) -> None:
        value = sample(_LARGE)
        self.fill(store, {"key": value})
        dice = random.Random(1)  # noqa: S311 - the same in every run
        model = io.BytesIO(value)
        with store.open("key") as file:
            for _ in range(60):
                position = dice.randrange(_LARGE + 10)
                wanted = dice.choice((0, 1, 10, 1000, 65536, 100_000))
                assert file.seek(position) == model.seek(position)
                check_bytes(file.read(wanted), model.read(wanted))
                assert file.tell() == model.tell()

    def test_open_file_feeds_what_needs_to_seek(self, store: KeyValueStore) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inner", sample(10_000))
        self.fill(store, {"key.zip": packed.getvalue()})
        with store.open("key.zip") as file, zipfile.ZipFile(file) as archive:
            check_bytes(archive.read("inner"), sample(10_000))
        with store.open("key.zip") as file, io.TextIOWrapper(file, "latin-1") as text:
            assert text.read(2) == "PK"

    def test_open_files_do_not_disturb_each_other(self, store: KeyValueStore) -> None:
        value = sample(_LARGE)
        self.fill(store, {"key": value})
        with store.open("key") as one, store.open("key") as two:
            check_bytes(one.read(10), value[:10])
            two.seek(100_000)
            check_bytes(two.read(10), value[100_000:100_010])
            check_bytes(one.read(10), value[10:20])

    @pytest.mark.parametrize("size", [0, 7, _LARGE, _LARGE + 999])
    def test_open_file_never_mixes_two_versions(
        self, store: KeyValueStore, size: int
    ) -> None:
        old = sample(_LARGE)
        self.fill(store, {"key": old})
        with store.open("key") as file:
            begin = file.read(10)
            self.fill(store, {"key": sample(size, seed=1)})
            _check_version(file, begin, old)

    def test_streamed_part_never_mixes_two_versions(self, store: KeyValueStore) -> None:
        old = sample(_LARGE)
        self.fill(store, {"key": old})
        _, file = store.stream("key", 0, _LARGE - 5)
        with file:
            begin = file.read(10)
            self.fill(store, {"key": sample(_LARGE, seed=1)})
            _check_version(file, begin, old[:-5])

    def test_open_file_of_a_missing_key_is_not_there(
        self, store: KeyValueStore
    ) -> None:
        with pytest.raises(KeyNotFound):
            store.open("missing")
        assert "missing" not in store


def _check_version(file: BinaryIO, begin: bytes, old: bytes) -> None:
    try:
        rest = file.read()
    except PreconditionFailed:
        return
    check_bytes(begin + rest, old)
